/* A course of treatment: where it stands, what is next, and the form for it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { asksOf, capital, labelOf, nextDosing, openSession, planned, steps, type Step, type StepName, type Visit, waiting } from "../care";
import { ROUTES } from "../course";
import type { Clinic, WholeCourse } from "../model";
import * as queries from "../queries";
import { type Read, useRead } from "../read";
import { isMe, may, me, serverNow } from "../store";
import { clockTime, day, midnight, number, words } from "../words";
import { STANDINGS } from "./assess";
import { ChangeVisitForm, ClearForm, CloseForm, ConsentForm, OpenSessionForm, PlanForm, PreparationForm, PrepareForm, WithdrawForm } from "./course-forms";
import { Icon } from "./icon";
import { Page, Reading, RowLink } from "./page";

const date = (at: string): string => day(Date.parse(at));

type Dialog = "consent" | "withdraw" | "prepare" | "preparation" | "plan" | "open" | "close" | `clear ${string}` | { visit: Visit };

export function CoursePage({ id }: { id: string }) {
  const course = useRead(() => queries.course(id), [id], undefined, true);
  const clinic = useRead(queries.clinic, []);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const data = course.data;
  return (
    <Page
      title={data ? `${data.name ?? labelOf(data)}` : "Course of treatment"}
      lead={data && `${labelOf(data)} · ${capital(words(data.indication))} · course opened ${date(data.opened_at)}`}
      back={data ? [`/patients/${data.patient_id}`, "The patient"] : ["/patients", "Patients"]}
      narrow
      tools={
        data?.state === "open" &&
        may("intake", "CloseCourse") && (
          <button type="button" class="btn quiet" onClick={() => setDialog("close")}>
            Close the course
          </button>
        )
      }
    >
      <Reading of={course} what="The course">
        {(of) => (
          <>
            <Stands course={of} />
            <ol class="course-steps">
              {steps(of).map((step, i) => (
                <StepRow key={step.name} step={step} n={i + 1} said={stands(step, of)}>
                  <Content step={step} course={of} clinic={clinic.data} show={setDialog} />
                </StepRow>
              ))}
            </ol>
            <Held course={of} />
          </>
        )}
      </Reading>
      {data && dialog && <Dialogs dialog={dialog} course={data} clinic={clinic} close={() => setDialog(null)} done={() => { setDialog(null); course.changed(); }} />}
    </Page>
  );
}

const TITLES: Record<StepName, string> = {
  assess: "Assessment",
  clear: "Findings cleared",
  consent: "Consent",
  prepare: "Preparation",
  plan: "Dosing visit",
  open: "Session",
};

function Stands({ course }: { course: WholeCourse }) {
  const verdict = course.assessed?.verdict;
  if (course.closed) {
    return (
      <p class="stands" role="status">
        <Icon name="door" />
        <span>
          <b>Closed: {words(course.closed.outcome)}</b> on {date(course.closed.at)}. {course.closed.reason}
        </span>
      </p>
    );
  }
  if (!verdict || verdict === "eligible") return null;
  return (
    <p class="stands" role="status">
      <Icon name="stop" />
      <span>
        <b>{verdict === "deferred" ? "Deferred" : "Not eligible"}</b> by the assessment of {date(course.assessed?.at ?? "")}. No session can be opened{verdict === "deferred" ? " until another assessment finds otherwise" : ""}.
      </span>
    </p>
  );
}

/** A visit that is planned is not done, nor a session that is under way. */
function stands({ name, state }: Step, course: WholeCourse): string {
  if (state !== "done") return { next: "next", later: "later", stopped: "not possible now" }[state];
  const visit = nextDosing(course);
  if (name === "plan") return visit ? `planned for ${date(visit.planned_for)}` : "the patient is here";
  return name === "open" ? "under way" : "done";
}

function StepRow({ step, n, said, children }: { step: Step; n: number; said: string; children: ComponentChildren }) {
  return (
    <li class="panel course-step" data-state={step.state} data-step={step.name} aria-current={step.state === "next" ? "step" : undefined}>
      <span class="course-step-n" aria-hidden="true">
        {step.state === "done" && step.name !== "open" ? <Icon name="check" /> : n}
      </span>
      <div class="course-step-body">
        <h2>
          {TITLES[step.name]} <small>{said}</small>
        </h2>
        {children}
      </div>
    </li>
  );
}

interface Of {
  step: Step;
  course: WholeCourse;
  clinic: Clinic | null;
  show(dialog: Dialog): void;
}

/** One filled button on the page: what is next. */
function Do({ course, step, owner, type, onClick, children, always = false }: { course: WholeCourse; step: Step; owner: "intake" | "session"; type: string; onClick(): void; children: ComponentChildren; always?: boolean }) {
  if (course.state === "closed" || step.state === "stopped" || (step.state === "later" && !always)) return null;
  if (!may(owner, type)) return null;
  return (
    <button type="button" class={step.state === "next" ? "btn main" : "btn quiet"} onClick={onClick}>
      {children}
    </button>
  );
}

function Content(of: Of) {
  const { step, course, clinic, show } = of;
  switch (step.name) {
    case "assess":
      return <AssessStep {...of} />;
    case "clear":
      return <ClearStep {...of} />;
    case "consent":
      return (
        <>
          {course.consent && (
            <p>
              Given on {date(course.consent.at)}, document {course.consent.document}.
            </p>
          )}
          {course.consent_withdrawn && !course.consent && (
            <p>
              <b>Withdrawn</b> on {date(course.consent_withdrawn.at)}. {course.consent_withdrawn.reason}
            </p>
          )}
          {step.state === "next" && <p>The patient reads the consent form, asks, and signs.</p>}
          <p class="actions-row">
            {!course.consent && (
              <Do course={course} step={step} owner="intake" type="GiveConsent" onClick={() => show("consent")} always>
                Record consent
              </Do>
            )}
            {course.consent && course.state === "open" && may("intake", "WithdrawConsent") && (
              <button type="button" class="btn quiet" onClick={() => show("withdraw")}>
                Record a withdrawal of consent…
              </button>
            )}
          </p>
        </>
      );
    case "prepare":
      return (
        <>
          {course.prepared && (
            <dl class="facts">
              <dt>Intentions</dt>
              <dd class="said">{course.prepared.intentions}</dd>
              <dt>Safety plan</dt>
              <dd class="said">{course.prepared.safety_plan}</dd>
              <dt>Way home</dt>
              <dd>{course.prepared.ride}</dd>
            </dl>
          )}
          {course.prepared && step.state !== "done" && <p>Since then the patient was assessed anew: prepare again.</p>}
          {step.state === "next" && !course.prepared && <p>Intentions, education, safety plan, the way home, fasting explained.</p>}
          {course.preparations.length > 0 && (
            <ul class="found-list">
              {course.preparations.map(({ id, at, text }) => (
                <li key={id}>
                  <Icon name="note" />
                  <span>
                    {text}
                    <small>Preparation visit of {date(at)}</small>
                  </span>
                </li>
              ))}
            </ul>
          )}
          <p class="actions-row">
            <Do course={course} step={step} owner="intake" type="Prepare" onClick={() => show("prepare")}>
              {course.prepared ? "Prepare again" : "Record the preparation"}
            </Do>
            {course.state === "open" && may("intake", "RecordPreparation") && (
              <button type="button" class="btn quiet" onClick={() => show("preparation")}>
                Note a preparation visit
              </button>
            )}
          </p>
        </>
      );
    case "plan": {
      const visits = planned(course, midnight(serverNow()));
      return (
        <>
          {visits.length > 0 && (
            <ul class="found-list">
              {visits.map((visit) => (
                <li key={visit.id}>
                  <Icon name="day" />
                  <span>
                    <b>
                      {date(visit.planned_for)}, {clockTime(Date.parse(visit.planned_for))}
                    </b>
                    {visit.room ? `, room ${visit.room}` : ", no room yet"}
                    {visit.visit !== "dosing" && <small>{capital(visit.visit)}</small>}
                  </span>
                  {course.state === "open" && may("intake", "CorrectEntry") && (isMe(visit.by) || me.value?.role === "prescriber") && (
                    <button type="button" class="btn" onClick={() => show({ visit })}>
                      Change
                      <span class="sr"> the visit of {date(visit.planned_for)}</span>
                    </button>
                  )}
                </li>
              ))}
            </ul>
          )}
          {!nextDosing(course) && openSession(course) && <p>The patient is here.</p>}
          {step.state === "next" && <p>When the patient comes for the dose, and into which room.</p>}
          <p class="actions-row">
            <Do course={course} step={step} owner="intake" type="PlanVisit" onClick={() => show("plan")} always>
              {visits.length > 0 ? "Plan another visit" : "Plan a visit"}
            </Do>
          </p>
        </>
      );
    }
    case "open": {
      const open = openSession(course);
      return (
        <>
          {open ? (
            <p class="actions-row">
              <span>
                Open in <b>room {open.room}</b> since {clockTime(Date.parse(open.opened_at))}.
              </span>
              <a class="btn main" href={`/sessions/${open.session_id}`}>
                To the session
              </a>
            </p>
          ) : (
            <>
              {step.state === "next" && <p>When the patient is here: open the session in their room, then attach the monitor.</p>}
              <p class="actions-row">
                <Do course={course} step={step} owner="session" type="OpenSession" onClick={() => show("open")}>
                  <Icon name="door" />
                  Check in: open a session
                </Do>
              </p>
              {step.state === "next" && !may("session", "OpenSession") && <p class="dim">A nurse or a prescriber opens it.</p>}
            </>
          )}
          {clinic === null && step.state === "next" && <p class="dim">The clinic's rooms are being read.</p>}
        </>
      );
    }
  }
}

function AssessStep({ step, course, clinic }: Of) {
  const { assessed } = course;
  const title = clinic?.protocols.find((p) => p.name === assessed?.protocol)?.title ?? assessed?.protocol;
  return (
    <>
      {assessed && (
        <p>
          <b>{capital(assessed.verdict)}</b> on {date(assessed.at)}: {title} ({ROUTES[assessed.route]}), {number(assessed.weight_kg)} kg
          {assessed.measures.filter((m) => m.total !== null).map((m) => `, ${m.instrument.toUpperCase()} ${m.total}`)}
        </p>
      )}
      {assessed && assessed.findings.length > 0 && (
        <ul class="found-list">
          {assessed.findings.map((f) => (
            <li key={f.rule} data-standing={f.standing}>
              <Icon name={f.standing === "hard_stop" ? "stop" : f.standing === "clearance" ? "alert" : "note"} />
              <span>
                {asksOf(clinic, assessed.protocol, f.rule)}
                <small>
                  {course.cleared.some((one) => one.rule === f.rule) ? "cleared" : STANDINGS[f.standing]}
                  {f.note && `: ${f.note}`}
                </small>
              </span>
            </li>
          ))}
        </ul>
      )}
      {step.state === "next" && !assessed && <p>Every rule of the protocol is asked; a prescriber gives the verdict.</p>}
      {course.state === "open" &&
        (may("intake", "Assess") ? (
          <p class="actions-row">
            <a class={step.state === "next" ? "btn main" : "btn quiet"} href={`/courses/${course.course_id}/assess`}>
              {assessed ? "Assess again" : "Assess"}
            </a>
          </p>
        ) : (
          step.state === "next" && <p class="dim">A prescriber assesses: ask them to open this course.</p>
        ))}
    </>
  );
}

function ClearStep({ step, course, clinic, show }: Of) {
  const open = waiting(course);
  const { assessed } = course;
  if (!assessed) return <p class="dim">What the assessment finds stands here.</p>;
  const needed = assessed.findings.filter((f) => f.standing === "clearance");
  if (needed.length === 0) return <p>No finding needs a clearance.</p>;
  return (
    <>
      <ul class="found-list">
        {needed.map(({ rule }) => {
          const cleared = course.cleared.find((c) => c.rule === rule);
          return (
            <li key={rule}>
              <Icon name={cleared ? "check" : "alert"} />
              <span>
                {asksOf(clinic, assessed.protocol, rule)}
                <small>{cleared ? `cleared on ${date(cleared.at)} by ${cleared.by_name ?? "somebody"}: ${cleared.reason}` : "not cleared"}</small>
              </span>
              {!cleared && step.state !== "stopped" && may("intake", "ClearFinding") && (
                <button type="button" class="btn" onClick={() => show(`clear ${rule}`)}>
                  Clear
                  <span class="sr">: {asksOf(clinic, assessed.protocol, rule)}</span>
                </button>
              )}
            </li>
          );
        })}
      </ul>
      {open.length > 0 && !may("intake", "ClearFinding") && <p class="dim">A prescriber clears findings, each with a reason.</p>}
    </>
  );
}

function Held({ course }: { course: WholeCourse }) {
  const past = course.sessions.filter((s) => s.state !== "open");
  if (past.length === 0) return null;
  return (
    <section aria-labelledby="held-h">
      <h2 id="held-h" class="section-h">
        Sessions held <b>{past.length}</b>
      </h2>
      <ul class="panel rows">
        {past.map((s) => (
          <RowLink key={s.session_id} href={`/sessions/${s.session_id}`} title={date(s.opened_at)}>
            {ROUTES[s.route]}, {s.doses.length > 0 ? `${s.doses.map((d) => number(d.dose.milligrams)).join(" + ")} mg` : "no dose"}, {s.state === "aborted" ? "stopped" : "discharged"}
            {s.ended_at && ` ${clockTime(Date.parse(s.ended_at))}`}
          </RowLink>
        ))}
      </ul>
    </section>
  );
}

function Dialogs({ dialog, course, clinic, close, done }: { dialog: Dialog; course: WholeCourse; clinic: Read<Clinic>; close(): void; done(): void }) {
  const of = { course, close, done };
  if (typeof dialog === "object") return <ChangeVisitForm {...of} visit={dialog.visit} rooms={clinic.data?.rooms ?? []} />;
  if (dialog.startsWith("clear ")) {
    const rule = dialog.slice(6);
    return <ClearForm {...of} rule={rule} asks={asksOf(clinic.data, course.assessed?.protocol, rule)} />;
  }
  switch (dialog) {
    case "consent":
      return <ConsentForm {...of} />;
    case "withdraw":
      return <WithdrawForm {...of} />;
    case "prepare":
      return <PrepareForm {...of} />;
    case "preparation":
      return <PreparationForm {...of} />;
    case "plan":
      return <PlanForm {...of} rooms={clinic.data?.rooms ?? []} />;
    case "open":
      return <OpenSessionForm {...of} rooms={clinic.data?.rooms ?? []} />;
    default:
      return <CloseForm {...of} />;
  }
}

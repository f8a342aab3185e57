/* Spravato's REMS patient monitoring form: its fields as this session's own events say them, empty lines for the rest. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Task } from "../model";
import { type Answer, NEAR_40_MIN, type Rems, remsOf } from "../rems";
import { may } from "../store";
import type { Pressure } from "../vitals-told";
import { clockTime, day, number, words } from "../words";
import { Line } from "./fields";
import { FormDialog, useForm } from "./form";
import { minutesFrom, orMissing, PaperPage, type PaperRecord, Section, Table, whoOf } from "./paper";

const KIND = "rems-monitoring-form";

export const RemsPage = ({ id }: { id: string }) => (
  <PaperPage id={id} title="Spravato REMS patient monitoring form">
    {(record, again) => (record.session.route === "spravato" ? <Form record={record} again={again} /> : <p class="paper-warn">This session is not one with Spravato: there is no REMS form for it.</p>)}
  </PaperPage>
);

function Form({ record, again }: { record: PaperRecord; again(): void }) {
  const { session: s, items, tracks } = record;
  const rems = remsOf(items, tracks);
  const task = record.tasks.find(({ opened }) => opened.kind === KIND);
  const zero = rems.dosedAt;
  return (
    <>
      {s.state === "open" && <p class="paper-warn">Not discharged yet. The session is still open; this is what is on record so far.</p>}
      {s.state === "aborted" && <p class="paper-warn">The session was stopped{s.ended_at && ` at ${clockTime(Date.parse(s.ended_at))}`}, not discharged. What is asked about its completion is left empty.</p>}
      <p>
        Filled from this session's own record. What the record does not say is an empty line, to be filled in by hand. To be sent to the REMS within 7 days of the dose
        {zero !== null && (
          <>
            : by <b>{day(task?.opened.due ? Date.parse(task.opened.due) : zero + 7 * 24 * 3_600_000)}</b>
          </>
        )}
        .
      </p>
      <Sent record={record} task={task} again={again} />
      <Section title="Patient and healthcare setting">
        <Lines
          of={[
            ["Patient's name", s.name],
            ["Number in this clinic", s.number],
            ["Date of birth", null],
            ["REMS patient id", null],
            ["Healthcare setting and its REMS id", null],
            ["Prescriber on site throughout", null],
          ]}
        />
      </Section>
      <Section title="Treatment">
        <Lines
          of={[
            ["Date", zero === null ? null : day(zero)],
            ["Administration began", zero === null ? null : clockTime(zero)],
            ["Dose", <DoseBoxes key="dose" milligrams={rems.milligrams} />],
            ["Lot number", rems.lots.length > 0 && rems.lots.length === rems.milligrams.length ? rems.lots.join(", ") : null],
            ["Monitored from the dose until", rems.endedAt === null ? null : `${clockTime(rems.endedAt)}, ${rems.minutes} min in total`],
            ["Minutes from the dose until ready to leave", rems.minutes === null ? null : `${rems.minutes} min (found so at discharge)`],
          ]}
        />
      </Section>
      <Section title="Vital signs">
        <Lines
          of={[
            ["Acceptable before the dose?", <YesNo key="before" answer={rems.acceptableBefore} />],
            ["Acceptable at completion?", <YesNo key="after" answer={rems.acceptableAfter} />],
            ["Blood pressure before the dose", pressure(rems.before, zero)],
            ["Blood pressure 40 min after the dose", pressure(rems.at40, zero)],
            ["Blood pressure before completion", pressure(rems.completion, zero)],
          ]}
        />
        <p class="note">Of 40 minutes: the nearest measurement, at most {NEAR_40_MIN} min from them. Before completion: not older than the discharge gate allows.</p>
      </Section>
      <Section title="Sedation, dissociation, events">
        <Lines
          of={[
            ["Sedation?", <YesNo key="s" answer={rems.sedation} more={seen(rems.sedation, "lowest MOAA/S", "", zero)} />],
            ["Dissociation?", <YesNo key="d" answer={rems.dissociation} more={seen(rems.dissociation, "highest", " of 10", zero)} />],
            ["Serious adverse event?", <YesNo key="e" answer={rems.serious} />],
          ]}
        />
        <p class="note">Sedation: a MOAA/S under 5. Dissociation: over 0 on the scale of 0 to 10. An event of severity sentinel counts as serious; every other is for a person to judge.</p>
        {rems.adverse.length > 0 && (
          <Table
            name="Adverse events"
            heads={["Time", "Adverse event", "Severity", "Text", "By"]}
            rows={rems.adverse.map((e) => ({ key: e.id, cells: [clockTime(e.at), words(e.data.category), e.data.severity, orMissing(e.data.text), orMissing(e.by)], struck: e.struck }))}
            none=""
          />
        )}
      </Section>
      <Section title="Taken together with Spravato" whole>
        <Lines
          columns={2}
          of={["Benzodiazepines", "Non-benzodiazepine hypnotics", "Psychostimulants", "Monoamine oxidase inhibitors", "Opioids"].map((drugs): [string, ComponentChildren] => [
            drugs,
            <YesNo key={drugs} answer={{ yes: null, basis: "" }} />,
          ])}
        />
      </Section>
      <Section title="Completed by" whole>
        <Lines
          columns={3}
          of={[
            ["Name", null],
            ["Signature", null],
            ["Date", null],
          ]}
        />
      </Section>
    </>
  );
}

/** A field with what is on record, or a line to write on. */
function Lines({ of, columns }: { of: [string, ComponentChildren][]; columns?: 2 | 3 }) {
  return (
    <dl class={columns ? `form-lines in-${columns}` : "form-lines"}>
      {of.map(([name, said]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{said === null || said === undefined || said === "" ? <Blank /> : said}</dd>
        </div>
      ))}
    </dl>
  );
}

const Blank = () => (
  <span class="blank">
    <span class="sr">Empty, to be filled in by hand</span>
  </span>
);

function Box({ ticked, children }: { ticked: boolean; children: ComponentChildren }) {
  return (
    <span class="box">
      <span aria-hidden="true">{ticked ? "☒" : "☐"}</span>
      <span class="sr">{ticked ? "ticked: " : "not ticked: "}</span> {children}
    </span>
  );
}

function YesNo({ answer, more = answer.basis }: { answer: Answer; more?: string }) {
  return (
    <>
      <Box ticked={answer.yes === true}>Yes</Box> <Box ticked={answer.yes === false}>No</Box> {more && <span class="basis">{more}</span>}
    </>
  );
}

function DoseBoxes({ milligrams }: { milligrams: number[] }) {
  const one = milligrams.length === 1 ? milligrams[0] : undefined;
  const other = milligrams.length > 0 && one !== 56 && one !== 84;
  return (
    <>
      <Box ticked={one === 56}>56 mg</Box> <Box ticked={one === 84}>84 mg</Box> <Box ticked={other}>Other: {other ? `${milligrams.map(number).join(" + ")} mg` : "________"}</Box>
    </>
  );
}

const pressure = (p: Pressure | null, zero: number | null): string | null =>
  p && `${Math.round(p.systolic)}/${Math.round(p.diastolic)} mmHg at ${clockTime(p.at)}${zero === null ? "" : ` (${minutesFrom(zero, p.at)} min)`}`;

function seen({ worst, last, checks, basis }: Rems["sedation"], what: string, of: string, zero: number | null): string {
  if (!worst || !last) return basis;
  const at = (when: number): string => `${clockTime(when)} (${minutesFrom(zero, when)} min)`;
  return `${what} ${worst.value}${of} at ${at(worst.at)}; last ${last.value} at ${at(last.at)}; ${checks} ${checks === 1 ? "check" : "checks"}`;
}

/** That somebody sent it is an entry of its own: it takes the form off the worklist. */
function Sent({ record, task, again }: { record: PaperRecord; task: Task | undefined; again(): void }) {
  const [open, setOpen] = useState(false);
  if (!task) return null;
  if (task.answered) {
    const { at, by_name, text } = task.answered;
    return (
      <p class="paper-sent">
        Marked as sent on {day(Date.parse(at))}, {clockTime(Date.parse(at))}, by {orMissing(by_name)}
        {text && `; confirmation ${text}`}.
      </p>
    );
  }
  return (
    <p class="paper-sent screen-only">
      Not marked as sent.{" "}
      {may("integration", "AnswerTask") && (
        <button type="button" class="btn" onClick={() => setOpen(true)}>
          Mark as sent
        </button>
      )}
      {open && <SentForm record={record} task={task} close={() => setOpen(false)} recorded={again} />}
    </p>
  );
}

function SentForm({ record, task, close, recorded }: { record: PaperRecord; task: Task; close(): void; recorded(): void }) {
  const form = useForm({
    id: "sent",
    service: "integration",
    recorded() {
      close();
      recorded();
    },
    make(reader) {
      const text = reader.text("text");
      return { type: "AnswerTask", task_id: task.task_id, answer: "sent", ...(text && { text }) };
    },
  });
  return (
    <FormDialog form={form} title="The REMS form was sent" about={whoOf(record)} button="Mark as sent" close={close}>
      <Line form={form} name="text" label="Confirmation of the REMS" hint="If there is one." max={80} />
    </FormDialog>
  );
}

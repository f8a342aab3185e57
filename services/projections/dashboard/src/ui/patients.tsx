/* Patients: found by number or name, registered, each with their courses of treatment. */
import { boundOf } from "../bounds";
import { useRef, useState } from "preact/hooks";
import * as api from "../api";
import { capital, labelOf, steps } from "../care";
import type { Course, Patient, WholePatient } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { go } from "../route";
import { asked, may, serverNow } from "../store";
import { day, words, yearOf } from "../words";
import { Choice, Line, Words } from "./fields";
import { FormDialog, useForm } from "./form";
import { FormBody } from "./form-page";
import { Icon } from "./icon";
import { Nothing, Page, Reading, RowLink } from "./page";
import { Trouble } from "./trouble";

const WAIT_MS = 200;

export function PatientsPage() {
  const [search, setSearch] = useState("");
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const read = useRead(() => queries.patients(search), [search]);
  return (
    <Page
      title="Patients"
      narrow
      tools={
        may("intake", "RegisterPatient") && (
          <a class="btn main" href="/patients/new">
            <Icon name="plus" />
            Register a patient
          </a>
        )
      }
    >
      <div class="field search" role="search">
        <label for="search">Number, or the beginning of a name</label>
        <div class="input">
          <Icon name="search" />
          <input
            id="search"
            type="search"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            maxLength={80}
            onInput={(event) => {
              const said = event.currentTarget.value.trim();
              clearTimeout(typing.current);
              typing.current = setTimeout(() => setSearch(said), WAIT_MS);
            }}
          />
        </div>
      </div>
      <Reading of={read} what="The patients">
        {({ patients, more }) =>
          patients.length === 0 ? (
            <Nothing icon="search" title={search ? `Nobody is found by “${search}”` : "Nobody is registered yet"}>
              {search ? "Try the patient's number, or fewer letters of the name." : "Register a patient to begin."}
            </Nothing>
          ) : (
            <section aria-labelledby="people-h">
              <h2 class="section-h" id="people-h">
                {search ? "Found" : "Registered last"}
              </h2>
              <ul class="panel rows people" aria-labelledby="people-h">
                {patients.map((p) => (
                  <RowLink key={p.patient_id} href={`/patients/${p.patient_id}`} number={p.number ?? "–"} title={p.name ?? "name not readable"}>
                    {p.birth_year && `born ${p.birth_year}`}
                  </RowLink>
                ))}
              </ul>
              {more && <p class="quiet-line">There are more: type more of the name or the number.</p>}
            </section>
          )
        }
      </Reading>
    </Page>
  );
}

const SEX = [
  { value: "female", label: "Female" },
  { value: "male", label: "Male" },
  { value: "intersex", label: "Intersex" },
  { value: "unknown", label: "Not known" },
];

export function RegisterPage() {
  const [id] = useState(() => api.uuid(serverNow()));
  const [taken, setTaken] = useState<Patient | null>(null);
  const form = useForm({
    id: "register",
    service: "intake",
    make(reader) {
      const number = reader.text("number", "The number");
      if (number && !/^[0-9]{4,8}$/.test(number)) reader.wrong["number"] = "The number has 4 to 8 digits.";
      const year = reader.number("birth_year", "The year of birth", "needed");
      const contact = reader.text("contact");
      return {
        type: "RegisterPatient",
        patient_id: id,
        name: reader.text("name", "The name"),
        number,
        birth_year: year,
        sex_at_birth: reader.text("sex_at_birth", "The sex at birth"),
        ...(contact && { contact }),
      };
    },
    recorded: () => go(`/patients/${id}`, true),
  });
  const number = (form.typed["number"] ?? "").trim();
  const look = (): void => {
    setTaken(null);
    if (!/^[0-9]{4,8}$/.test(number)) return;
    asked(queries.patients(number)).then(
      ({ patients }) => setTaken(patients.find((p) => p.number === number) ?? null),
      () => setTaken(null),
    );
  };
  return (
    <Page title="Register a patient" back={["/patients", "Patients"]} narrow lead="Name and contact are sealed with the patient's own key; only signed-in staff read them.">
      <FormBody form={form} button="Register" cancel="/patients">
        <Line form={form} name="name" label="Full name" />
        <div onFocusOut={look}>
          <Line form={form} name="number" label="Number" hint="The clinic's own, 4 to 8 digits; never a health-record number." unit="" />
          {taken && taken.number === number && (
            <Trouble>
              {number} is the number of {taken.name}. Two patients with one number are mixed up sooner or later.
            </Trouble>
          )}
        </div>
        <Line form={form} name="birth_year" label="Year of birth" unit="" bound={{ ...boundOf("PatientRegistered", "birth_year"), to: yearOf(serverNow()) }} max={4} />
        <Choice form={form} name="sex_at_birth" label="Sex at birth" hint="Decides whether pregnancy is asked about before each dose." options={SEX} />
        <Line form={form} name="contact" label="Contact (optional)" hint="Who to call, and how." />
      </FormBody>
    </Page>
  );
}

const INDICATIONS = [
  { value: "depression", label: "Depression" },
  { value: "ptsd", label: "PTSD" },
  { value: "anxiety", label: "Anxiety" },
  { value: "pain", label: "Chronic pain" },
  { value: "substance_use", label: "Substance use" },
  { value: "other", label: "Other" },
];

/** A name that was just recorded is opened a moment later. */
async function named(id: string): Promise<WholePatient> {
  const found = await queries.patient(id);
  if (!found.name && !found.forgotten) throw new api.Failed("The name is not readable yet.");
  return found;
}

/** What tells one patient from another of the same name. */
function identityOf({ number, birth_year, sex_at_birth, contact }: WholePatient): string {
  const sex = SEX.find(({ value }) => value === sex_at_birth)?.label.toLowerCase();
  const known = [`Number ${number ?? "not known"}`, birth_year && `born ${birth_year}`, sex && `sex at birth: ${sex}`, contact && `contact: ${contact}`];
  return known.filter(Boolean).join(" · ");
}

export function PatientPage({ id }: { id: string }) {
  const person = useRead(() => named(id), [id], undefined, true);
  const courses = useRead(() => queries.courses(id), [id]);
  const [dialog, setDialog] = useState<"course" | "change" | null>(null);
  const open = courses.data?.some((c) => c.state === "open") ?? true;
  return (
    <Page
      title={person.data ? (person.data.name ?? "Name not readable") : "Patient"}
      lead={person.data && identityOf(person.data)}
      back={["/patients", "Patients"]}
      narrow
      tools={
        person.data &&
        !person.data.forgotten &&
        may("intake", "ChangePatient") && (
          <button type="button" class="btn quiet" onClick={() => setDialog("change")}>
            <Icon name="pencil" />
            Change name or contact
          </button>
        )
      }
    >
      <Reading of={person} what="The patient">
        {(p) => (p.forgotten ? <Nothing icon="person" title="This person was forgotten">What was recorded stays without a name, and no course can be opened.</Nothing> : null)}
      </Reading>
      <section aria-labelledby="courses-h">
        <h2 id="courses-h" class="section-h">
          Courses of treatment
        </h2>
        <Reading of={courses} what="The courses of treatment">
          {(all) =>
            all.length === 0 ? (
              <Nothing icon="list" title="No course of treatment yet">
                Open one: assessment, consent and preparation are recorded in it.
              </Nothing>
            ) : (
              <ul class="panel rows">
                {all.map((c) => (
                  <RowLink key={c.course_id} href={`/courses/${c.course_id}`} title={capital(words(c.indication))}>
                    opened {day(Date.parse(c.opened_at))}, {c.state === "closed" ? `closed: ${words(c.closed?.outcome ?? "")}` : standingOf(c)}
                  </RowLink>
                ))}
              </ul>
            )
          }
        </Reading>
        {courses.data && person.data && !person.data.forgotten && may("intake", "OpenCourse") && (
          <p class="actions-row">
            <button type="button" class={open ? "btn" : "btn main"} onClick={() => setDialog("course")}>
              <Icon name="plus" />
              Open a course of treatment
            </button>
          </p>
        )}
      </section>
      {dialog === "course" && person.data && <OpenCourse patient={person.data} already={courses.data?.some((c) => c.state === "open") ?? false} close={() => setDialog(null)} />}
      {dialog === "change" && person.data && (
        <ChangePatient
          patient={person.data}
          close={() => setDialog(null)}
          done={() => {
            setDialog(null);
            person.changed();
          }}
        />
      )}
    </Page>
  );
}

function standingOf(course: Course): string {
  // The list does not hold the sessions: which visit is the next one is not known here.
  const next = steps({ ...course, contact: null, sessions: [], care_plans: [] }).find((step) => step.state === "next")?.name;
  const waits = { assess: "to be assessed", clear: "findings to be cleared", consent: "consent to be given", prepare: "to be prepared", plan: "prepared", open: "prepared" };
  return next ? waits[next] : course.assessed ? `found ${course.assessed.verdict}` : "open";
}

function OpenCourse({ patient, already, close }: { patient: Patient; already: boolean; close(): void }) {
  const [id] = useState(() => api.uuid(serverNow()));
  const form = useForm({
    id: "open-course",
    service: "intake",
    make: (reader) => ({ type: "OpenCourse", course_id: id, patient_id: patient.patient_id, indication: reader.text("indication", "The indication") }),
    recorded: () => go(`/courses/${id}`),
  });
  return (
    <FormDialog
      form={form}
      title="Open a course of treatment"
      about={<b>{labelOf(patient)}</b>}
      notice={already && <p class="d-notice">This patient has an open course already. A second one is kept apart from it.</p>}
      button="Open"
      close={close}
    >
      <Choice form={form} name="indication" label="For" options={INDICATIONS} />
    </FormDialog>
  );
}

function ChangePatient({ patient, close, done }: { patient: Patient; close(): void; done(): void }) {
  const form = useForm({
    id: "change",
    service: "intake",
    make(reader) {
      const [name, contact] = [reader.text("name"), reader.text("contact")];
      if (!name && !contact) reader.refuse("Nothing is entered yet.");
      return { type: "ChangePatient", patient_id: patient.patient_id, ...(name && { name }), ...(contact && { contact }) };
    },
    recorded: done,
  });
  return (
    <FormDialog form={form} title="Change name or contact" hint="Leave empty what stays as it is." about={<b>{patient.name}</b>} button="Record" close={close}>
      <Line form={form} name="name" label="New full name" />
      <Words form={form} name="contact" label="New contact" rows={2} />
    </FormDialog>
  );
}

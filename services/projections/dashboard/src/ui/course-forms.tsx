/* The forms of a course of treatment. Nothing is prefilled. */
import { useState } from "preact/hooks";
import * as api from "../api";
import { labelOf, nextDosing } from "../care";
import type { Clinic, WholeCourse } from "../queries";
import type { Reader } from "../reader";
import { go } from "../route";
import { useStable } from "../stable";
import { ids, serverNow, sessionOf } from "../store";
import { clockTime, momentOf } from "../words";
import { Choice, Line, Refused, Words, YesNo } from "./fields";
import { type Draft, type Form, FormDialog, useForm } from "./form";

interface Of {
  course: WholeCourse;
  close(): void;
  done(): void;
}

function About({ course }: { course: WholeCourse }) {
  return (
    <>
      <b>{labelOf(course)}</b>
      <p>{course.name}</p>
    </>
  );
}

function useCourseForm(id: string, { course, done }: Of, make: (reader: Reader) => Draft): Form {
  return useForm({ id, service: "intake", make: (reader) => ({ course_id: course.course_id, ...make(reader) }), recorded: done });
}

export function ClearForm({ rule, asks, ...of }: Of & { rule: string; asks: string }) {
  const form = useCourseForm("clear", of, (reader) => ({ type: "ClearFinding", rule, reason: reader.text("reason", "The reason") }));
  return (
    <FormDialog form={form} title="Clear a finding" hint={asks} about={<About course={of.course} />} button="Clear" close={of.close}>
      <Words form={form} name="reason" label="Why the patient can be treated all the same" />
    </FormDialog>
  );
}

export function ConsentForm(of: Of) {
  const form = useCourseForm("consent", of, (reader) => {
    const said = reader.text("document", "The document")?.toLowerCase().replace(/\s+/g, "-");
    if (said && !/^[a-z0-9][a-z0-9_.-]{0,63}$/.test(said)) reader.wrong["document"] = "Letters, digits, dots and hyphens: consent-2026-1.";
    if (reader.yes("signed", "Whether the patient signed") === false) reader.wrong["signed"] = "Without the patient's signature there is no consent.";
    return { type: "GiveConsent", document: said };
  });
  return (
    <FormDialog form={form} title="Consent" hint="What the patient read, understood and signed." about={<About course={of.course} />} button="Record" close={of.close}>
      <Line form={form} name="document" label="Document and version" hint="As it is printed on the form, like consent-2026-1." />
      <YesNo form={form} name="signed" label="The patient has read it, asked, and signed" />
    </FormDialog>
  );
}

export function WithdrawForm(of: Of) {
  const form = useCourseForm("withdraw", of, (reader) => {
    const reason = reader.text("reason");
    return { type: "WithdrawConsent", ...(reason && { reason }) };
  });
  return (
    <FormDialog
      form={form}
      title="Consent withdrawn"
      hint="From now on no session can be opened and no dose given."
      about={<About course={of.course} />}
      button="Record"
      close={of.close}
    >
      <Words form={form} name="reason" label="In the patient's words (optional)" />
    </FormDialog>
  );
}

export function PrepareForm(of: Of) {
  const form = useCourseForm("prepare", of, (reader) => ({
    type: "Prepare",
    intentions: reader.text("intentions", "What the patient intends"),
    safety_plan: reader.text("safety_plan", "The safety plan"),
    ride: reader.text("ride", "The way home"),
    education: reader.yes("education", "Whether the treatment was explained"),
    fasting_explained: reader.yes("fasting_explained", "Whether fasting was explained"),
  }));
  return (
    <FormDialog form={form} title="Preparation" about={<About course={of.course} />} button="Record" wide close={of.close}>
      <div class="two">
        <div class="stack">
          <Words form={form} name="intentions" label="Intentions, in the patient's words" hint="One on each line; the therapist sees them during the session." />
          <Words form={form} name="safety_plan" label="Safety plan" />
        </div>
        <div class="stack">
          <Line form={form} name="ride" label="Way home: who, and how" />
          <YesNo form={form} name="education" label="The treatment and its effects were explained" />
          <YesNo form={form} name="fasting_explained" label="Fasting was explained" />
        </div>
      </div>
    </FormDialog>
  );
}

const TOPICS = [
  ["effects", "Effects"],
  ["set_and_setting", "Set and setting"],
  ["fears", "Fears"],
  ["touch", "Touch"],
  ["music", "Music"],
  ["aftercare", "Afterwards"],
].map(([value, label]) => ({ value: value ?? "", label: label ?? "" }));

export function PreparationForm(of: Of) {
  const form = useCourseForm("preparation", of, (reader) => ({ type: "RecordPreparation", text: reader.text("text", "The note"), topics: reader.several("topics") }));
  return (
    <FormDialog form={form} title="Preparation visit" about={<About course={of.course} />} button="Record" close={of.close}>
      <Choice form={form} name="topics" label="Spoken about" options={TOPICS} several />
      <Words form={form} name="text" label="Note" />
    </FormDialog>
  );
}

const VISITS = [
  { value: "dosing", label: "Dosing" },
  { value: "preparation", label: "Preparation" },
  { value: "assessment", label: "Assessment" },
  { value: "integration", label: "Integration" },
];

export function PlanForm({ rooms, ...of }: Of & { rooms: Clinic["rooms"] }) {
  const form = useCourseForm("plan", of, (reader) => {
    const day = reader.text("day", "The day");
    const time = reader.text("time", "The time");
    const at = day && time ? momentOf(day, time) : null;
    if (Number.isNaN(at)) reader.wrong["time"] = "This is no time.";
    const room = reader.text("room");
    return { type: "PlanVisit", visit: reader.text("visit", "What the visit is for"), planned_for: at ? new Date(at).toISOString() : undefined, ...(room && { room }) };
  });
  return (
    <FormDialog form={form} title="Plan a visit" about={<About course={of.course} />} button="Plan" close={of.close}>
      <Choice form={form} name="visit" label="For" options={VISITS} />
      <div class="two">
        <When form={form} name="day" label="Day" type="date" />
        <When form={form} name="time" label="Time" type="time" />
      </div>
      <Choice form={form} name="room" label="Room (optional)" options={rooms.map(({ room }) => ({ value: room, label: room }))} />
    </FormDialog>
  );
}

function When({ form, name, label, type }: { form: Form; name: string; label: string; type: "date" | "time" }) {
  form.has(name);
  return (
    <div class="field">
      <label for={`${form.id}-${name}`}>{label}</label>
      <div class={form.wrong[name] ? "input refused" : "input"}>
        <input
          id={`${form.id}-${name}`}
          name={name}
          type={type}
          value={form.typed[name] ?? ""}
          aria-invalid={Boolean(form.wrong[name])}
          aria-describedby={form.wrong[name] ? `${form.id}-${name}-why` : undefined}
          onInput={(event) => form.set(name, event.currentTarget.value)}
        />
      </div>
      <Refused form={form} name={name} />
    </div>
  );
}

export function OpenSessionForm({ rooms, course, close }: Of & { rooms: Clinic["rooms"] }) {
  const [id] = useState(() => api.uuid(serverNow()));
  const taken = useStable(() => Object.fromEntries(ids.value.flatMap((one) => {
    const s = sessionOf(one).value;
    return s?.state === "open" ? [[s.room, s.label ?? "in use"]] : [];
  })) as Record<string, string>, []);
  const planned = nextDosing(course);
  const form = useForm({
    id: "open",
    make: (reader) => ({ type: "OpenSession", session_id: id, course_id: course.course_id, room: reader.text("room", "The room") }),
    recorded: () => go(`/sessions/${id}`),
  });
  return (
    <FormDialog
      form={form}
      title="Check in: open a session"
      hint={planned ? `Planned for ${clockTime(Date.parse(planned.planned_for))}${planned.room ? ` in room ${planned.room}` : ""}.` : "No dosing visit is planned."}
      about={<About course={course} />}
      button="Open the session"
      icon="door"
      foot="Then attach the monitor that stands at the bed."
      close={close}
    >
      <Choice
        form={form}
        name="room"
        label="In which room is the patient?"
        options={rooms.map(({ room }) => ({ value: room, label: `Room ${room}`, ...(taken[room] ? { disabled: true, note: taken[room] } : {}) }))}
      />
    </FormDialog>
  );
}

const OUTCOMES = [
  { value: "completed", label: "Completed" },
  { value: "stopped", label: "Stopped" },
  { value: "ineligible", label: "Not eligible" },
  { value: "lost_to_follow_up", label: "Lost to follow-up" },
];

export function CloseForm(of: Of) {
  const form = useCourseForm("close", of, (reader) => {
    const reason = reader.text("reason");
    return { type: "CloseCourse", outcome: reader.text("outcome", "The outcome"), ...(reason && { reason }) };
  });
  return (
    <FormDialog form={form} title="Close the course" hint="Nothing more can be recorded in it. This is not taken back." about={<About course={of.course} />} button="Close the course" close={of.close}>
      <Choice form={form} name="outcome" label="Outcome" options={OUTCOMES} list />
      <Words form={form} name="reason" label="Reason (optional)" rows={3} />
    </FormDialog>
  );
}

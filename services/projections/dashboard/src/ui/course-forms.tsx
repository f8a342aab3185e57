/* The forms of a course of treatment. Nothing is prefilled. */
import { useState } from "preact/hooks";
import * as api from "../api";
import { capital, labelOf, nextDosing, type Visit } from "../care";
import type { Clinic, WholeCourse } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import type { Reader, Typed } from "../reader";
import { go } from "../route";
import { useStable } from "../stable";
import { ids, me, now, serverNow, sessionOf } from "../store";
import { clockTime, dateOf, day, momentOf } from "../words";
import { Choice, Line, Words, YesNo } from "./fields";
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

function useCourseForm(id: string, { course, done }: Of, make: (reader: Reader) => Draft, given: Typed = {}): Form {
  return useForm({ id, service: "intake", given, make: (reader) => ({ course_id: course.course_id, ...make(reader) }), recorded: done });
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
      title="Record a withdrawal of consent"
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

interface Planning extends Of {
  rooms: Clinic["rooms"];
}

const moment = (reader: Reader): string | undefined => {
  const date = reader.text("day", "The day");
  const time = reader.text("time", "The time");
  const at = date && time ? momentOf(date, time) : null;
  if (Number.isNaN(at)) reader.wrong["time"] = "This is no time.";
  return at ? new Date(at).toISOString() : undefined;
};

/** The room in which somebody else is now, by room. */
const useTaken = (): Record<string, string> =>
  useStable(() => Object.fromEntries(ids.value.flatMap((one) => {
    const s = sessionOf(one).value;
    return s?.state === "open" ? [[s.room, s.label ?? "in use"]] : [];
  })) as Record<string, string>, []);

/** When and where. Of each room it is said who is in it now and who is planned into it that day: the nurse knows how long. */
function WhenAndWhere({ form, rooms, but }: { form: Form; rooms: Clinic["rooms"]; but?: string | undefined }) {
  const taken = useTaken();
  const planned = useRead(queries.worklist, []);
  const today = useStable(() => dateOf(now.value), []);
  const { day: chosen, time } = form.typed;
  const passed = useStable(() => Boolean(chosen && time && momentOf(chosen, time) < now.value), [chosen, time]);
  const note = (room: string): string => {
    const that = (planned.data ?? []).filter((item) => item.room === room && item.due !== null && item.id !== but && dateOf(Date.parse(item.due)) === chosen);
    return [...(taken[room] && (chosen === today || !chosen) ? [`in use now: ${taken[room]}`] : []), ...that.map((item) => `planned ${clockTime(Date.parse(item.due ?? ""))}: ${labelOf(item)}`)].join(", ");
  };
  return (
    <>
      <div class="two">
        <div class="field">
          <Line form={form} name="day" label="Day" type="date" />
          <button type="button" class="btn small" onClick={() => form.set("day", today)}>
            Today
          </button>
        </div>
        <Line form={form} name="time" label="Time" type="time" hint={passed ? "This time has passed." : ""} />
      </div>
      <Choice form={form} name="room" label="Room (optional)" options={rooms.map(({ room }) => ({ value: room, label: room, note: note(room) }))} />
    </>
  );
}

export function PlanForm({ rooms, ...of }: Planning) {
  const form = useCourseForm(
    "plan",
    of,
    (reader) => {
      const room = reader.text("room");
      return { type: "PlanVisit", visit: reader.text("visit", "What the visit is for"), planned_for: moment(reader), ...(room && { room }) };
    },
    { visit: "dosing" },
  );
  return (
    <FormDialog form={form} title="Plan a visit" about={<About course={of.course} />} button="Plan" close={of.close}>
      <Choice form={form} name="visit" label="For" options={VISITS} />
      <WhenAndWhere form={form} rooms={rooms} />
    </FormDialog>
  );
}

export function ChangeVisitForm({ rooms, visit, ...of }: Planning & { visit: Visit }) {
  const was = Date.parse(visit.planned_for);
  const given = { day: dateOf(was), time: clockTime(was), room: visit.room ?? "" };
  const form = useCourseForm(
    "visit",
    of,
    (reader) => {
      const cancelled = reader.text("how", "What is to be done") === "cancel";
      const named = { type: "CorrectEntry", of: "course", of_id: of.course.course_id, event_id: visit.id, reason: reader.text("reason", "The reason") };
      return cancelled ? named : { ...named, replacement: { visit: visit.visit, planned_for: moment(reader), room: reader.text("room") ?? null } };
    },
    given,
  );
  return (
    <FormDialog form={form} title="Change a planned visit" hint={`${capital(visit.visit)}, planned for ${day(was)}, ${clockTime(was)}${visit.room ? `, room ${visit.room}` : ""}`} about={<About course={of.course} />} button={form.typed["how"] === "cancel" ? "Cancel the visit" : "Change"} close={of.close}>
      <Choice
        form={form}
        name="how"
        label="What is to be done"
        options={[
          { value: "move", label: "Another time or room" },
          { value: "cancel", label: "Cancel the visit" },
        ]}
      />
      {form.typed["how"] === "move" && <WhenAndWhere form={form} rooms={rooms} but={visit.id} />}
      <Words form={form} name="reason" label="Reason" rows={2} />
    </FormDialog>
  );
}

export function OpenSessionForm({ rooms, course, close }: Of & { rooms: Clinic["rooms"] }) {
  const [id] = useState(() => api.uuid(serverNow()));
  const taken = useTaken();
  const planned = nextDosing(course);
  const form = useForm({
    id: "open",
    make(reader) {
      const mine = reader.yes("mine", "Whether you are responsible");
      return {
        type: "OpenSession",
        session_id: id,
        course_id: course.course_id,
        room: reader.text("room", "The room"),
        ...(mine && { responsible: `staff:${me.value?.staff_id}` }),
      };
    },
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
      <YesNo form={form} name="mine" label="Are you responsible for this patient?" hint="If not, the room says that nobody is until somebody is chosen." />
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

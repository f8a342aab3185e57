/* The discharge summary: what happened in one session, on paper. What is not on record says so. */
import type { ComponentChildren } from "preact";
import { STARS } from "../alarms";
import { ROUTES } from "../course";
import type { Dose } from "../events";
import { gateTold } from "../gate-told";
import { LEAVING } from "../gates";
import type { Signal } from "../model";
import { type AlarmTold, alarmsTold, type Entry, entries, standing } from "../record";
import { LOOK } from "../views";
import { type At, silences, toldOf } from "../vitals-told";
import { clockTime, day, duration, number, words, volume } from "../words";
import { Facts, minutesFrom, Missing, orMissing, PaperPage, type PaperRecord, type Row, Section, Table, yesNo } from "./paper";
import { PaperChart } from "./paper-chart";

export const SummaryPage = ({ id }: { id: string }) => (
  <PaperPage id={id} title="Discharge summary">
    {(record) => <Summary record={record} />}
  </PaperPage>
);

function Summary({ record }: { record: PaperRecord }) {
  const { items } = record;
  const zero = standing(items, "Dosed")[0]?.at ?? null;
  const of = { record, zero };
  return (
    <>
      <State record={record} />
      <Session record={record} />
      <Doses {...of} />
      <Vitals {...of} />
      <BeforeDose {...of} />
      <Alarms {...of} />
      <Observations {...of} />
      <Events {...of} />
      <Discharge record={record} />
    </>
  );
}

interface Of {
  record: PaperRecord;
  /** The first dose. */
  zero: number | null;
}

function State({ record: { session: s, items } }: { record: PaperRecord }) {
  const stopped = standing(items, "SessionAborted")[0];
  if (s.state === "open") return <p class="paper-warn">Not discharged yet. The session is still open; this is what is on record so far.</p>;
  if (s.state === "aborted")
    return (
      <p class="paper-warn">
        Not discharged: the session was stopped{stopped && ` at ${clockTime(stopped.at)} by ${stopped.by ?? "somebody"}`}. Reason: {orMissing(stopped?.data.reason)}
      </p>
    );
  return null;
}

function Session({ record }: { record: PaperRecord }) {
  const { session: s, course } = record;
  const nth = course.sessions.findIndex(({ session_id }) => session_id === s.session_id) + 1;
  return (
    <Section title="Patient and session">
      <Facts
        of={[
          ["Sex at birth", orMissing(course.sex_at_birth)],
          ["Treated for", words(course.indication)],
          ["Session", nth > 0 ? `${nth} of this course` : <Missing />],
          ["Room", s.room],
          ["Responsible", orMissing(s.responsible_name)],
          ["Opened", `${day(Date.parse(s.opened_at))}, ${clockTime(Date.parse(s.opened_at))}`],
          [s.state === "aborted" ? "Stopped" : "Discharged", s.ended_at ? `${day(Date.parse(s.ended_at))}, ${clockTime(Date.parse(s.ended_at))}` : <Missing what="Not yet" />],
          ["Route", ROUTES[s.route]],
          ["Protocol", `${s.protocol.name}, version ${s.protocol.version}`],
          ["Weight", s.weight_kg === null ? <Missing /> : `${number(s.weight_kg)} kg`],
        ]}
      />
    </Section>
  );
}

const time = (at: number, zero: number | null): string => (zero === null ? clockTime(at) : `${clockTime(at)} (${minutesFrom(zero, at)})`);

/** An entry as a table's row: when, what, who. */
function row<D>(entry: Entry<D>, zero: number | null, ...cells: ComponentChildren[]): Row {
  return { key: entry.id, cells: [time(entry.at, zero), ...cells, orMissing(entry.by)], struck: entry.struck };
}

function BeforeDose({ record: { items }, zero }: Of) {
  const checks = entries(items, "PreDoseChecked").map((check) => {
    const d = check.data;
    return row(
      check,
      zero,
      `${d.systolic}/${d.diastolic}`,
      d.heart_rate,
      d.spo2,
      orMissing(d.respiratory_rate),
      <>
        Fasting {yesNo(d.fasting)} (food {hours(d.hours_fasted)}, fluids {hours(d.hours_without_fluids)}); ride arranged {yesNo(d.ride_arranged)}; intoxicated {yesNo(d.intoxicated)}; pregnancy excluded{" "}
        {yesNo(d.pregnancy_excluded)}; urinary symptoms {yesNo(d.urinary_symptoms)}; drugs changed {yesNo(d.drugs_changed)}; new suicidal thoughts {yesNo(d.suicidal_ideation_new)}
      </>,
    );
  });
  const overrides = entries(items, "GateOverridden").filter(({ data }) => !data.gate.startsWith("discharge."));
  return (
    <Section title="Before the dose">
      <Table name="Pre-dose checks" heads={["Time", "BP mmHg", "HR /min", "SpO₂ %", "Resp /min", "Answers", "By"]} rows={checks} none="Not recorded: no pre-dose check." />
      {overrides.length > 0 && (
        <Table name="Gates overridden" heads={["Time", "Gate overridden", "Reason", "By"]} rows={overrides.map((o) => row(o, zero, words(o.data.gate), orMissing(o.data.reason)))} none="" />
      )}
    </Section>
  );
}

const hours = (value: number | null): ComponentChildren => (value === null ? <Missing /> : `${number(value)} h`);

function Doses({ record: { session: s, items }, zero }: Of) {
  const rules = standing(items, "SessionOpened")[0]?.data.rules?.dose;
  const injected = s.route === "intramuscular"; // a lozenge or a spray is not drawn up, and has no site
  const all = entries(items, "Dosed");
  const counted = standing(items, "Dosed");
  const total = counted.reduce((sum, { data }) => sum + data.dose.milligrams, 0);
  const perKg = (mg: number): ComponentChildren => (s.weight_kg === null ? <Missing what="No weight" /> : (mg / s.weight_kg).toFixed(2));
  const rows = all.map((entry) => {
    const { dose, additional, checked_by_name } = entry.data;
    return row(
      entry,
      zero,
      `${dose.drug}${additional ? ", additional" : ""}`,
      number(dose.milligrams),
      perKg(dose.milligrams),
      ROUTES[dose.route],
      ...(injected ? [asDrawn(dose), dose.site ? words(dose.site) : <Missing />] : []),
      dose.lot ? <span class="code">{dose.lot}</span> : <Missing />,
      checked_by_name ?? (rules?.second_check === false ? <Missing what="Not recorded, not required" /> : <Missing />),
    );
  });
  return (
    <Section title="Doses">
      <Table name="Doses" heads={["Time", "Drug", "mg", "mg/kg", "Route", ...(injected ? ["Drawn up", "Site"] : []), "Lot", "Checked by", "Given by"]} rows={rows} none="Not recorded: no dose was given." />
      {counted.length > 1 && (
        <p>
          Together {number(total)} mg ({perKg(total)} mg/kg) in {counted.length} doses.
        </p>
      )}
    </Section>
  );
}

function asDrawn(dose: Dose): ComponentChildren {
  if (dose.concentration_mg_per_ml === null || dose.volume_ml === null) return <Missing />;
  return `${number(dose.concentration_mg_per_ml)} mg/mL × ${volume(dose.volume_ml)}`;
}

const SIGNALS: [Signal, string, keyof typeof LOOK, "heart_rate" | "spo2" | "systolic" | "diastolic" | "respiratory_rate" | null][] = [
  ["spo2", "SpO₂", "spo2", "spo2"],
  ["pulse_rate", "Pulse", "pulse", "heart_rate"],
  ["heart_rate", "Heart rate (ECG)", "pulse", "heart_rate"],
  ["systolic", "Systolic", "bp", "systolic"],
  ["diastolic", "Diastolic", "bp", "diastolic"],
  ["respiratory_rate", "Respiratory rate", "resp", "respiratory_rate"],
  ["etco2", "etCO₂", "co2", null],
  ["temperature", "Temperature", "temp", null],
];
const ALWAYS: ReadonlySet<Signal> = new Set(["spo2", "pulse_rate", "systolic", "diastolic", "respiratory_rate"]);

function Vitals({ record, zero }: Of) {
  const { session: s, items, tracks, resolution, readAt } = record;
  const end = s.ended_at ? Date.parse(s.ended_at) : readAt;
  const base = standing(items, "PreDoseChecked").filter(({ at }) => zero === null || at <= zero).pop();
  const say = (found: At | null, digits: 0 | 1): ComponentChildren => (found ? `${found.value.toFixed(digits)} at ${time(found.at, zero)}` : <Missing />);
  const rows = SIGNALS.filter(([signal]) => ALWAYS.has(signal) || tracks[signal]?.length).map(([signal, name, kind, checked]): Row => {
    const told = toldOf(tracks, signal, zero ?? -Infinity, end);
    const { unit, digits } = LOOK[kind];
    const before = checked && base ? base.data[checked] : null;
    return { key: signal, cells: [`${name}, ${unit}`, orMissing(before), say(told.lowest, digits), say(told.highest, digits), say(told.last, digits)] };
  });
  const silent = silences(tracks.spo2, resolution, end);
  const since = zero === null ? "" : " after the dose";
  return (
    <Section title="Vitals">
      <PaperChart record={record} />
      <Table name="Vitals in figures" heads={["Signal", "Pre-dose check", `Lowest${since}`, `Highest${since}`, "Last"]} rows={rows} none="" />
      <p>
        {tracks.spo2?.length
          ? silent.length > 0
            ? `No SpO₂ for more than a minute: ${silent.map(([a, b]) => `${clockTime(a)} to ${clockTime(b)}`).join(", ")}.`
            : "SpO₂ without a gap of more than a minute."
          : "Not recorded: no SpO₂ of a monitor."}
      </p>
    </Section>
  );
}

function Alarms({ record: { items }, zero }: Of) {
  const alarms = alarmsTold(items);
  const changed = entries(items, "LimitsChanged");
  return (
    <Section title="Alarms and their handling">
      <Table
        name="Alarms"
        heads={["Began", "Priority", "Alarm", "Acknowledged", "Sound paused", "Escalated", "Over"]}
        rows={alarms.map((alarm) => ({ key: alarm.id, cells: alarmCells(alarm, zero) }))}
        none="None on record."
      />
      {changed.length > 0 && <Table name="Limits changed" heads={["Time", "Limits changed for this patient", "By"]} rows={changed.map((c) => row(c, zero, orMissing(c.data.reason)))} none="" />}
    </Section>
  );
}

function alarmCells(alarm: AlarmTold, zero: number | null): ComponentChildren[] {
  const lines = (said: string[], none: string): ComponentChildren => (said.length > 0 ? said.map((line) => <div key={line}>{line}</div>) : <Missing what={none} />);
  const after = (at: number): string => duration((at - alarm.raised) / 1000);
  return [
    time(alarm.onset, zero),
    `${STARS[alarm.priority]} ${alarm.priority}`,
    <>
      {alarm.text}
      {alarm.late && <div>Found late, {clockTime(alarm.raised)}; it did not sound.</div>}
    </>,
    lines(
      alarm.acknowledged.map(({ at, by }) => `${by ?? "Somebody"}, after ${after(at)}`),
      alarm.late ? "–" : "Not acknowledged",
    ),
    lines(
      alarm.paused.map(({ at, by, until }) => `${clockTime(at)} to ${clockTime(until)}, ${by ?? "somebody"}`),
      "–",
    ),
    lines(
      alarm.escalated.map(({ at, to }) => `${to ? `to ${words(to)}, ` : ""}after ${after(at)}`),
      "–",
    ),
    alarm.cleared === null ? <Missing what="Still open" /> : clockTime(alarm.cleared),
  ];
}

function Observations({ record: { items }, zero }: Of) {
  const rows = entries(items, "ObservationRecorded").map((entry) => {
    const { moaas, dissociation, nausea, pain, symptoms } = entry.data;
    return row(entry, zero, moaas ?? "–", dissociation ?? "–", nausea ?? "–", pain ?? "–", symptoms.map(words).join(", ") || "–");
  });
  return (
    <Section title="Observations and scores">
      <Table name="Observations" heads={["Time", "MOAA/S", "Dissociation", "Nausea", "Pain", "Symptoms", "By"]} rows={rows} none="Not recorded: no observation." />
      <p class="note">MOAA/S 5 is awake; dissociation, nausea and pain 0 to 10. A dash: not part of that entry. The Aldrete score stands with the discharge.</p>
    </Section>
  );
}

function Events({ record: { items }, zero }: Of) {
  const adverse = entries(items, "AdverseEventRecorded").map((e) => row(e, zero, words(e.data.category), e.data.severity, orMissing(e.data.text)));
  const done = entries(items, "InterventionRecorded").map((e) => row(e, zero, words(e.data.kind), orMissing(e.data.text)));
  const notes = entries(items, "NoteRecorded").map((e) => row(e, zero, orMissing(e.data.text)));
  return (
    <>
      <Section title="Adverse events">
        <Table name="Adverse events" heads={["Time", "Category", "Severity", "Text", "By"]} rows={adverse} none="None on record." />
      </Section>
      <Section title="Interventions">
        <Table name="Interventions" heads={["Time", "Intervention", "Text", "By"]} rows={done} none="None on record." />
      </Section>
      <Section title="Notes">
        <Table name="Notes" heads={["Time", "Note", "By"]} rows={notes} none="None on record." />
      </Section>
    </>
  );
}

function Discharge({ record }: { record: PaperRecord }) {
  const { session: s, items, tracks, course } = record;
  const all = entries(items, "Discharged");
  const discharged = all.find((entry) => !entry.struck);
  const plan = course.care_plans.find(({ session_id }) => session_id === s.session_id);
  if (!discharged)
    return (
      <Section title="Discharge">
        <p>{s.state === "open" ? "Not discharged yet." : s.state === "aborted" ? "Not discharged: the session was stopped." : "Not in the history yet."}</p>
      </Section>
    );
  const points = gateTold(s, items, tracks);
  const fixes = all.flatMap(({ struck }) => (struck ? [struck] : []));
  const at = (when: number): string => `${day(when)}, ${clockTime(when)}`;
  return (
    <>
      <Section title="Discharge gate">
        {points[0]?.met === null && <p>No gate was applied: {standing(items, "Dosed").length === 0 ? "no dose was given." : "the session began without one on record."}</p>}
        <Table
          name="Discharge gate"
          heads={["Point", "On record at discharge", "Verdict"]}
          rows={points.map(({ point, said, met, override }) => ({
            key: point,
            cells: [
              LEAVING[point],
              orMissing(said),
              <>
                {met === null ? "–" : met ? "Met" : <b>Not met</b>}
                {override && `; ${met ? "an override is on record" : "overridden"}, by ${override.by ?? "somebody"} at ${clockTime(override.at)}: ${override.reason}`}
                {met === false && !override && "; no override is on record"}
              </>,
            ],
          }))}
          none=""
        />
        {fixes.map((fix) => (
          <p key={fix.at}>
            The discharge entry was corrected at {clockTime(fix.at)} by {orMissing(fix.by)}. Reason: {orMissing(fix.reason)}
          </p>
        ))}
      </Section>
      <Section title="Signatures" whole>
        <Table
          name="Signatures"
          heads={["Signed", "As", "By"]}
          rows={[
            ...entries(items, "DischargeSigned").map((sign) => ({ key: sign.id, cells: [at(sign.at), `${sign.data.role}: fit to leave`, orMissing(sign.by)], struck: sign.struck })),
            { key: "discharged", cells: [at(discharged.at), "discharged the patient", orMissing(discharged.by)] },
          ]}
          none=""
        />
        <p class="note">Each signed in with their own password; the record holds who and when.</p>
      </Section>
      <Section title="Instructions, ride and what comes next" whole>
        <Facts
          of={[
            ["Instructions given", yesNo(discharged.data.instructions_given)],
            ["Ride present", yesNo(discharged.data.ride_present)],
            ["Left with", orMissing(discharged.data.escort)],
            ["Ride as prepared", orMissing(course.prepared?.ride)],
            ["Integration visits due", plan && plan.visits_due.length > 0 ? plan.visits_due.map((due) => day(Date.parse(due))).join(" · ") : <Missing />],
          ]}
        />
        <p class="note">What the instructions said is on the clinic's own sheet; it is not part of this record.</p>
      </Section>
    </>
  );
}

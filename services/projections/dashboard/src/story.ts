/* The timeline's items in a nurse's words, and the marks that the chart takes from it. */
import { asItStands } from "./correcting";
import { ROUTES } from "./course";
import { perKg } from "./dosing";
import type { Dose, Me, Priority, TimelineItem, VitalRecorded } from "./model";
import { type AlarmTold, alarmsTold } from "./record";
import { asPrinted, number, PAUSED_FOR, volume, words as plainly } from "./words";

type Data = Record<string, unknown>;

const words = (code: unknown): string => plainly(String(code ?? ""));
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const num = (value: unknown): number | null => (typeof value === "number" ? value : null);

function doseText(dose: Dose): string {
  const drug = dose.drug === "esketamine" && dose.route === "spravato" ? "" : `${dose.drug} `;
  const how = [dose.site && words(dose.site), dose.concentration_mg_per_ml && dose.volume_ml && `${number(dose.concentration_mg_per_ml)} mg/mL × ${volume(dose.volume_ml)}`];
  return [`${drug}${number(dose.milligrams)} mg ${ROUTES[dose.route]}`, ...how.filter(Boolean)].join(", ");
}

/** Under a dose: what it was by weight, from which lot, and who checked it. */
export function doseMore(data: Data, kg: number | null): string {
  const dose = data["dose"] as Dose;
  const by_weight = perKg(dose.milligrams, kg);
  const checked = data["checked_by"] ? `checked by ${text(data["checked_by_name"]) || "a second person"}` : "nobody else checked it";
  return [by_weight && `${by_weight} mg/kg`, dose.lot && `lot ${dose.lot}`, checked].filter(Boolean).join(", ");
}

function pressure(data: Data): string {
  return `BP ${data["systolic"]}/${data["diastolic"]}`;
}

function scales(data: Data): string {
  const said = [
    ["MOAA/S", data["moaas"]],
    ["dissociation", data["dissociation"]],
    ["nausea", data["nausea"]],
    ["pain", data["pain"]],
  ].flatMap(([name, value]) => (num(value) === null ? [] : [`${name} ${value}`]));
  const symptoms = Array.isArray(data["symptoms"]) ? data["symptoms"].map(words) : [];
  return [...said, ...symptoms].join(", ") || "Observation";
}

const SIGNAL_WORDS: Record<string, string> = {
  systolic: "systolic",
  diastolic: "diastolic",
  spo2: "SpO₂",
  pulse_rate: "pulse",
  heart_rate: "HR",
  respiratory_rate: "resp",
  temperature: "temp",
  mean_arterial: "mean",
  etco2: "etCO₂",
};

const PRESSURES: ReadonlySet<string> = new Set(["systolic", "diastolic"]);

function byHand(data: Data): string {
  const signals = (data["signals"] ?? {}) as Record<string, number>;
  const { systolic, diastolic } = signals;
  const paired = systolic !== undefined && diastolic !== undefined;
  const said = Object.entries(SIGNAL_WORDS).flatMap(([name, word]) => {
    const value = signals[name];
    return value === undefined || (paired && PRESSURES.has(name)) ? [] : [`${word} ${number(value)}`];
  });
  return [...(paired ? [`BP ${systolic}/${diastolic}`] : []), ...said].join(", ");
}

/** A reading typed by somebody, as it stands in the timeline before the server's own item comes. */
export function handEntry(reading: VitalRecorded, me: Me | null): TimelineItem {
  const by = reading.entered_by ?? "";
  return {
    event_id: reading.id,
    position: 0, // not of the facts' log
    type: reading.type,
    at: reading.observed_at,
    recorded_at: reading.received_at,
    by,
    by_name: me && by === `staff:${me.staff_id}` ? me.name : null,
    data: { signals: Object.fromEntries(Object.entries(reading.signals).map(([name, { value }]) => [name, value])) },
    withdrawn: false,
    correction: null,
  };
}

export interface Told {
  text: string;
  /** Alarms carry their priority. */
  priority: Priority | null;
  /** What happened to the patient stands out. */
  strong: boolean;
}

type Alarms = ReadonlyMap<string, AlarmTold>;

/** Each alarm by its id, by which alone the facts that follow it name it. */
export const alarmsById = (items: readonly TimelineItem[]): Alarms => new Map(alarmsTold(items).map((alarm) => [alarm.id, alarm]));

export function tell(item: Pick<TimelineItem, "type" | "data">, alarms: Alarms = new Map()): Told {
  const { data } = item;
  const plain = (said: string, strong = false): Told => ({ text: said, priority: null, strong });
  const alarm = alarms.get(text(data["alarm_id"]))?.text ?? "Alarm";
  switch (item.type) {
    case "SessionOpened":
      return plain(`Session opened in room ${data["room"]}, ${ROUTES[data["route"] as keyof typeof ROUTES] ?? words(data["route"])}`);
    case "DeviceAttached":
      return plain(`Monitor ${data["device_id"]} attached`);
    case "DeviceDetached":
      return plain(`Monitor ${data["device_id"]} detached`);
    case "ResponsibleChanged":
      return plain(`${text(data["responsible_name"]) || "Somebody else"} is responsible`);
    case "LimitsChanged":
      return plain(`Limits changed: ${text(data["reason"])}`);
    case "PreDoseChecked":
      return plain(`Pre-dose check: ${pressure(data)}, HR ${data["heart_rate"]}, SpO₂ ${data["spo2"]}`);
    case "GateOverridden":
      return plain(`Gate overridden, ${words(data["gate"])}: ${text(data["reason"])}`);
    case "DoseChecked":
      return plain(`Second check: ${doseText(data["dose"] as Dose)}`);
    case "Dosed":
      return plain(`Dose ${doseText(data["dose"] as Dose)}${data["additional"] ? ", additional" : ""}`, true);
    case "ObservationRecorded":
      return plain(scales(data));
    case "NoteRecorded":
      return plain(text(data["text"]) || "Note");
    case "AlarmRaised":
      return { text: `${asPrinted(text(data["text"]))}${data["late"] ? " (found late)" : ""}`, priority: data["priority"] as Priority, strong: false };
    case "AlarmEscalated":
      return { text: `${alarm}: escalated${data["to"] ? ` to the ${words(data["to"])}` : ""}`, priority: data["priority"] as Priority, strong: false };
    case "AlarmAcknowledged":
      return plain(`${alarm}: acknowledged`);
    case "AlarmPaused":
      return plain(`${alarm}: sound paused${data["cause"] ? `, ${(PAUSED_FOR[text(data["cause"])] ?? words(data["cause"])).toLowerCase()}` : ""}`);
    case "AlarmPauseBroken":
      return plain(`${alarm}: sounds again, for another alarm`);
    case "AlarmCleared":
      return plain(`${alarm}: over`);
    case "AdverseEventRecorded":
      return plain(`Adverse event, ${words(data["severity"])}: ${words(data["category"])}. ${text(data["text"])}`, true);
    case "InterventionRecorded":
      return plain(`Intervention: ${words(data["kind"])}. ${text(data["text"])}`, true);
    case "HelpCalled":
      return plain("The nurse was called", true);
    case "HelpAnswered":
      return plain("Goes to the room");
    case "Discharged":
      return plain("Discharged", true);
    case "SessionAborted":
      return plain(`Session stopped: ${text(data["reason"])}`, true);
    case "VitalRecorded":
      return plain(`By hand: ${byHand(data)}`);
    default:
      return plain(words(item.type.replace(/(?<!^)(?=[A-Z])/g, " ").toLowerCase()));
  }
}

export interface AlarmSpan {
  priority: Priority;
  text: string;
  from: number;
  /** null: still open. */
  to: number | null;
}

/** The alarms of the timeline from onset to end. */
export const alarmSpans = (items: readonly TimelineItem[]): AlarmSpan[] =>
  alarmsTold(items).map(({ priority, text: said, onset, cleared }) => ({ priority, text: said, from: onset, to: cleared }));

export interface Mark {
  at: number;
  text: string;
  /** An intervention, an adverse event, or an observation that no lane shows. */
  kind: "done" | "happened" | "seen";
}

const MARKED: Record<string, Mark["kind"]> = { InterventionRecorded: "done", AdverseEventRecorded: "happened", ObservationRecorded: "seen" };

/** What the chart marks across its lanes. */
export function marks(items: readonly TimelineItem[]): Mark[] {
  return items.flatMap((item) => {
    const kind = MARKED[item.type];
    const data = item.withdrawn ? item.correction?.replacement : item.data;
    const { at } = asItStands(item);
    const inLane = kind === "seen" && data && (num(data["moaas"]) !== null || num(data["dissociation"]) !== null);
    return kind && data && !inLane ? [{ at, text: tell({ type: item.type, data }).text, kind }] : [];
  });
}

/** What the chart's marks say about the moment `t`, give or take `within` ms. */
export function saidAt(t: number, within: number, of: { alarms: readonly AlarmSpan[]; marks: readonly Mark[]; doses: readonly { at: number; text: string }[] }, now: number): string[] {
  const near = [...of.doses, ...of.marks].filter(({ at }) => Math.abs(at - t) <= within).map(({ text: said }) => said);
  const alarms = of.alarms.filter(({ from, to }) => t >= from - within && t <= (to ?? now) + within).map(({ text: said }) => said);
  return [...near, ...alarms];
}

export type Scale = "moaas" | "dissociation" | "nausea" | "pain";

/** What was observed on a scale; nothing that was withdrawn. */
export function observations(items: readonly TimelineItem[], scale: Scale): { at: number; value: number }[] {
  return items.flatMap((item) => {
    const body = item.withdrawn ? (item.correction?.replacement ?? {}) : item.data;
    const value = item.type === "ObservationRecorded" ? num(body[scale]) : null;
    return value === null ? [] : [{ at: asItStands(item).at, value }];
  });
}

/** What a form's owner cannot have seen when they opened it: then the timeline said `items`, or was not there yet and
    the record had come to `position`. A reading typed in has no position. */
export function newsSince(items: readonly TimelineItem[], position: number, opened: number): (item: TimelineItem) => boolean {
  const known = new Set(items.map((item) => item.event_id));
  const told = items.some((item) => item.position > 0);
  return (item) => {
    if (told) return !known.has(item.event_id);
    return item.position > 0 ? item.position > position : Date.parse(item.recorded_at) > opened;
  };
}

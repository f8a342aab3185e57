/* The gates of the day, of the dose and of the discharge in a nurse's words. The server decides which hold, and says why. */
import type { SessionRules } from "./events";
import type { Checked, TimelineItem } from "./model";
import { number } from "./words";

/** Also the order in which they are shown. */
export const DAY: Record<string, string> = {
  check: "Pre-dose check",
  food: "Nothing to eat",
  fluids: "Nothing to drink",
  ride: "Ride home",
  intoxication: "Not intoxicated",
  pregnancy: "Pregnancy excluded",
  suicidality: "C-SSRS since the last visit",
  urinary_symptoms: "No urinary symptoms",
  drugs_changed: "Drugs unchanged",
  blood_pressure: "Blood pressure",
  spo2: "SpO₂",
};

/** The points of the discharge in the decider's order and by its names (session_monitor/discharge.py). */
export const LEAVING = {
  stay: "Minimum stay",
  aldrete: "Modified Aldrete score",
  awake: "Awake, MOAA/S",
  dissociation: "Dissociation",
  oriented: "Oriented",
  gait: "Steady gait",
  nausea: "Nausea tolerable",
  blood_pressure: "Blood pressure",
  spo2: "SpO₂",
  suicidality: "No new suicidal thoughts",
  ride: "Ride present",
  instructions: "Instructions given",
  alarms: "No open alarms",
  signatures: "Signatures",
} as const;
export type Point = keyof typeof LEAVING;

/** What the record says by itself, whatever whoever discharges answers. */
const ON_RECORD: readonly Point[] = ["stay", "awake", "dissociation", "blood_pressure", "spo2", "alarms"];

const unmet = (points: Readonly<Record<string, string>>): Point[] => (Object.keys(LEAVING) as Point[]).filter((point) => points[point]);

/** What a signature waits for, and what it is asked for all the same: who signs has not answered what who discharges
    is asked. */
export function beforeSigning(points: Readonly<Record<string, string>>): { waits: Point[]; asks: Point[] } {
  const open = unmet(points).filter((point) => point !== "signatures");
  return { waits: open.filter((point) => ON_RECORD.includes(point)), asks: open.filter((point) => !ON_RECORD.includes(point)) };
}

export const named = (points: readonly Point[]): string => points.map((point) => LEAVING[point]).join(", ");

/** So many are named in the form's foot; more are counted: all of them stand in the form. */
const FEW = 3;

/** Why nobody can be discharged yet; null: they can. */
export function keeps(points: Readonly<Record<string, string>> | null): string | null {
  if (!points) return "Waiting for the server's word on the points.";
  const open = unmet(points);
  const other = Object.keys(points).find((point) => !(point in LEAVING));
  if (open.length > FEW) return `${open.length} points are not met yet.`;
  return open.length > 0 ? `Not met yet: ${named(open)}.` : other === undefined ? null : (points[other] ?? null);
}

/** The points of a refused dose that are the day's gates; the dose's own have a dot in their name. */
export const ofTheDay = (points: Readonly<Record<string, string>>): [string, string][] =>
  Object.keys(DAY).flatMap((gate) => (points[gate] ? [[gate, points[gate]]] : []));

/** Whether a prescriber may override it: a check that is missing or old is made anew instead. */
export const overridable = (gate: string, final: readonly string[]): boolean => gate !== "check" && !final.includes(gate);

type Measured = Readonly<Record<"systolic" | "diastolic" | "spo2", number | undefined>>;

/** What of a check holds the dose, each with its limit: "systolic over 140 mmHg". */
export function beyond({ systolic = 0, diastolic = 0, spo2 = 100 }: Measured, { systolic_to, diastolic_to, spo2_from }: SessionRules["gates"]): string[] {
  return [
    systolic > systolic_to && `systolic over ${number(systolic_to)} mmHg`,
    diastolic > diastolic_to && `diastolic over ${number(diastolic_to)} mmHg`,
    spo2 < spo2_from && `SpO₂ under ${number(spo2_from)} %`,
  ].filter((said) => said !== false);
}

/** When a value that was out of bounds may be measured again; null when none waits for it. */
export function recheckAt(items: readonly TimelineItem[], rules: SessionRules | null): number | null {
  if (!rules) return null;
  const wait = rules.gates.recheck_after_min * 60_000;
  let bad: number | null = null;
  for (const item of items.filter(({ type, withdrawn }) => type === "PreDoseChecked" && !withdrawn)) {
    const at = Date.parse(item.at);
    if (beyond(item.data as unknown as Checked, rules.gates).length > 0) bad = at;
    else if (bad !== null && at - bad >= wait) bad = null;
  }
  return bad === null ? null : bad + wait;
}

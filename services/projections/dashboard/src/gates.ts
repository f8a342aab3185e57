/* The gates of the day, of the dose and of the discharge in a nurse's words. The server decides which hold, and says why. */
import type { SessionRules } from "./events";
import type { Checked, TimelineItem } from "./model";

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

export const LEAVING: Record<string, string> = {
  stay: "Minimum stay",
  aldrete: "Aldrete score",
  awake: "Awake, MOAA/S",
  dissociation: "Dissociation",
  oriented: "Oriented",
  gait: "Steady gait",
  nausea: "Nausea tolerable",
  blood_pressure: "Blood pressure",
  spo2: "SpO₂",
  suicidality: "No new suicidal thoughts",
  ride: "Ride is here",
  instructions: "Instructions given",
  alarms: "No open alarm",
  signatures: "Signatures",
};

/** The points of a refused dose that are the day's gates; the dose's own have a dot in their name. */
export const ofTheDay = (points: Readonly<Record<string, string>>): [string, string][] =>
  Object.keys(DAY).flatMap((gate) => (points[gate] ? [[gate, points[gate]]] : []));

/** Whether a prescriber may override it: a check that is missing or old is made anew instead. */
export const overridable = (gate: string, final: readonly string[]): boolean => gate !== "check" && !final.includes(gate);

/** When a value that was out of bounds may be measured again; null when none waits for it. */
export function recheckAt(items: readonly TimelineItem[], rules: SessionRules | null): number | null {
  if (!rules) return null;
  const { systolic_to, diastolic_to, spo2_from, recheck_after_min } = rules.gates;
  const wait = recheck_after_min * 60_000;
  let bad: number | null = null;
  for (const item of items.filter(({ type, withdrawn }) => type === "PreDoseChecked" && !withdrawn)) {
    const { systolic, diastolic, spo2 } = item.data as unknown as Checked;
    const at = Date.parse(item.at);
    if (systolic > systolic_to || diastolic > diastolic_to || spo2 < spo2_from) bad = at;
    else if (bad !== null && at - bad >= wait) bad = null;
  }
  return bad === null ? null : bad + wait;
}

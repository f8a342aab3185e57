/* The fields of the Spravato REMS patient monitoring form, as far as this session's own events say them. What they do not
   say is null: an empty line on the form, filled in by hand and never guessed. Pure.
   Fields: manualspro.net, 445029; jnjmedicalconnect.com, "Spravato REMS patient monitoring form overview". */
import type { AdverseEventRecorded } from "./events";
import type { Tracks } from "./lanes";
import type { TimelineItem } from "./model";
import { type Entry, entries, standing } from "./record";
import { type Pressure, pressures } from "./vitals-told";

const MIN = 60_000;
/** [D] A pressure counts as the one of 40 minutes when it was measured so close to them. */
export const NEAR_40_MIN = 5;

/** `yes` null: a person has to say so. `basis`: the entries that say it. */
export interface Answer {
  yes: boolean | null;
  basis: string;
}

export interface Rems {
  /** First dose of Spravato; null: none on record. */
  dosedAt: number | null;
  milligrams: number[];
  lots: string[];
  endedAt: number | null;
  /** From the dose until the discharge, the moment when the patient was found ready to leave. */
  minutes: number | null;
  acceptableBefore: Answer;
  acceptableAfter: Answer;
  before: Pressure | null;
  at40: Pressure | null;
  completion: Pressure | null;
  sedation: Answer & { worst: { value: number; at: number } | null; last: { value: number; at: number } | null; checks: number };
  dissociation: Rems["sedation"];
  adverse: Entry<Omit<AdverseEventRecorded, "id" | "at" | "by" | "type">>[];
  serious: Answer;
}

export function remsOf(items: readonly TimelineItem[], tracks: Tracks): Rems {
  const doses = standing(items, "Dosed").filter(({ data }) => data.dose.route === "spravato");
  const dosedAt = doses[0]?.at ?? null;
  const discharged = standing(items, "Discharged")[0] ?? null;
  const endedAt = discharged?.at ?? null;
  const rules = standing(items, "SessionOpened")[0]?.data.rules ?? null;
  const check = standing(items, "PreDoseChecked").filter(({ at }) => dosedAt !== null && at <= dosedAt).pop() ?? null;
  const measured = pressures(tracks);

  const near = (at: number): Pressure | null => {
    const close = measured.filter((p) => Math.abs(p.at - at) <= NEAR_40_MIN * MIN && (endedAt === null || p.at <= endedAt));
    return close.sort((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at))[0] ?? null;
  };
  const valid = (rules?.discharge.vitals_valid_min ?? 15) * MIN;
  const last = endedAt === null ? null : (measured.filter((p) => p.at <= endedAt && endedAt - p.at <= valid).pop() ?? null);
  const adverse = entries(items, "AdverseEventRecorded");
  const counted = adverse.filter((entry) => !entry.struck);

  return {
    dosedAt,
    milligrams: doses.map(({ data }) => data.dose.milligrams),
    lots: doses.flatMap(({ data }) => (data.dose.lot ? [data.dose.lot] : [])),
    endedAt,
    minutes: dosedAt === null || endedAt === null ? null : Math.floor((endedAt - dosedAt) / MIN),
    acceptableBefore: beforeDose(check, rules, overridden(items, ["blood_pressure", "spo2"])),
    acceptableAfter: atCompletion(discharged, rules, dosedAt),
    before: check && { systolic: check.data.systolic, diastolic: check.data.diastolic, at: check.at },
    at40: dosedAt === null ? null : near(dosedAt + 40 * MIN),
    completion: last,
    sedation: scale(items, "moaas", dosedAt, (value) => value < 5, Math.min), // MOAA/S under 5: the Spravato trials
    dissociation: scale(items, "dissociation", dosedAt, (value) => value > 0, Math.max),
    adverse,
    serious: serious(counted.length, counted.some(({ data }) => data.severity === "sentinel")),
  };
}

type Rules = NonNullable<ReturnType<typeof rulesOf>>;
const rulesOf = (items: readonly TimelineItem[]) => standing(items, "SessionOpened")[0]?.data.rules ?? null;

const overridden = (items: readonly TimelineItem[], gates: string[]): boolean => standing(items, "GateOverridden").some(({ data }) => gates.includes(data.gate));

/** What a prescriber overrode, a person judges here too. */
function beforeDose(check: Entry<{ systolic: number; diastolic: number; spo2: number }> | null, rules: Rules | null, override: boolean): Answer {
  if (!check) return { yes: null, basis: "no pre-dose check on record" };
  if (!rules) return { yes: null, basis: "the session has no gates on record" };
  const { systolic_to, diastolic_to, spo2_from } = rules.gates;
  const { systolic, diastolic, spo2 } = check.data;
  const bounds = `gate: at most ${systolic_to}/${diastolic_to}, SpO₂ at least ${spo2_from} %; measured ${systolic}/${diastolic}, ${spo2} %`;
  if (override) return { yes: null, basis: `${bounds}; overridden by a prescriber` };
  return { yes: systolic <= systolic_to && diastolic <= diastolic_to && spo2 >= spo2_from, basis: bounds };
}

function atCompletion(discharged: Entry<{ not_met: string[] }> | null, rules: Rules | null, dosedAt: number | null): Answer {
  if (!discharged) return { yes: null, basis: "not discharged" };
  if (!rules || dosedAt === null) return { yes: null, basis: "no discharge gate on record" };
  const missed = discharged.data.not_met.filter((point) => point === "blood_pressure" || point === "spo2");
  if (missed.length > 0) return { yes: null, basis: "discharge gate: not met and overridden by a prescriber" };
  return { yes: true, basis: "discharge gate: blood pressure and SpO₂ met" };
}

function scale(items: readonly TimelineItem[], name: "moaas" | "dissociation", from: number | null, shows: (value: number) => boolean, worse: (a: number, b: number) => number): Rems["sedation"] {
  const seen = standing(items, "ObservationRecorded").flatMap(({ at, data }) => {
    const value = data[name];
    return value === null || from === null || at < from ? [] : [{ value, at }];
  });
  const last = seen[seen.length - 1] ?? null;
  if (!last) return { yes: null, basis: "not recorded after the dose", worst: null, last: null, checks: 0 };
  const worst = seen.reduce((a, b) => (worse(a.value, b.value) === a.value ? a : b));
  return { yes: shows(worst.value), basis: "", worst, last, checks: seen.length };
}

/** No entry is no "No": whether an event was serious, and that there was none, a person says. */
function serious(count: number, sentinel: boolean): Answer {
  if (sentinel) return { yes: true, basis: "an adverse event of severity sentinel is on record" };
  return { yes: null, basis: count > 0 ? "adverse events are on record: say whether one was serious" : "no adverse event on record" };
}

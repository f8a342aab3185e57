/* What an entry's fields are called, and their units: the form that makes an entry and the one that corrects it ask the
   same. By the entry's type and the field's name as `correcting.ts` has it. */
import type { SessionRules } from "./events";

export interface Asks {
  label: string;
  /** A number has one. */
  unit?: string;
}

type Named = Readonly<Record<string, Asks>>;

export const MEASURED = {
  systolic: { label: "Systolic", unit: "mmHg" },
  diastolic: { label: "Diastolic", unit: "mmHg" },
  heart_rate: { label: "Heart rate", unit: "/min" },
  spo2: { label: "SpO₂", unit: "%" },
  respiratory_rate: { label: "Respiratory rate", unit: "/min" },
} as const;

/** What can be typed as vitals, in the order in which it is asked. */
export const TYPED = {
  systolic: MEASURED.systolic,
  diastolic: MEASURED.diastolic,
  pulse_rate: { label: "Pulse", unit: "/min" },
  spo2: MEASURED.spo2,
  respiratory_rate: MEASURED.respiratory_rate,
  temperature: { label: "Temperature", unit: "°C" },
} as const;

export const FASTING = {
  fasting: { label: "Fasting as told?" },
  hours_fasted: { label: "Last food", unit: "h ago" },
  hours_without_fluids: { label: "Last fluids", unit: "h ago" },
} as const;

/** Of each question of the day: its field and how it is asked. */
export const OF_THE_DAY = {
  ride: ["ride_arranged", "Is a ride home arranged?"],
  intoxication: ["intoxicated", "Is the patient intoxicated?"],
  pregnancy: ["pregnancy_excluded", "Is pregnancy excluded?"],
  suicidality: ["suicidal_ideation_new", "New suicidal thoughts (C-SSRS since the last visit)?"],
  urinary_symptoms: ["urinary_symptoms", "Urinary symptoms?"],
  drugs_changed: ["drugs_changed", "Drugs changed since the last visit?"],
} as const satisfies Record<SessionRules["gates"]["asked"][number], readonly [string, string]>;

export const DOSE = {
  milligrams: { label: "Dose", unit: "mg" },
  concentration_mg_per_ml: { label: "Vial strength, read from the label", unit: "mg/mL" },
  volume_ml: { label: "Volume drawn up", unit: "mL" },
  mg_per_kg: { label: "Prescribed by weight", unit: "mg/kg" },
  site: { label: "Site" },
  lot: { label: "Lot, read from the label" },
} as const;

export const SEEN = {
  moaas: { label: "MOAA/S, responsiveness", unit: "" },
  dissociation: { label: "Dissociation, 0 none to 10 worst", unit: "" },
  nausea: { label: "Nausea, 0 none to 10 worst", unit: "" },
  pain: { label: "Pain, 0 none to 10 worst", unit: "" },
} as const;

export const LEAVES = {
  oriented: { label: "Oriented to person, place, time?" },
  steady_gait: { label: "Gait steady?" },
  nausea_tolerable: { label: "Nausea tolerable or none?" },
  suicidal_ideation_new: { label: "New suicidal thoughts (C-SSRS since the last visit)?" },
  instructions_given: { label: "Instructions given, no driving until tomorrow?" },
  ride_present: { label: "Is the ride here?" },
} as const;

const days = Object.fromEntries(Object.values(OF_THE_DAY).map(([field, label]): [string, Asks] => [field, { label }]));
const within = (part: string, fields: Named): Named => Object.fromEntries(Object.entries(fields).map(([name, asks]) => [`${part}.${name}`, asks]));

const OF: Record<string, Named> = {
  VitalRecorded: within("signals", TYPED),
  PreDoseChecked: { ...MEASURED, ...FASTING, ...days },
  Dosed: { ...within("dose", DOSE), additional: { label: "Is it a booster?" }, confirmed: { label: "Meant, though the protocol warns?" } },
  ObservationRecorded: SEEN,
  AdverseEventRecorded: { category: { label: "What happened" }, severity: { label: "How grave" }, text: { label: "In words" } },
  InterventionRecorded: { kind: { label: "What was done" }, text: { label: "In words" } },
  Discharged: { ...LEAVES, escort: { label: "Goes home with" } },
};

/** Answered with yes or no. */
export const YES_NO: ReadonlySet<string> = new Set(["fasting", ...Object.keys(days), ...Object.keys(LEAVES)]);

export const asksFor = (type: string, name: string): Asks | undefined => OF[type]?.[name];

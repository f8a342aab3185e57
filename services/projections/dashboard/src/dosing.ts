/* What the screen says of a dose while it is typed. Whether it may be given is the server's to say. */
import type { Cap, DoseRules, Typical } from "./events";
import type { Dose } from "./model";

/** As spoken of: two decimals at most. */
export const figure = (value: number): string => String(Math.round(value * 100) / 100);

export interface DoseScale {
  unit: "mg/kg" | "mg";
  to: number;
  typical: { from: number; to: number } | null;
  marks: { at: number; label: string }[];
}

const mgPerKg = (cap: Cap | null): number | null => cap && (cap.from_mg_per_kg ?? cap.over_mg_per_kg);

/** The route's steps: by weight where the protocol counts so, else in mg. */
export function scaleOf(rules: DoseRules): DoseScale {
  const unit = mgPerKg(rules.never) === null && mgPerKg(rules.warn) === null ? "mg" : "mg/kg";
  const of = (cap: Cap | null): number | null => (unit === "mg" ? (cap?.over_mg ?? null) : mgPerKg(cap));
  const steps: [string, number | null][] = [
    ["warn", of(rules.warn)],
    ["sign-off", of(rules.second_sign_off)],
    ["never", of(rules.never)],
  ];
  const marks = steps.flatMap(([label, at]) => (at === null ? [] : [{ at, label }]));
  // Where warn and never are one, the graver word stands there.
  const distinct = marks.filter(({ at }, i) => !marks.slice(i + 1).some((later) => later.at === at));
  const most = Math.max(0, ...marks.map(({ at }) => at));
  return { unit, to: most * 1.15 || 1, typical: typicalOf(rules.typical, unit), marks: distinct };
}

function typicalOf(typical: Typical, unit: "mg/kg" | "mg"): DoseScale["typical"] {
  const [from, to] = unit === "mg" ? [typical.from_mg, typical.to_mg] : [typical.from_mg_per_kg, typical.to_mg_per_kg];
  return to === null ? null : { from: from ?? 0, to };
}

/** "typical 0.5–1.5 mg/kg, warn over 1.5, never from 4": the protocol's own numbers. */
export function stepsInWords(rules: DoseRules): string {
  const { unit, typical, marks } = scaleOf(rules);
  const said = [typical && `typical ${figure(typical.from)}–${figure(typical.to)} ${unit}`, ...marks.map(({ at, label }) => `${label} ${figure(at)}`)];
  return said.filter(Boolean).join(" · ");
}

const ROUTE_WORDS: Record<Dose["route"], string> = {
  intramuscular: "intramuscular",
  sublingual: "sublingual",
  intranasal: "intranasal",
  spravato: "intranasal (Spravato)",
};

/** The dose in words, whole: what is read aloud before it is given. */
export function inWords(dose: Dose): string {
  const drawn = dose.concentration_mg_per_ml && dose.volume_ml ? `${figure(dose.volume_ml)} mL of ${figure(dose.concentration_mg_per_ml)} mg/mL` : "";
  const site = dose.site ? SITES.find(({ value }) => value === dose.site)?.label.toLowerCase() ?? dose.site : "";
  return [`${figure(dose.milligrams)} mg ${dose.drug} ${ROUTE_WORDS[dose.route]}`, drawn, site, dose.lot ? `lot ${dose.lot}` : ""].filter(Boolean).join(", ");
}

/** 2 decimals, as spoken of; null without a weight. */
export const perKg = (mg: number, kg: number | null): string | null => (kg ? (mg / kg).toFixed(2) : null);

export const SITES = [
  { value: "deltoid-left", label: "Left deltoid" },
  { value: "deltoid-right", label: "Right deltoid" },
  { value: "thigh-left", label: "Left thigh" },
  { value: "thigh-right", label: "Right thigh" },
] as const;

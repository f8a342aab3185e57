/* What the screen says of a dose while it is typed. Whether it may be given is the server's to say. */
import { ROUTES_IN_WORDS } from "./course";
import type { Cap, DoseRules, Typical } from "./events";
import type { Dose } from "./model";
import { number, volume } from "./words";

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
  const said = [typical && `typical ${number(typical.from)}–${number(typical.to)} ${unit}`, ...marks.map(({ at, label }) => `${label} ${number(at)}`)];
  return said.filter(Boolean).join(" · ");
}

/** The dose in words, whole: what is read aloud before it is given. */
export function inWords(dose: Dose): string {
  const drawn = dose.concentration_mg_per_ml && dose.volume_ml ? `${volume(dose.volume_ml)} of ${number(dose.concentration_mg_per_ml)} mg/mL` : "";
  const site = dose.site ? SITES.find(({ value }) => value === dose.site)?.label.toLowerCase() ?? dose.site : "";
  return [`${number(dose.milligrams)} mg ${dose.drug} ${ROUTES_IN_WORDS[dose.route]}`, drawn, site, dose.lot ? `lot ${dose.lot}` : ""].filter(Boolean).join(", ");
}

/** What would be injected: of a dose that is drawn up the volume's milligrams, whatever was entered beside it. */
export const inSyringe = (dose: Dose): number => (dose.concentration_mg_per_ml && dose.volume_ml ? dose.concentration_mg_per_ml * dose.volume_ml : dose.milligrams);

type Points = Readonly<Record<string, string>>;

export interface Against {
  title: string;
  /** Nobody's agreement lets it pass. */
  never: boolean;
  why: string[];
}

const AGAINST: readonly { title: string; never?: true; points: readonly string[] }[] = [
  { title: "This dose is never given", never: true, points: ["dose.never", "dose.total", "dose.allowed"] },
  { title: "The numbers contradict each other", points: ["dose.volume", "dose.concentration", "dose.mg_per_kg"] },
  { title: "A prescriber has to agree", points: ["dose.amount", "dose.second_sign_off"] },
  { title: "It cannot be given now", points: ["", "dose.weight"] },
];

/** What is against a dose, the gravest first; what is only not filled in yet stands apart. */
export function against(points: Points): Against[] {
  return AGAINST.flatMap(({ title, never = false, points: of }) => {
    const why = of.flatMap((point) => points[point] ?? []);
    return why.length > 0 ? [{ title, never, why }] : [];
  });
}

const NOT_YET = ["dose.drawn_up", "dose.lot", "dose.site"];

export const notYet = (points: Points): string[] => NOT_YET.flatMap((point) => points[point] ?? []);

/** Why a dose that is entered cannot be confirmed yet, the gravest first; null: it can. */
export function waits(points: Points | null): string | null {
  if (!points) return "Waiting for the protocol's word on this dose.";
  const [gravest] = against(points);
  if (gravest) return `${gravest.title}.`;
  if (Object.keys(points).some((point) => !point.startsWith("dose."))) return "The dose is held.";
  if (notYet(points).length > 0) return "Something is still to be entered.";
  if (points["dose.warn"]) return "The protocol warns: say that this amount is meant.";
  return Object.values(points)[0] ?? null;
}

/** 2 decimals, as spoken of; null without a weight. */
export const perKg = (mg: number, kg: number | null): string | null => (kg ? (mg / kg).toFixed(2) : null);

export const SITES = [
  { value: "deltoid-left", label: "Left deltoid" },
  { value: "deltoid-right", label: "Right deltoid" },
  { value: "thigh-left", label: "Left thigh" },
  { value: "thigh-right", label: "Right thigh" },
] as const;

/* Where a course of treatment stands, what is next and who may do it; and what an assessment's answers come to. */
import type { Clinic, Course, Protocol, Standing, WholeCourse } from "./model";
import type { Typed } from "./reader";
import { words } from "./words";

export const capital = (said: string): string => said.charAt(0).toUpperCase() + said.slice(1);

/** MK 0417: initials and number, as the board has them. */
export function labelOf(person: { name: string | null; number: string | null }): string {
  const parts = (person.name ?? "").split(/\s+/).filter(Boolean);
  const initials = (parts.length > 1 ? [parts[0], parts[parts.length - 1]] : parts).map((word) => word?.charAt(0) ?? "").join("");
  return [initials.toUpperCase(), person.number].filter(Boolean).join(" ") || "no number";
}

export type StepName = "assess" | "clear" | "consent" | "prepare" | "plan" | "open";

export interface Step {
  name: StepName;
  state: "done" | "next" | "later" | "stopped";
}

/** Findings of the last assessment that a prescriber has still to clear. */
export function waiting(course: Pick<Course, "assessed" | "cleared">): string[] {
  const cleared = new Set(course.cleared.map(({ rule }) => rule));
  return (course.assessed?.findings ?? []).filter((f) => f.standing === "clearance" && !cleared.has(f.rule)).map((f) => f.rule);
}

const EARLY_MS = 12 * 3_600_000;

export type Visit = Course["visits"][number];

const inOrder = (visits: readonly Visit[]): Visit[] => [...visits].sort((a, b) => Date.parse(a.planned_for) - Date.parse(b.planned_for));

/** The dosing visit that comes next: planned, and no session was opened for it. */
export function nextDosing(course: WholeCourse): Visit | null {
  const last = Math.max(0, ...course.sessions.map((s) => Date.parse(s.opened_at)));
  return inOrder(course.visits).find((v) => v.visit === "dosing" && last < Date.parse(v.planned_for) - EARLY_MS) ?? null;
}

/** What is planned from that time on, and the dosing visit that nobody came to yet. */
export function planned(course: WholeCourse, from: number): Visit[] {
  const dosing = nextDosing(course);
  return inOrder(course.visits).filter((v) => v === dosing || Date.parse(v.planned_for) >= from);
}

export const openSession = (course: WholeCourse): WholeCourse["sessions"][number] | null => course.sessions.find((s) => s.state === "open") ?? null;

/** A new assessment wants a new preparation: what the services hold to. */
const preparedSince = (course: Course): boolean =>
  course.prepared !== null && course.assessed !== null && Date.parse(course.prepared.at) >= Date.parse(course.assessed.at);

export function steps(course: WholeCourse): Step[] {
  const verdict = course.assessed?.verdict;
  const done: Record<StepName, boolean> = {
    assess: verdict === "eligible",
    clear: verdict === "eligible" && waiting(course).length === 0,
    consent: course.consent !== null,
    prepare: preparedSince(course),
    plan: nextDosing(course) !== null || openSession(course) !== null,
    open: openSession(course) !== null,
  };
  const order: StepName[] = ["assess", "clear", "consent", "prepare", "plan", "open"];
  const next = order.find((name) => !done[name]);
  const stopped = course.state === "closed" || (course.assessed !== null && verdict !== "eligible");
  return order.map((name) => ({
    name,
    state: done[name] ? "done" : course.state === "closed" || (stopped && name !== "assess") ? "stopped" : name === next ? "next" : "later",
  }));
}

export interface Found {
  rule: string;
  /** What was asked, or what the age says. */
  asks: string;
  standing: Standing;
}

/** What the patient's age says by the protocol; a birth year leaves two ages. */
function ofAge(protocol: Protocol, birthYear: number, year: number): Found[] {
  const ages = protocol.eligibility?.ages;
  if (!ages) return [];
  const oldest = year - birthYear;
  const youngest = oldest - 1;
  const found: Found[] = [];
  const is = `${youngest} or ${oldest} years old`;
  if (youngest < ages.minimum) {
    const standing = oldest < ages.minimum ? "hard_stop" : "clearance";
    found.push({ rule: "age.min", asks: `${is}: nobody under ${ages.minimum} is treated`, standing });
  }
  if (youngest <= ages.young_to) found.push({ rule: "age.young", asks: `${is}: suicidality is asked about more often up to ${ages.young_to}`, standing: "note" });
  if (oldest >= ages.old_from) found.push({ rule: "age.old", asks: `${is}: blood pressure rises more from ${ages.old_from} on`, standing: "note" });
  return found;
}

export interface Answers {
  /** By rule; a rule that is not there was not asked. */
  rules: Readonly<Record<string, "yes" | "no">>;
  drugs: readonly string[];
  /** Every class of interacting drugs was asked about. */
  drugsAsked: boolean;
}

export interface Judged {
  found: Found[];
  /** Rules that nobody has asked about. */
  open: string[];
  /** What the rules leave: a hard stop is no treatment, whatever else. */
  may: "eligible" | "not eligible" | "not yet";
}

/** The field of an answer: it belongs to the words that were asked, as another protocol's rule of the same name may ask
    something else. */
export function fieldOf(rule: string, asks: string): string {
  let mark = 5381;
  for (const letter of asks) mark = (mark * 33 + (letter.codePointAt(0) ?? 0)) % 0x1_0000_0000;
  return `${rule}-${mark.toString(36)}`;
}

/** A drug's name, before what it does. */
export const drugName = (asks: string): string => asks.split(":")[0] ?? asks;

/** What was typed, as this protocol asks it. */
export function answersOf(typed: Typed, protocol: Protocol): Answers {
  const rules: Record<string, "yes" | "no"> = {};
  for (const [rule, { asks }] of Object.entries(protocol.eligibility?.rules ?? {})) {
    const said = typed[`rule-${fieldOf(rule, asks)}`];
    if (said === "yes" || said === "no") rules[rule] = said;
  }
  const taken = new Set((typed["drugs"] ?? "").split(" "));
  const drugs = Object.entries(protocol.eligibility?.interacting_drugs ?? {}).filter(([drug, { asks }]) => taken.has(fieldOf(drug, drugName(asks))));
  // "Every one": of this protocol's list. Another protocol's is asked about anew.
  return { rules, drugs: drugs.map(([drug]) => drug), drugsAsked: typed["drugs_asked"] === protocol.name };
}

/** The rules whose answer was given under another protocol, which asks the same in the same words; and those that it
    asked in other words, which are asked anew. */
export function carried(typed: Typed, protocol: Protocol): { kept: Readonly<Record<string, string>>; anew: readonly string[] } {
  const kept: Record<string, string> = {};
  const anew: string[] = [];
  const answered = Object.entries(typed).filter(([name, said]) => name.startsWith("rule-") && said).map(([name]) => name);
  for (const [rule, { asks }] of Object.entries(protocol.eligibility?.rules ?? {})) {
    const field = fieldOf(rule, asks);
    const under = typed[`under-${field}`];
    if (typed[`rule-${field}`]) {
      if (under && under !== protocol.name) kept[rule] = under;
    } else if (answered.some((name) => name.slice(0, name.lastIndexOf("-")) === `rule-${rule}`)) anew.push(rule);
  }
  return { kept, anew };
}

export function judge(protocol: Protocol, answers: Answers, birthYear: number | null, year: number): Judged {
  const rules = Object.entries(protocol.eligibility?.rules ?? {});
  const drugs = protocol.eligibility?.interacting_drugs ?? {};
  const found: Found[] = [
    ...(birthYear === null ? [] : ofAge(protocol, birthYear, year)),
    ...rules.filter(([rule]) => answers.rules[rule] === "yes").map(([rule, { asks, standing }]) => ({ rule, asks, standing })),
    ...answers.drugs.flatMap((drug) => {
      const rule = drugs[drug];
      return rule ? [{ rule: `drug.${drug}`, asks: rule.asks, standing: rule.standing }] : [];
    }),
  ];
  const open = rules.filter(([rule]) => !answers.rules[rule]).map(([rule]) => rule);
  if (!answers.drugsAsked && Object.keys(drugs).length > 0) open.push("drugs");
  const stop = found.some(({ standing }) => standing === "hard_stop");
  return { found, open, may: stop ? "not eligible" : open.length > 0 ? "not yet" : "eligible" };
}

/** What was asked about and does not hold: rules, and classes of drugs. */
export function absent(protocol: Protocol, answers: Answers): string[] {
  const drugs = Object.keys(protocol.eligibility?.interacting_drugs ?? {}).filter((drug) => !answers.drugs.includes(drug));
  const rules = Object.keys(answers.rules).filter((rule) => answers.rules[rule] === "no");
  return [...rules, ...(answers.drugsAsked ? drugs.map((drug) => `drug.${drug}`) : [])];
}

/** What a rule asks, wherever the protocol says it. */
export function asksOf(clinic: Clinic | null, protocol: string | undefined, rule: string): string {
  const rules = clinic?.protocols.find((p) => p.name === protocol)?.eligibility;
  const known = rule.startsWith("drug.") ? rules?.interacting_drugs[rule.slice(5)] : rules?.rules[rule];
  const age: Record<string, string> = { "age.min": "Younger than the protocol allows, or perhaps so", "age.young": "Young: ask about suicidality more often", "age.old": "Older: blood pressure rises more" };
  return known?.asks ?? age[rule] ?? capital(words(rule));
}

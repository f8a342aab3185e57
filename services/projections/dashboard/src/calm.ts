/* The same live session in words, for who sits beside the patient. What is not measured is never said to be well. */
import { alarmOn, type Kind, openAlarms } from "./alarms";
import type { BoardSession } from "./board";
import { lastDose, minutesSince, phaseOf } from "./course";
import type { Band } from "./events";
import { agesOfCheck, type Health } from "./freshness";
import type { TimelineItem } from "./model";
import { observations, type Scale } from "./story";
import { valueView } from "./views";
import { age, clockTime } from "./words";

export interface Line {
  kind: Kind | "awake" | "inward" | "unwell";
  text: string;
  /** The figure, or when it was seen: small. */
  small: string;
  /** Says itself: an alarm, or nothing is measured. */
  state: "well" | "wants" | "unknown";
}

/** "Peak, 17 minutes after the dose". */
export function headline(session: BoardSession, now: number): string {
  if (session.state !== "open") return session.state === "aborted" ? "The session was stopped" : "The session is over";
  const minutes = minutesSince(session, now);
  const phase = phaseOf(session.expected, minutes);
  if (minutes === null || minutes < 0) return "Before the dose";
  const n = Math.floor(minutes);
  if (n < 100) return `${phase}, ${n} ${n === 1 ? "minute" : "minutes"} after the dose`;
  return `${phase}, ${Math.floor(n / 60)} h ${String(n % 60).padStart(2, "0")} after the dose`;
}

/** What the route's expected course says of the time from here. */
export function outlook(session: BoardSession, now: number): string {
  const dose = lastDose(session);
  if (session.state !== "open") return session.ended_at ? `Ended at ${clockTime(Date.parse(session.ended_at))}.` : "";
  if (!dose) return "Nothing has been given yet.";
  const given = Date.parse(dose.at);
  const { onset_min, peak_min, offset_min, minimum_stay_min } = session.expected;
  const at = (minutes: number): string => clockTime(given + minutes * 60_000);
  const minutes = (now - given) / 60_000;
  if (minutes < onset_min) return `First effects from about ${at(onset_min)}, strongest until about ${at(peak_min)}.`;
  if (minutes < peak_min) return `Strongest now. Begins to ease about ${at(peak_min)}, mostly gone by ${at(offset_min)}.`;
  if (minutes < offset_min) return `Easing. Mostly gone by ${at(offset_min)}, home from ${at(minimum_stay_min)} at the earliest.`;
  if (minutes < minimum_stay_min) return `Mostly gone. Home from ${at(minimum_stay_min)} at the earliest.`;
  return "The minimum stay is over; the nurse says when the patient may leave.";
}

const NAMES: Record<"resp" | "spo2" | "bp" | "pulse", { none: string; within: string; low: string; high: string; unit: string }> = {
  resp: { none: "Breathing", within: "Breathing within its limits", low: "Breathing slowly", high: "Breathing fast", unit: "a minute" },
  spo2: { none: "Oxygen", within: "Oxygen within its limits", low: "Oxygen is low", high: "Oxygen is high", unit: "%" },
  bp: { none: "Blood pressure", within: "Blood pressure within its limits", low: "Blood pressure is low", high: "Blood pressure is high", unit: "" },
  pulse: { none: "Pulse", within: "Pulse within its limits", low: "Pulse is slow", high: "Pulse is fast", unit: "a minute" },
};

const outside = (bands: readonly Band[], value: number): "low" | "high" | null => {
  if (bands.some(({ low }) => low !== null && value < low)) return "low";
  return bands.some(({ high }) => high !== null && value > high) ? "high" : null;
};

export function vitalLine(session: BoardSession, kind: "resp" | "spo2" | "bp" | "pulse", now: number, health: Health): Line {
  const view = valueView(session, kind, now, health);
  const names = NAMES[kind];
  if (view.state === "none" || view.state === "gone") {
    const small = view.last ? `${view.cause}, last ${view.last} at ${view.lastAt}` : (view.cause ?? "no reading");
    return { kind, text: `${names.none}: not known`, small, state: "unknown" };
  }
  const value = Number(view.first);
  const { limits } = session;
  const diastolic = Number(view.second);
  const way =
    kind === "resp"
      ? outside(limits.respiratory_rate, value)
      : kind === "spo2"
        ? outside(limits.spo2, value)
        : kind === "pulse"
          ? outside(limits.heart_rate, value)
          : (outside(limits.systolic, value) ?? (Number.isNaN(diastolic) ? null : outside(limits.diastolic, diastolic)));
  const small = `${`${view.first}${view.second === null ? "" : `/${view.second}`} ${names.unit}`.trim()}, ${view.age} ago`;
  if (way) return { kind, text: names[way], small, state: "wants" };
  if (alarmOn(openAlarms(session), kind)) return { kind, text: `${names.none}: an alarm is open`, small, state: "wants" };
  if (view.state === "stale") return { kind, text: `${names.none}: not measured again yet`, small, state: "unknown" };
  if (view.questionable) return { kind, text: `${names.none}: the monitor is not sure`, small, state: "unknown" };
  return { kind, text: names.within, small, state: "well" };
}

/** How long the answer to a call stands before the button is again what it was. */
const ANSWERED_FOR_MS = 5 * 60_000;

/** An answer is for what it answered: of a high alarm raised after it whoever gave it may know nothing, so it is past then,
    and stays so when that alarm is over. The record knows those that are over; the board has a new one first. */
export function answerTo(session: BoardSession, items: readonly TimelineItem[], now: number): "coming" | "past" | null {
  const answered = Date.parse(session.help?.answered_at ?? "");
  if (!(now - answered < ANSWERED_FOR_MS)) return null;
  const raised = [
    ...session.alarms.map(({ raised_at, priority, late }) => ({ at: raised_at, priority, late })),
    ...items.filter(({ type }) => type === "AlarmRaised").map(({ at, data }) => ({ at, priority: data["priority"], late: data["late"] === true })),
  ];
  return raised.some(({ at, priority, late }) => priority === "high" && !late && Date.parse(at) > answered) ? "past" : "coming";
}

/** MOAA/S in words (Chernik et al.; clinical reference A3.5). */
const AWAKE = ["Does not respond", "Answers only to a painful squeeze", "Answers only to a mild prod", "Answers only when called loudly", "Drowsy, answers to the name", "Awake, answers readily"];

/** How long an observation is the patient's state, where the protocol does not say: as all defaults have it. */
const OBSERVED_FOR_MIN = 30;

/** Until when an observation says how the patient is: the protocol's own time, and no longer than the first effects of a
    dose that came after it. Awareness is observed with each set of checks (clinical reference A3.2): the set that replaces
    it ends it too. */
function holdsUntil(session: BoardSession, scale: Scale, at: number, validMin: number): number {
  const dose = lastDose(session);
  const given = dose && Date.parse(dose.at);
  const set = scale === "moaas" ? agesOfCheck(session.expected, minutesSince(session, at)).stale : Infinity;
  return Math.min(at + Math.min(validMin * 60_000, set * 1000), given !== null && at < given ? given + session.expected.onset_min * 60_000 : Infinity);
}

const SCALES: Record<Scale, { kind: Line["kind"]; name: string; say(value: number): string }> = {
  moaas: { kind: "awake", name: "How awake", say: (value) => AWAKE[value] ?? `MOAA/S ${value}` },
  dissociation: { kind: "inward", name: "How far inward", say: (value) => `${value === 0 ? "Fully here" : value <= 3 ? "A little inward" : value <= 6 ? "Inward" : "Far away"}, ${value} of 10` },
  nausea: { kind: "unwell", name: "Nausea", say: (value) => `Nausea, ${value} of 10` },
  pain: { kind: "unwell", name: "Pain", say: (value) => `Pain, ${value} of 10` },
};

/** What was observed last of each scale; nothing that was withdrawn. One that is too old is not the patient's state: it
    says when it was, and asks for the next. */
export function observed(session: BoardSession, items: readonly TimelineItem[], now: number, validMin = OBSERVED_FOR_MIN): Line[] {
  const last = (scale: Scale) => observations(items, scale).sort((a, b) => b.at - a.at)[0];
  return (Object.keys(SCALES) as Scale[]).flatMap((scale): Line[] => {
    const seen = last(scale);
    const { kind, name, say } = SCALES[scale];
    if (!seen) return scale === "moaas" ? [{ kind, text: `${name}: not observed yet`, small: "", state: "unknown" }] : [];
    if (kind === "unwell" && seen.value === 0) return [];
    const said = say(seen.value);
    const at = clockTime(seen.at);
    const open = session.state === "open";
    // Old news is never good news; bad news stays bad until somebody has looked again.
    const low = scale === "moaas" && seen.value <= 3;
    if (open && now < holdsUntil(session, scale, seen.at, validMin)) return [{ kind, text: said, small: at, state: low ? "wants" : "well" }];
    const was = kind === "unwell" ? `${seen.value} of 10` : said.charAt(0).toLowerCase() + said.slice(1);
    const state = low ? "wants" : "unknown";
    if (!open) return [{ kind, text: `${name}, at the last look`, small: `${at}: ${was}`, state }];
    return [{ kind, text: `${name}: observe again`, small: `last observed ${at}, ${age((now - seen.at) / 1000)} ago: ${was}`, state }];
  });
}

/* The same live session in words, for who sits beside the patient. What is not measured is never said to be well. */
import { alarmOn, type Kind, openAlarms } from "./alarms";
import type { BoardSession } from "./board";
import { lastDose, minutesSince, phaseOf } from "./course";
import type { Health } from "./freshness";
import type { Band } from "./events";
import type { TimelineItem } from "./model";
import { valueView } from "./views";
import { clockTime } from "./words";

export interface Line {
  kind: Kind | "awake" | "inward" | "unwell";
  text: string;
  /** The figure, or when it was seen: small. */
  small: string;
  /** Says itself: an alarm, or nothing is measured. */
  state: "well" | "wants" | "unknown";
}

/** "Peak, 17 minutes in". */
export function headline(session: BoardSession, now: number): string {
  if (session.state !== "open") return session.state === "aborted" ? "The session was stopped" : "The session is over";
  const minutes = minutesSince(session, now);
  const phase = phaseOf(session.expected, minutes);
  if (minutes === null || minutes < 0) return "Before the dose";
  const n = Math.floor(minutes);
  if (n < 100) return `${phase}, ${n} ${n === 1 ? "minute" : "minutes"} in`;
  return `${phase}, ${Math.floor(n / 60)} h ${String(n % 60).padStart(2, "0")} in`;
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
  const small = `${view.first}${view.second === null ? "" : `/${view.second}`} ${names.unit}`.trim() + (view.state === "stale" ? `, ${view.age} old` : "");
  if (way) return { kind, text: names[way], small, state: "wants" };
  if (alarmOn(openAlarms(session), kind)) return { kind, text: `${names.none}: an alarm is open`, small, state: "wants" };
  if (view.state === "stale") return { kind, text: `${names.none}: not measured again yet`, small, state: "unknown" };
  if (view.questionable) return { kind, text: `${names.none}: the monitor is not sure`, small, state: "unknown" };
  return { kind, text: names.within, small, state: "well" };
}

/** MOAA/S in words (Chernik et al.; clinical reference A3.5). */
const AWAKE = ["Does not respond", "Answers only to a painful squeeze", "Answers only to a mild prod", "Answers only when called loudly", "Drowsy, answers to the name", "Awake, answers readily"];

/** What was observed last of each scale; nothing that was withdrawn. */
export function observed(items: readonly TimelineItem[]): Line[] {
  const last = (scale: string): { value: number; at: string } | null => {
    const found = items
      .filter((item) => item.type === "ObservationRecorded")
      .map((item) => ({ at: item.at, value: (item.withdrawn ? (item.correction?.replacement ?? {}) : item.data)[scale] }))
      .filter((o): o is { at: string; value: number } => typeof o.value === "number")
      .sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
    return found[0] ?? null;
  };
  const lines: Line[] = [];
  const awake = last("moaas");
  if (awake) lines.push({ kind: "awake", text: AWAKE[awake.value] ?? `MOAA/S ${awake.value}`, small: clockTime(Date.parse(awake.at)), state: awake.value <= 3 ? "wants" : "well" });
  const inward = last("dissociation");
  if (inward) {
    const far = inward.value === 0 ? "Fully here" : inward.value <= 3 ? "A little inward" : inward.value <= 6 ? "Inward" : "Far away";
    lines.push({ kind: "inward", text: `${far}, ${inward.value} of 10`, small: clockTime(Date.parse(inward.at)), state: "well" });
  }
  for (const [scale, word] of [["nausea", "Nausea"], ["pain", "Pain"]] as const) {
    const o = last(scale);
    if (o && o.value > 0) lines.push({ kind: "unwell", text: `${word}, ${o.value} of 10`, small: clockTime(Date.parse(o.at)), state: "well" });
  }
  return lines;
}

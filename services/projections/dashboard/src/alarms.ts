/* In which order alarms are shown, and which value they invert. */
import type { BoardSession } from "./board";
import type { Alarm, Priority } from "./model";
import type { Pattern } from "./sound";
import { words } from "./words";

export const RANK: Record<Priority, number> = { high: 0, medium: 1, low: 2 };

/** How an alarm stands at this moment. Late: it was found after the fact; it never flashes nor sounds. */
export type Standing = "active" | "paused" | "latched" | "acknowledged" | "late";

/** A pause ends by itself. */
export function standing(alarm: Alarm, now: number): Standing {
  const paused = alarm.state === "paused" && alarm.paused_until !== null && Date.parse(alarm.paused_until) > now;
  const state = alarm.state === "paused" ? (paused ? "paused" : "active") : alarm.state;
  return alarm.late && state === "active" ? "late" : state;
}

/** What is heard: the worst that somebody has yet to answer. One that is over but that nobody has answered is reminded
    of quietly. */
export function heard(alarms: readonly Alarm[], now: number): Priority | null {
  let worst: Priority | null = null;
  for (const alarm of alarms) {
    const state = standing(alarm, now);
    const priority = state === "active" ? alarm.priority : state === "latched" ? "low" : null;
    if (priority && (!worst || RANK[priority] < RANK[worst])) worst = priority;
  }
  return worst;
}

/** With a call for the nurse that nobody has answered: under the alarms that want somebody now, beside a low one. */
export function heardWith(call: boolean, worst: Priority | null): Pattern | null {
  if (!call || worst === "high" || worst === "medium") return worst;
  return worst === "low" ? "low and call" : "call";
}

/** Whose turn an escalated alarm is, as the protocol names them: "charge-nurse". */
export const told = (alarm: Alarm): string => words(alarm.escalated_to ?? "");

/** Those that somebody has yet to answer first, then by priority, then the older first. */
export function byUrgency(a: Alarm, b: Alarm): number {
  const done = (alarm: Alarm): number => (alarm.state === "acknowledged" ? 2 : alarm.late ? 1 : 0);
  return done(a) - done(b) || RANK[a.priority] - RANK[b.priority] || Date.parse(a.onset) - Date.parse(b.onset);
}

export function openAlarms(session: BoardSession): Alarm[] {
  return session.alarms.filter((alarm) => !alarm.cleared_at || alarm.state === "latched").sort(byUrgency);
}

/** Smaller is more urgent: for the board's order on request. */
export function urgency(session: BoardSession): number {
  const top = openAlarms(session)[0];
  return top ? RANK[top.priority] + (top.state === "acknowledged" ? 3 : 0) : 6;
}

export type Kind = "spo2" | "pulse" | "bp" | "resp" | "temp" | "co2";

const KIND_OF: Record<string, Kind> = {
  spo2: "spo2",
  pulse_rate: "pulse",
  heart_rate: "pulse",
  systolic: "bp",
  diastolic: "bp",
  mean_arterial: "bp",
  respiratory_rate: "resp",
  temperature: "temp",
  etco2: "co2",
};

/** Of a latched alarm the value is well again. */
export function alarmOn(alarms: readonly Alarm[], kind: Kind): Priority | null {
  const mine = alarms.filter((a) => !a.cleared_at && a.kind === "physiological" && a.signal !== null && KIND_OF[a.signal] === kind);
  return mine.sort((a, b) => RANK[a.priority] - RANK[b.priority])[0]?.priority ?? null;
}

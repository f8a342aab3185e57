/* In which order alarms are shown, and which value they invert. */
import type { BoardSession } from "./board";
import type { Alarm, Priority } from "./model";

export const RANK: Record<Priority, number> = { high: 0, medium: 1, low: 2 };

/** Those that somebody has yet to answer first, then by priority, then the older first. */
export function byUrgency(a: Alarm, b: Alarm): number {
  const answered = Number(a.state === "acknowledged") - Number(b.state === "acknowledged");
  return answered || RANK[a.priority] - RANK[b.priority] || Date.parse(a.onset) - Date.parse(b.onset);
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

export function alarmOn(alarms: readonly Alarm[], kind: Kind): Priority | null {
  const mine = alarms.filter((a) => a.kind === "physiological" && a.signal !== null && KIND_OF[a.signal] === kind);
  return mine.sort((a, b) => RANK[a.priority] - RANK[b.priority])[0]?.priority ?? null;
}

/* In which order alarms are shown, and which value they invert. */
import { type BoardSession, callsNurse } from "./board";
import { dueAt } from "./course";
import type { Alarm, Priority, Signal } from "./model";
import type { Pattern } from "./sound";
import { words } from "./words";

export const RANK: Record<Priority, number> = { high: 0, medium: 1, low: 2 };
/** Beside each colour, so that none stands for itself. */
export const STARS: Record<Priority, string> = { high: "***", medium: "**", low: "*" };

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

/** What is silenced at this moment: for how long yet, and where; "Rm 7 paused", for all other alarms sound. */
export function silenced(open: readonly { session: Pick<BoardSession, "room">; alarm: Alarm }[], now: number): { seconds: number; words: string } | null {
  const paused = open.filter(({ alarm }) => standing(alarm, now) === "paused");
  if (paused.length === 0) return null;
  const ends = paused.map(({ alarm }) => Date.parse(alarm.paused_until ?? ""));
  const rooms = [...new Set(paused.map(({ session }) => session.room))].sort();
  return { seconds: (Math.min(...ends) - now) / 1000, words: rooms.length > 2 ? `${rooms.length} rooms paused` : `Rm ${rooms.join(", ")} paused` };
}

/** Whose turn an escalated alarm is, as the protocol names them: "charge-nurse". */
export const told = (alarm: Alarm): string => words(alarm.escalated_to ?? "");

/** It holds no more, or was found when it did not: quieter than any that holds. */
const isOver = (alarm: Alarm): boolean => alarm.cleared_at !== null || alarm.late;

/** What is to be answered: what holds before what is over, then by priority, then the older; what is acknowledged last. */
export function byUrgency(a: Alarm, b: Alarm): number {
  const done = (alarm: Alarm): number => (alarm.state === "acknowledged" ? 3 : alarm.late ? 2 : isOver(alarm) ? 1 : 0);
  return done(a) - done(b) || RANK[a.priority] - RANK[b.priority] || Date.parse(a.onset) - Date.parse(b.onset);
}

/** The worst sign first, also of what is over: where one looks for what nobody has answered yet (the page of alarms, the bar
    of the other pages), and what a number says of those that it counts. On the board what holds leads (`byUrgency`): there
    one looks for who wants somebody now, and every alarm stands on its card as well. */
export function byPriority(a: Alarm, b: Alarm): number {
  const done = (alarm: Alarm): number => Number(alarm.state === "acknowledged");
  return done(a) - done(b) || RANK[a.priority] - RANK[b.priority] || byUrgency(a, b);
}

/** Of those that are only counted. */
export const worstOf = (alarms: readonly Alarm[]): Alarm | undefined => [...alarms].sort(byPriority)[0];

/** Whether the sign of the one that is shown says less than the other's. */
export const saysLess = (shown: Alarm, than: Alarm): boolean =>
  (shown.state === "acknowledged" && than.state !== "acknowledged") || RANK[shown.priority] > RANK[than.priority];

export interface InRoom {
  session: BoardSession;
  alarms: readonly Alarm[];
}

/** Each room once, where its first alarm stands, with all of its alarms in their order. */
export function byRoom(open: readonly { session: BoardSession; alarm: Alarm }[]): InRoom[] {
  const rooms = new Map<string, InRoom & { alarms: Alarm[] }>();
  for (const { session, alarm } of open) {
    const room = rooms.get(session.session_id);
    if (room) room.alarms.push(alarm);
    else rooms.set(session.session_id, { session, alarms: [alarm] });
  }
  return [...rooms.values()];
}

/** Rooms by the worst of their alarms. */
export const worstFirst = (rooms: readonly InRoom[]): InRoom[] =>
  rooms
    .map((room) => ({ room, worst: worstOf(room.alarms) }))
    .sort((a, b) => (a.worst && b.worst ? byPriority(a.worst, b.worst) : 0))
    .map(({ room }) => room);

/** How a patient is: what holds before what is over, then by priority, whether or not somebody answered it. */
export function bySeverity(a: Alarm, b: Alarm): number {
  return Number(isOver(a)) - Number(isOver(b)) || RANK[a.priority] - RANK[b.priority] || byUrgency(a, b);
}

export function openAlarms(session: BoardSession): Alarm[] {
  return session.alarms.filter((alarm) => !alarm.cleared_at || alarm.state === "latched").sort(byUrgency);
}

/** Smaller is more urgent: for the board's order on request. */
export function urgency(session: BoardSession): number {
  const top = openAlarms(session)[0];
  if (!top) return 7;
  return top.state === "acknowledged" ? RANK[top.priority] + 4 : isOver(top) ? 3 : RANK[top.priority];
}

export type Kind = "spo2" | "pulse" | "bp" | "resp" | "temp" | "co2";

/** Which value shows a signal. */
export const KIND_OF: Record<Signal, Kind> = {
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
  const mine = alarms.filter((a) => !a.cleared_at && a.kind === "physiological" && a.signal !== null && KIND_OF[a.signal as Signal] === kind);
  return mine.sort((a, b) => RANK[a.priority] - RANK[b.priority])[0]?.priority ?? null;
}

/** For the board's order on request: by alarm and call, then whose check is overdue or next; alike ones keep their places. */
export function mostUrgentFirst(sessions: readonly BoardSession[], now: number): BoardSession[] {
  const placed = sessions.map((session) => {
    // A call comes after the high alarms and before all others; what is over, last.
    const rank = session.state === "open" ? Math.min(urgency(session), callsNurse(session) ? 0.5 : Infinity) : Infinity;
    return { session, rank, due: dueAt(session, now) };
  });
  // Of two that have none: Infinity less Infinity is no number.
  return placed.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank) || (a.due === b.due ? 0 : a.due - b.due)).map(({ session }) => session);
}

/* The live board as a pure fold of the feed's frames. Parts that a frame does not touch keep their identity,
   so that whoever draws them can see by `===` that there is nothing to draw. */
import type { Alarm, AlarmFact, Changes, Frame, Latest, Point, Session, Signal, Snapshot, VitalRecorded, Vitals } from "./model";

export interface Reading extends Omit<Latest, "observed_at"> {
  /** When it was observed, ms since 1970 by the server's clock. */
  at: number;
}

export interface BoardSession extends Session {
  latest: Readonly<Partial<Record<Signal, Reading>>>;
  /** At most 15 minutes, one point in 5 seconds. */
  trend: Readonly<Partial<Record<Signal, readonly Point[]>>>;
  /** When each device was last heard, whatever it sent. */
  heard: Readonly<Record<string, number>>;
}

/** The nurse was called and nobody has answered. */
export const callsNurse = (session: Session): boolean => session.state === "open" && session.help !== null && session.help.answered_at === null;

export interface Raised {
  alarm_id: string;
  session_id: string;
  room: string;
  priority: Alarm["priority"];
  text: string;
}

export interface Board {
  epoch: string;
  events: number;
  vitals: number;
  sessions: Readonly<Record<string, BoardSession>>;
  /** The newest alarms raised, or raised to a higher priority, since this screen looks on, each to be announced once; at
      most 20. Those that a new snapshot brings are among them: they came while the feed was lost. */
  raised: readonly Raised[];
  /** The last alarm that ended. */
  over: { room: string; text: string; at: number } | null;
}

export const TREND_MS = 15 * 60_000;
export const TREND_STEP_MS = 5_000;
const KEPT_AFTER_END_MS = 30 * 60_000;
const ANNOUNCED = 20;

/** The board after `frame`; null when the frame does not continue the board, which then has to be sent anew. */
export function fold(board: Board | null, frame: Frame): Board | null {
  if (frame.type === "resync") return null;
  if (frame.type === "snapshot") return fromSnapshot(board, frame);
  if (!board || frame.epoch !== board.epoch || frame.events < board.events || frame.vitals < board.vitals) return null;
  const at = { ...board, events: frame.events, vitals: frame.vitals };
  return frame.type === "heartbeat" ? withoutEnded(at, Date.parse(frame.server_time)) : withChanges(at, frame);
}

function fromSnapshot(board: Board | null, frame: Snapshot): Board {
  const sessions: Record<string, BoardSession> = {};
  for (const { latest, trend, ...session } of frame.sessions) {
    const readings = readingsOf(latest);
    const heard: Record<string, number> = {};
    for (const { device_id, at } of Object.values(readings)) {
      if (device_id) heard[device_id] = Math.max(heard[device_id] ?? 0, at);
    }
    sessions[session.session_id] = { ...session, latest: readings, trend, heard };
  }
  const { epoch, events, vitals } = frame;
  const raised = frame.sessions.reduce((known, session) => session.alarms.filter((a) => a.state === "active" && !a.late).reduce((all, a) => withRaised(all, session, a), known), board?.raised ?? []);
  return { epoch, events, vitals, sessions, raised, over: board?.over ?? null };
}

const readingsOf = (latest: Vitals["latest"]): BoardSession["latest"] =>
  Object.fromEntries((Object.entries(latest) as [Signal, Latest][]).map(([signal, { observed_at, ...rest }]) => [signal, { ...rest, at: Date.parse(observed_at) }]));

/** An alarm is raised once for each priority that it has. */
function withRaised(raised: readonly Raised[], session: Pick<Session, "session_id" | "room">, alarm: Pick<Alarm, "alarm_id" | "priority" | "text">): readonly Raised[] {
  const { alarm_id, priority, text } = alarm;
  if (raised.some((r) => r.alarm_id === alarm_id && r.priority === priority)) return raised;
  return [...raised, { alarm_id, session_id: session.session_id, room: session.room, priority, text }].slice(-ANNOUNCED);
}

/** The high alarms of those raised after `last`, each to be spoken once: several may come in one drawn frame. */
export function highAfter(raised: readonly Raised[], last: Raised | undefined): readonly Raised[] {
  return raised.slice(last ? raised.indexOf(last) + 1 : 0).filter(({ priority }) => priority === "high");
}

function withChanges(board: Board, frame: Changes): Board {
  const sessions: Record<string, BoardSession> = { ...board.sessions };
  let { raised, over } = board;
  for (const fact of frame.alarms) {
    const session = sessions[fact.session_id] ?? frame.sessions.find((s) => s.session_id === fact.session_id);
    if (!session) continue;
    const text = session.alarms.find((a) => a.alarm_id === fact.alarm_id)?.text ?? raised.find((r) => r.alarm_id === fact.alarm_id)?.text;
    if (fact.type === "AlarmRaised" && !fact.late) raised = withRaised(raised, session, fact);
    if (fact.type === "AlarmEscalated" && text) raised = withRaised(raised, session, { ...fact, text });
    if (fact.type === "AlarmCleared") {
      if (text) over = { room: session.room, text, at: Date.parse(fact.at) };
    }
    const known = sessions[fact.session_id];
    if (known) sessions[fact.session_id] = { ...known, alarms: withAlarm(known.alarms, fact) };
  }
  for (const session of frame.sessions) {
    const known = sessions[session.session_id];
    sessions[session.session_id] = { ...(known ?? { latest: {}, trend: {}, heard: {} }), ...session };
  }
  for (const reading of frame.readings) {
    const session = sessions[reading.session_id];
    if (session) sessions[reading.session_id] = withReading(session, reading);
  }
  for (const { session_id, latest, trend } of frame.corrected) {
    const session = sessions[session_id];
    if (session) sessions[session_id] = { ...session, latest: readingsOf(latest), trend };
  }
  return { ...board, sessions, raised, over };
}

function withAlarm(alarms: Alarm[], fact: AlarmFact): Alarm[] {
  if (fact.type === "AlarmCleared") return alarms.filter((a) => a.alarm_id !== fact.alarm_id);
  if (fact.type !== "AlarmRaised") {
    return alarms.map((alarm) => {
      if (alarm.alarm_id !== fact.alarm_id) return alarm;
      if (fact.type === "AlarmEscalated") return { ...alarm, state: "active", escalated: true, escalated_to: fact.to, priority: fact.priority };
      if (fact.type === "AlarmPauseBroken") return alarm.state === "paused" ? { ...alarm, state: "active", paused_until: null } : alarm;
      if (fact.type === "AlarmPaused") return { ...alarm, state: "paused", paused_until: fact.until, paused_for: fact.cause };
      return { ...alarm, state: "acknowledged", acknowledged_by: fact.by, acknowledged_at: fact.at };
    });
  }
  if (alarms.some((a) => a.alarm_id === fact.alarm_id)) return alarms;
  const { alarm_id, rule, priority, kind, text, signal, value, limit, device_id, onset, late, latching } = fact;
  const unanswered = { paused_until: null, paused_for: null, acknowledged_by: null, acknowledged_by_name: null, acknowledged_at: null, escalated: false, escalated_to: null };
  const raised = { alarm_id, rule, priority, kind, text, signal, value, limit, device_id, onset, late, latching, raised_at: fact.at };
  return [...alarms, { ...raised, ...unanswered, state: "active", cleared_at: null }];
}

function withReading(session: BoardSession, reading: VitalRecorded): BoardSession {
  const at = Date.parse(reading.observed_at);
  const latest = { ...session.latest };
  let trend = session.trend;
  for (const [signal, sample] of Object.entries(reading.signals) as [Signal, VitalRecorded["signals"][Signal]][]) {
    if (!sample) continue;
    const { source, device_id, entered_by } = reading;
    const known = latest[signal];
    if (!known || at >= known.at) latest[signal] = { ...sample, source, device_id, entered_by, at };
    const points = trend[signal] ?? [];
    const last = points[points.length - 1];
    if (!last || Math.floor(at / TREND_STEP_MS) > Math.floor(last[0] / TREND_STEP_MS)) {
      trend = { ...trend, [signal]: [...points.filter(([t]) => t > at - TREND_MS), [at, sample.value] satisfies Point] };
    }
  }
  const device = reading.device_id;
  const heard = device && at > (session.heard[device] ?? 0) ? { ...session.heard, [device]: at } : session.heard;
  return { ...session, latest, trend, heard };
}

function withoutEnded(board: Board, serverTime: number): Board {
  const kept = Object.entries(board.sessions).filter(([, s]) => !s.ended_at || serverTime - Date.parse(s.ended_at) < KEPT_AFTER_END_MS);
  return kept.length === Object.keys(board.sessions).length ? board : { ...board, sessions: Object.fromEntries(kept) };
}

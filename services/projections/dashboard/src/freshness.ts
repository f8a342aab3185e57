/* How old may a value be, and why is there none? Pure: every clock reading comes in.
   `now` is always the server's clock as this screen reckons it: monotonic clock + measured offset (clock.ts). */
import type { BoardSession, Reading } from "./board";
import type { Device, ExpectedCourse, Signal } from "./model";

export type State = "fresh" | "ageing" | "stale" | "gone";

/** Ages in seconds at which a value stops being fresh, turns stale (T1), is withdrawn (T2). */
export interface Ages {
  ageing: number;
  stale: number;
  gone: number;
}

export type Cause =
  | "feed lost" // this screen hears nothing
  | "server behind" // the screen hears the server, the server does not hear the log or no monitor at all
  | "link lost" // nothing comes from this monitor
  | "session over" // nobody measures any more
  | "detached" // the monitor was taken off this session
  | "sensor off" // the monitor sends, but not this signal
  | "not measured"; // a cuff, or a person, was expected to measure again

/** No frame for this long: the feed is lost. A heartbeat comes every second. */
export const FEED_LOST_MS = 2_500;
/** The server says that it is this far behind the log. */
export const BEHIND_MS = 2_000;
/** So far that an alarm would be late: it is heard. */
export const BEHIND_TONE_MS = 10_000;
export const SKEW_MS = 2_000;
/** A monitor that sends nothing for so long is called silent, attached or not: the protocols' default of `no_data_after_s`
    ([D]). A session's own limit says when its attached monitor is an alarm. */
export const SILENT_S = 15;

export const isSilent = ({ last_seen }: Pick<Device, "last_seen">, now: number): boolean => (now - Date.parse(last_seen)) / 1000 > SILENT_S;

/** Where a monitor stands in a session's list: its own, live free ones, those of other rooms; silent ones last. */
export function placeOf(device: Pick<Device, "session_id" | "last_seen">, session_id: string, now: number): number {
  return (isSilent(device, now) ? 3 : 0) + (device.session_id === session_id ? 0 : device.session_id === null ? 1 : 2);
}

/** And in the list of all: what can be attached now, what has a fault, the others; those that are silent and free last. */
export function placeOfAll(device: Pick<Device, "session_id" | "last_seen" | "faults">, now: number): number {
  if (device.session_id === null) return isSilent(device, now) ? 3 : 0;
  return device.faults.length > 0 ? 1 : 2;
}

const CONTINUOUS: ReadonlySet<Signal> = new Set(["spo2", "pulse_rate", "heart_rate", "respiratory_rate", "etco2"]);
const MIN = 60;

export function isContinuous(signal: Signal, reading: Pick<Reading, "source">): boolean {
  return CONTINUOUS.has(signal) && reading.source !== "manual";
}

/** Continuous signals come each 1–2 s. */
export function agesOfContinuous(noDataAfter: number): Ages {
  return { ageing: 3, stale: Math.min(5, noDataAfter), gone: noDataAfter };
}

/** A cuff, or an entry by hand, where no schedule says when it is measured again. */
export const UNDOSED: Ages = { ageing: 15 * MIN, stale: 17 * MIN, gone: 32 * MIN };

/** A cuff, or an entry by hand, holds until the scheduled check that replaces it: 5 minutes after that it is stale,
    5 minutes after the one that follows it is withdrawn. `minutes`: after the last dose, when it was observed. */
export function agesOfCheck(expected: ExpectedCourse, minutes: number | null): Ages {
  if (minutes === null) return UNDOSED;
  const [first = minutes + 30, second = first + 30] = expected.checks_min.filter((check) => check > minutes + 3);
  const after = (check: number): number => (check - minutes) * MIN;
  const stale = Math.max(10 * MIN, after(first) + 5 * MIN);
  return { ageing: Math.min(stale, after(first) + MIN), stale, gone: Math.max(30 * MIN, stale + 5 * MIN, after(second) + 5 * MIN) };
}

export function stateOf(age: number, ages: Ages): State {
  return age >= ages.gone ? "gone" : age >= ages.stale ? "stale" : age >= ages.ageing ? "ageing" : "fresh";
}

export interface Health {
  /** When the last frame came, by the server's clock; null while it comes as it should. */
  lostSince: number | null;
  /** How far the server is behind, ms; null when it is not, Infinity when it cannot tell. */
  behind: number | null;
}

/** Why this value is withdrawn. `session.heard` tells a silent sensor from a silent monitor. */
export function causeOf(signal: Signal, reading: Reading, session: BoardSession, ages: Ages, health: Health, now: number): Cause {
  const seenUntil = health.lostSince ?? now;
  const withdrawnBefore = (seenUntil - reading.at) / 1000 >= ages.gone;
  if (health.lostSince !== null && !withdrawnBefore) return "feed lost";
  if (session.state !== "open") return "session over";
  if (reading.source === "manual") return "not measured";
  const device = reading.device_id;
  if (device && !session.devices.includes(device)) return "detached";
  if (health.behind !== null) return "server behind";
  const heard = Math.max(0, ...session.devices.map((d) => session.heard[d] ?? 0));
  if ((seenUntil - heard) / 1000 >= session.limits.no_data_after_s) return "link lost";
  return isContinuous(signal, reading) ? "sensor off" : "not measured";
}

/** When each open session with a monitor was last heard. */
const heardAt = (sessions: readonly BoardSession[]): number[] =>
  sessions
    .filter((s) => s.state === "open" && s.devices.length > 0)
    .map((s) => Math.max(0, ...s.devices.map((d) => s.heard[d] ?? 0)))
    .filter((at) => at > 0);

/** When any monitor was last heard; null when none was. */
export function lastHeard(sessions: readonly BoardSession[]): number | null {
  const last = heardAt(sessions);
  return last.length > 0 ? Math.max(...last) : null;
}

/** How far the server is behind (ms), from its own word; and when every monitor fell silent at once, from that. */
export function behindOf(lag: readonly (number | null | undefined)[], sessions: readonly BoardSession[], now: number): number | null {
  if (lag.includes(null)) return Infinity;
  const worst = Math.max(0, ...lag.map((ms) => ms ?? 0));
  if (worst > BEHIND_MS) return worst;
  const last = heardAt(sessions);
  const newest = Math.max(...last);
  const together = last.length >= 2 && newest - Math.min(...last) < 10_000;
  return together && now - newest > 5_000 ? now - newest : null;
}

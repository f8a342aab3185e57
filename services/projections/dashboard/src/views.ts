/* What a value looks like, worked out apart from drawing it: equal views are not drawn again. */
import { alarmOn, type Kind, openAlarms } from "./alarms";
import type { BoardSession, Reading } from "./board";
import { lastDose, minutesSince } from "./course";
import { type Ages, agesOfCheck, agesOfContinuous, type Cause, causeOf, type Health, isContinuous, isSilent, SILENT_S, type State, stateOf, UNDOSED } from "./freshness";
import type { Device, Priority, Signal } from "./model";
import { bars, type Direction, direction, directionOfCuff, rangeOf, type Bar, sparkline } from "./trend";
import { age, clockTime, number } from "./words";

export interface ValueView {
  kind: Kind;
  name: string;
  unit: string;
  state: State | "none";
  /** One number, or systolic and diastolic. */
  first: string;
  second: string | null;
  age: string;
  cause: Cause | null;
  last: string;
  lastAt: string;
  source: "monitor" | "hand" | null;
  questionable: boolean;
  direction: Direction | null;
  delta: string | null;
  alarm: Priority | null;
}

interface Look {
  name: string;
  unit: string;
  signals: readonly Signal[];
  /** A change over five minutes that deserves an arrow. */
  step: number;
  /** The least that a sparkline spans. */
  span: number;
  digits: 0 | 1;
}

export const LOOK: Record<Kind, Look> = {
  spo2: { name: "SpO₂", unit: "%", signals: ["spo2"], step: 1.5, span: 10, digits: 0 },
  pulse: { name: "Pulse", unit: "/min", signals: ["pulse_rate", "heart_rate"], step: 6, span: 36, digits: 0 },
  bp: { name: "BP", unit: "mmHg", signals: ["systolic"], step: 6, span: 80, digits: 0 },
  resp: { name: "Resp", unit: "/min", signals: ["respiratory_rate"], step: 3, span: 14, digits: 0 },
  temp: { name: "Temp", unit: "°C", signals: ["temperature"], step: 0.4, span: 2, digits: 1 },
  co2: { name: "etCO₂", unit: "mmHg", signals: ["etco2"], step: 5, span: 20, digits: 0 },
};

/** Measured together. */
const PAIR_WITHIN_MS = 60_000;

/** One value of a monitor that may be nobody's. */
export interface DeviceValue {
  name: string;
  /** `---` once it is withdrawn. */
  value: string;
  unit: string;
  state: State;
  /** Its age; of one that is withdrawn, what it last was and when. */
  when: string;
}

/** A monitor's values in the board's words, and as old as the board lets them be. Of one that is silent none stands: its
    patient may be gone. */
export function deviceTold({ signals, last_seen }: Pick<Device, "signals" | "last_seen">, now: number): DeviceValue[] {
  const silent = isSilent({ last_seen }, now);
  const told = (name: string, unit: string, last: string, observed_at: string, ages: Ages): DeviceValue => {
    const seconds = (now - Date.parse(observed_at)) / 1000;
    const state = silent ? "gone" : stateOf(seconds, ages);
    const gone = state === "gone";
    return { name, unit, state, value: gone ? "---" : last, when: gone ? `last ${last} at ${clockTime(Date.parse(observed_at))}` : age(seconds) };
  };
  const { systolic, diastolic, mean_arterial: mean } = signals;
  const cuff = systolic ?? diastolic ?? mean;
  const together = (other: typeof cuff): string | null =>
    other && cuff && Math.abs(Date.parse(other.observed_at) - Date.parse(cuff.observed_at)) < PAIR_WITHIN_MS ? String(Math.round(other.value)) : null;
  const pressure = cuff && told(LOOK.bp.name, LOOK.bp.unit, `${together(systolic) ?? "--"}/${together(diastolic) ?? "--"}${together(mean) ? ` (${together(mean)})` : ""}`, cuff.observed_at, UNDOSED);
  return Object.values(LOOK).flatMap(({ name, unit, signals: own, digits }) => {
    if (own[0] === "systolic") return pressure ? [pressure] : [];
    return own.flatMap((signal) => {
      const last = signals[signal];
      if (!last) return [];
      const ages = isContinuous(signal, { source: "monitor" }) ? agesOfContinuous(SILENT_S) : UNDOSED;
      return [told(signal === "heart_rate" ? "HR" : name, unit, digits ? last.value.toFixed(1) : String(Math.round(last.value)), last.observed_at, ages)];
    });
  });
}

const NOTHING: Pick<ValueView, "first" | "second" | "age" | "last" | "lastAt" | "cause" | "source" | "direction" | "delta" | "questionable"> = {
  first: "---",
  second: null,
  age: "",
  last: "",
  lastAt: "",
  cause: null,
  source: null,
  direction: null,
  delta: null,
  questionable: false,
};

/** The signal that a kind shows: of those heard last, the one that alarms, else the first (the oximeter's pulse
    before the ECG's rate): a number in an alarm's colour is the number that alarms. */
export function signalOf(session: BoardSession, kind: Kind): Signal | null {
  const at = (signal: Signal): number => session.latest[signal]?.at ?? -Infinity;
  const { signals } = LOOK[kind];
  const newest = Math.max(...signals.map(at));
  const heard = signals.filter((signal) => at(signal) > -Infinity && at(signal) >= newest - 3_000);
  const alarming = openAlarms(session).map((alarm) => alarm.signal);
  return heard.find((signal) => alarming.includes(signal)) ?? heard[0] ?? null;
}

function agesFor(session: BoardSession, signal: Signal, reading: Reading): Ages {
  if (isContinuous(signal, reading)) return agesOfContinuous(session.limits.no_data_after_s);
  return agesOfCheck(session.expected, minutesSince(session, reading.at));
}

export function valueView(session: BoardSession, kind: Kind, now: number, health: Health): ValueView {
  const { name, unit, step, digits } = LOOK[kind];
  const signal = signalOf(session, kind);
  const reading = signal && session.latest[signal];
  if (!signal || !reading) {
    const state = health.lostSince === null ? "none" : "gone";
    return { kind, name, unit, ...NOTHING, state, cause: state === "gone" ? "feed lost" : null, alarm: null };
  }
  const ages = agesFor(session, signal, reading);
  const seconds = (now - reading.at) / 1000;
  // The monitor and the room are another patient's by now: what was measured last is no value of this moment.
  const state = health.lostSince === null && session.state === "open" ? stateOf(seconds, ages) : "gone";
  const say = (value: number): string => (digits ? value.toFixed(1) : number(Math.round(value)));
  const diastolic = kind === "bp" ? session.latest.diastolic : undefined;
  const paired = diastolic && Math.abs(diastolic.at - reading.at) < PAIR_WITHIN_MS ? diastolic : null;
  const first = say(reading.value);
  const second = kind === "bp" ? (paired ? say(paired.value) : "--") : null;
  const common = { kind, name: kind === "pulse" && signal === "heart_rate" ? "HR" : name, unit, state };
  if (state === "gone") {
    const cause = causeOf(signal, reading, session, ages, health, now);
    const last = second === null ? first : `${first}/${second}`;
    return { ...common, ...NOTHING, cause, last, lastAt: clockTime(reading.at, true), alarm: null };
  }
  const trend = session.trend[signal] ?? [];
  const turned = isContinuous(signal, reading) ? direction(trend, reading.value, now, step) : directionOfCuff(trend, reading.value, step);
  return {
    ...common,
    ...NOTHING,
    first,
    second,
    age: age(seconds),
    source: reading.source === "manual" ? "hand" : "monitor",
    questionable: reading.quality !== "ok",
    direction: state === "stale" ? null : turned,
    delta: kind === "bp" ? deltaOf(session, reading.value, paired?.value ?? null) : null,
    alarm: alarmOn(openAlarms(session), kind),
  };
}

/** Against today's baseline, once there is a dose. */
function deltaOf(session: BoardSession, systolic: number, diastolic: number | null): string | null {
  const base = session.pre_dose;
  if (!base || !lastDose(session)) return null;
  const signed = (n: number): string => (n < 0 ? `−${-n}` : `+${n}`);
  const s = signed(Math.round(systolic - base.systolic));
  return diastolic === null ? s : `${s}/${signed(Math.round(diastolic - base.diastolic))}`;
}

export interface TrendView {
  path: string;
  tip: string;
  end: number | null;
  limit: number | null;
  bars: readonly Bar[] | null;
}

/** When the session's own step began: each has another moment, for all rooms redrawn at once are one long frame. */
export function stepOf(session: string, now: number, ms: number): number {
  const own = parseInt(session.slice(-4), 16) % ms;
  return Math.floor((now - own) / ms) * ms + own;
}

export function trendView(session: BoardSession, kind: Kind, edge: number, gone: boolean): TrendView {
  const nothing = { path: "", tip: "", end: null, limit: null, bars: null };
  const signal = signalOf(session, kind);
  const points = (signal && session.trend[signal]) ?? [];
  if (kind === "bp") return { ...nothing, bars: bars(points, session.trend.diastolic ?? [], edge) };
  if (signal && session.latest[signal]?.source === "manual") return nothing;
  const range = rangeOf(points.map(([, v]) => v), LOOK[kind].span, kind === "spo2" ? 100.5 : Infinity);
  const low = kind === "spo2" ? Math.max(-1, ...session.limits.spo2.map((band) => band.low ?? -1)) : -1;
  const y = (v: number): number => 37 - ((v - range[0]) / (range[1] - range[0])) * 34;
  return {
    ...sparkline(points, range, edge, gone),
    limit: low > range[0] && low < range[1] ? y(low) : null,
    bars: null,
  };
}

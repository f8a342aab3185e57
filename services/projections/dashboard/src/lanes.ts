/* The chart's arithmetic: which lanes there are, where they lie, and what a lane draws. Pure. */
import { type Kind, RANK } from "./alarms";
import type { Limits, Point, Priority, Signal, VitalRecorded, VitalsSeries } from "./model";

export interface Lane {
  kind: Kind;
  /** Drawn as lines; blood pressure is drawn as bars from systolic to diastolic. */
  lines: readonly Signal[];
  low: number;
  high: number;
  /** Share of the height. */
  weight: number;
  ticks: readonly number[];
}

const LANES: readonly Lane[] = [
  { kind: "spo2", lines: ["spo2"], low: 84, high: 100.5, weight: 1.15, ticks: [85, 90, 95, 100] },
  { kind: "pulse", lines: ["pulse_rate", "heart_rate"], low: 40, high: 135, weight: 1, ticks: [50, 75, 100, 125] },
  { kind: "bp", lines: [], low: 50, high: 195, weight: 1.45, ticks: [75, 100, 125, 150, 175] },
  { kind: "resp", lines: ["respiratory_rate"], low: 4, high: 28, weight: 0.9, ticks: [5, 10, 15, 20, 25] },
  { kind: "co2", lines: ["etco2"], low: 15, high: 60, weight: 0.8, ticks: [20, 35, 50] },
  { kind: "temp", lines: ["temperature"], low: 35, high: 40, weight: 0.7, ticks: [36, 37, 38, 39] },
];

const ALWAYS: ReadonlySet<Kind> = new Set(["spo2", "pulse", "bp", "resp"]);

export interface Sample {
  t: number;
  low: number;
  value: number;
  high: number;
  /** Entered by hand: a point of its own, never part of a line. */
  hand: boolean;
}

/** A signal's history and what came live after it, oldest first. */
export type Tracks = Partial<Record<Signal, Sample[]>>;

type Series = NonNullable<VitalsSeries["signals"][Signal]>;

export function tracksOf(series: VitalsSeries): Tracks {
  const tracks: Tracks = {};
  for (const [signal, { t, min, mean, max, source }] of Object.entries(series.signals) as [Signal, Series][]) {
    tracks[signal] = t
      .map((at, i) => ({ t: at, low: min[i] ?? NaN, value: mean[i] ?? NaN, high: max[i] ?? NaN, hand: source[i] === "manual" }))
      .sort((a, b) => a.t - b.t);
  }
  return tracks;
}

/** In place: the chart owns its tracks. A reading that came out of order is put where it belongs. */
export function addReadings(tracks: Tracks, readings: readonly VitalRecorded[]): void {
  for (const reading of readings) {
    const t = Date.parse(reading.observed_at);
    for (const [signal, sample] of Object.entries(reading.signals) as [Signal, VitalRecorded["signals"][Signal]][]) {
      if (!sample) continue;
      const track = (tracks[signal] ??= []);
      let i = track.length;
      while (i > 0 && (track[i - 1]?.t ?? 0) > t) i -= 1;
      if (track[i - 1]?.t === t) continue;
      track.splice(i, 0, { t, low: sample.value, value: sample.value, high: sample.value, hand: reading.source === "manual" });
    }
  }
}

/** Readings that arrived after the history was asked for are kept when the history comes. */
export function joined(history: Tracks, live: Tracks): Tracks {
  const result: Tracks = { ...history };
  for (const [signal, track] of Object.entries(live) as [Signal, Sample[]][]) {
    const before = history[signal] ?? [];
    const until = before[before.length - 1]?.t ?? -Infinity;
    result[signal] = [...before, ...track.filter((s) => s.t > until)];
  }
  return result;
}

const only = (tracks: Tracks, keep: (sample: Sample) => boolean): Tracks =>
  Object.fromEntries((Object.entries(tracks) as [Signal, Sample[]][]).map(([signal, track]) => [signal, track.filter(keep)]));

/** What was measured since then. */
export const since = (tracks: Tracks, from: number): Tracks => only(tracks, ({ t }) => t >= from);

/** Without what was typed. */
export const measured = (tracks: Tracks): Tracks => only(tracks, ({ hand }) => !hand);

/** Longer without a sample is a gap: never bridged, hatched. */
export const gapAfter = (resolution: number): number => Math.max(8_000, 3_000 * resolution);

export function gapsOf(track: readonly Sample[], gap: number): Point[] {
  const gaps: Point[] = [];
  for (let i = 1; i < track.length; i += 1) {
    const [a, b] = [track[i - 1]?.t ?? 0, track[i]?.t ?? 0];
    if (b - a > gap) gaps.push([a, b]);
  }
  return gaps;
}

/** Rows for the plot: seconds, then a column a line. `null` breaks a line, `undefined` only has no sample there. */
export function rows(tracks: Tracks, lines: readonly Signal[], gap: number): [number[], ...(number | null | undefined)[][]] {
  const cells = lines.map((signal) => {
    const column = new Map<number, number | null>();
    let before: number | null = null;
    for (const { t, value, hand } of tracks[signal] ?? []) {
      if (hand) continue;
      if (before !== null && t - before > gap) column.set(before + 1, null);
      column.set(t, value);
      before = t;
    }
    return column;
  });
  const times = [...new Set(cells.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  return [times.map((t) => t / 1000), ...cells.map((column) => times.map((t) => column.get(t)))];
}

export interface Placed extends Lane {
  top: number;
  height: number;
}

/** Lanes with their place, for what there is to show; a lane widens for values beyond its usual range. */
export function place(tracks: Tracks, shown: ReadonlySet<Kind>, top: number, height: number, gap: number): Placed[] {
  const lanes = LANES.filter((lane) => ALWAYS.has(lane.kind) || shown.has(lane.kind));
  const weight = lanes.reduce((sum, lane) => sum + lane.weight, 0);
  const free = height - gap * (lanes.length - 1);
  let y = top;
  return lanes.map((lane) => {
    const signals: readonly Signal[] = lane.kind === "bp" ? ["systolic", "diastolic"] : lane.lines;
    let { low, high } = lane;
    for (const signal of signals) {
      for (const sample of tracks[signal] ?? []) {
        if (sample.low < low) low = Math.floor(sample.low) - 1;
        if (sample.high > high) high = Math.ceil(sample.high) + 1;
      }
    }
    const placed = { ...lane, low, high, top: y, height: (free * lane.weight) / weight };
    y += placed.height + gap;
    return placed;
  });
}

/** A plot scale whose whole height is `full` and in which `lane.low…high` is exactly the lane. */
export function scaleOf(lane: Placed, full: number): [number, number] {
  const unit = (lane.high - lane.low) / lane.height;
  return [lane.low - (full - lane.top - lane.height) * unit, lane.high + lane.top * unit];
}

export interface Line {
  value: number;
  side: "low" | "high";
  text: string;
}

const LIMITED: Partial<Record<Kind, readonly (keyof Limits)[]>> = {
  spo2: ["spo2"],
  pulse: ["heart_rate"],
  bp: ["systolic", "diastolic"],
  resp: ["respiratory_rate"],
};

/** The limits that the watch compares with, as lines. */
export function limitLines(limits: Limits, kind: Kind): Line[] {
  return (LIMITED[kind] ?? []).flatMap((name) => {
    const bands = limits[name];
    if (!Array.isArray(bands)) return [];
    const short = name === "diastolic" ? "dia " : "";
    return bands.flatMap(({ low, high }) => [
      ...(low === null ? [] : [{ value: low, side: "low" as const, text: `${short}${low}` }]),
      ...(high === null ? [] : [{ value: high, side: "high" as const, text: `${short}${high}` }]),
    ]);
  });
}

/** What raises an alarm, by its priority, the mildest first, in the alarms' own signs: "< 90, > 179". In words "high" would
    be taken for the value. */
export function limitWords(limits: Limits, kind: Kind): { priority: Priority; words: string }[] {
  const name = LIMITED[kind]?.[0];
  const bands = name ? limits[name] : null;
  if (!Array.isArray(bands)) return [];
  return [...bands]
    .sort((a, b) => RANK[b.priority] - RANK[a.priority])
    .map(({ low, high, priority }) => {
      const sides = [low !== null && `< ${low}`, high !== null && !(kind === "spo2" && high >= 100) && `> ${high}`];
      return { priority, words: sides.filter(Boolean).join(", ") };
    });
}

/** The nearest sample of a track within `within` ms. */
export function nearest(track: readonly Sample[] | undefined, t: number, within: number): Sample | null {
  if (!track || track.length === 0) return null;
  let [a, b] = [0, track.length - 1];
  while (a < b) {
    const mid = (a + b) >> 1;
    if ((track[mid]?.t ?? 0) < t) a = mid + 1;
    else b = mid;
  }
  const found = [track[a - 1], track[a]].filter((s) => s !== undefined).sort((x, y) => Math.abs(x.t - t) - Math.abs(y.t - t))[0];
  return found && Math.abs(found.t - t) <= within ? found : null;
}

/** The least and the greatest from `from` on and before `to`; null: nothing was measured then. */
export function rangeWithin(track: readonly Sample[] | undefined, from: number, to: number): { low: number; high: number } | null {
  const there = (track ?? []).filter(({ t }) => t >= from && t < to);
  return there.length === 0 ? null : { low: Math.min(...there.map(({ low }) => low)), high: Math.max(...there.map(({ high }) => high)) };
}

/** An alarm's place on the time axis, px. */
export interface Stretch {
  from: number;
  to: number;
  priority: Priority;
}

export interface AlarmTag {
  /** Each alarm from onset to end, the most urgent last, so that it is painted over the others. */
  parts: readonly Stretch[];
  /** Where asterisks and count stand: at the most urgent one's onset, or as near as `end` leaves room. */
  tag: { from: number; to: number };
  priority: Priority;
  count: number;
}

const TAG_PX = 30;
const COUNT_PX = 16;
const APART_PX = 3;

/** Alarms whose marks would cover each other become one mark with their number: none is moved away from its time,
    and none reaches past `end` (now, or the edge of what is shown). */
export function alarmTags(alarms: readonly Stretch[], start: number, end: number): AlarmTag[] {
  const clipped = alarms.map((alarm) => {
    const from = Math.min(Math.max(alarm.from, start), end - 2);
    return { ...alarm, from, to: Math.min(end, Math.max(alarm.to, from + 2)) };
  });
  const tags: (AlarmTag & { from: number; to: number })[] = [];
  for (const alarm of clipped.sort((a, b) => a.from - b.from)) {
    let next = tagged([alarm], start, end);
    for (let last = tags[tags.length - 1]; last && next.from < last.to + APART_PX; last = tags[tags.length - 1]) {
      tags.pop();
      next = tagged([...last.parts, ...next.parts], start, end);
    }
    tags.push(next);
  }
  return tags;
}

function tagged(alarms: readonly Stretch[], start: number, end: number): AlarmTag & { from: number; to: number } {
  const parts = [...alarms].sort((a, b) => RANK[b.priority] - RANK[a.priority] || b.from - a.from);
  const worst = parts[parts.length - 1] as Stretch;
  const width = TAG_PX + (parts.length > 1 ? COUNT_PX : 0);
  const at = Math.max(start, Math.min(worst.from, end - width));
  const from = Math.min(at, ...parts.map((part) => part.from));
  const to = Math.max(at + width, ...parts.map((part) => part.to));
  return { parts, tag: { from: at, to: at + width }, priority: worst.priority, count: parts.length, from, to };
}

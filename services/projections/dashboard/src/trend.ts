/* Sparklines and directions from a signal's last 15 minutes. Gaps are never bridged. */
import { TREND_MS } from "./board";
import type { Point } from "./model";

export const SPARK = { width: 300, height: 40 } as const;
const GAP_MS = 13_000;

export interface Spark {
  path: string;
  tip: string;
  /** Where the line ended, when it ended before now; the rest is hatched. */
  end: number | null;
}

type Range = readonly [low: number, high: number];

export function rangeOf(values: readonly number[], span: number, ceiling = Infinity): Range {
  if (values.length === 0) return [0, span];
  let low = Math.min(...values);
  let high = Math.max(...values);
  const pad = Math.max(0, span - (high - low)) / 2;
  low -= pad;
  high += pad;
  if (high > ceiling) {
    low = Math.min(low, ceiling - span);
    high = ceiling;
  }
  return [low, high];
}

const y = (value: number, [low, high]: Range): number => SPARK.height - 3 - ((value - low) / (high - low)) * (SPARK.height - 6);

const x = (at: number, now: number): number => (1 - (now - at) / TREND_MS) * (SPARK.width - 6);

export function sparkline(points: readonly Point[], range: Range, now: number, gone: boolean): Spark {
  let path = "";
  let before = -Infinity;
  let [px, py] = [0, 0];
  for (const [at, value] of points) {
    if (at < now - TREND_MS) continue;
    px = Math.min(SPARK.width - 6, x(at, now));
    py = y(value, range);
    path += `${at - before > GAP_MS ? "M" : "L"}${px.toFixed(1)} ${py.toFixed(1)}`;
    before = at;
  }
  const tip = path && !gone ? `M${px.toFixed(1)} ${py.toFixed(1)}h.01` : "";
  return { path, tip, end: gone ? (path ? px + 6 : 0) : null };
}

export interface Bar {
  x: number;
  top: number;
  bottom: number;
}

/** Blood pressures as bars from systolic to diastolic; the two are matched by their time. */
export function bars(systolic: readonly Point[], diastolic: readonly Point[], now: number): Bar[] {
  const low = new Map(diastolic);
  const pairs = systolic.flatMap(([at, s]) => {
    const d = low.get(at);
    return d === undefined || at < now - TREND_MS ? [] : [{ at, s, d }];
  });
  const range = rangeOf(pairs.flatMap(({ s, d }) => [s, d]), 80);
  return pairs.map(({ at, s, d }) => ({ x: Math.max(3, x(at, now) + 2), top: y(s, range), bottom: y(d, range) }));
}

export type Direction = "up" | "rise" | "flat" | "fall" | "down";

/** Against the value of 5 minutes ago; null when there was none to compare with. */
export function direction(points: readonly Point[], value: number, now: number, step: number): Direction | null {
  let [sum, count] = [0, 0];
  for (let i = points.length - 1; i >= 0; i -= 1) {
    const [at, before] = points[i] as Point;
    if (now - at > 6 * 60_000) break;
    if (now - at < 4 * 60_000) continue;
    sum += before;
    count += 1;
  }
  return count === 0 ? null : turn(value - sum / count, step);
}

/** A cuff's direction: against the reading before. */
export function directionOfCuff(points: readonly Point[], value: number, step: number): Direction | null {
  const before = points[points.length - 2];
  return before ? turn(value - before[1], step) : null;
}

function turn(change: number, step: number): Direction {
  if (Math.abs(change) < step) return "flat";
  const fast = Math.abs(change) >= 3 * step;
  return change > 0 ? (fast ? "up" : "rise") : fast ? "down" : "fall";
}

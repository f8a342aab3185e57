/* A session's vitals in figures for paper: baseline, extremes after the dose, the last, and when there was nothing. Pure. */
import { gapAfter, gapsOf, type Sample, type Tracks } from "./lanes";
import type { Point, Signal } from "./model";

export interface At {
  value: number;
  at: number;
}
export interface SignalTold {
  signal: Signal;
  lowest: At | null;
  highest: At | null;
  last: At | null;
}

/** Extremes from `from` to `to` (the first dose and the end), the last reading up to `to`. */
export function toldOf(tracks: Tracks, signal: Signal, from: number, to: number): SignalTold {
  const known = (tracks[signal] ?? []).filter((s) => s.t <= to);
  const within = known.filter((s) => s.t >= from);
  const last = known[known.length - 1];
  const least = (a: Sample | null, b: Sample): Sample => (a && a.low <= b.low ? a : b);
  const most = (a: Sample | null, b: Sample): Sample => (a && a.high >= b.high ? a : b);
  const low = within.reduce<Sample | null>(least, null);
  const high = within.reduce<Sample | null>(most, null);
  return {
    signal,
    lowest: low && { value: low.low, at: low.t },
    highest: high && { value: high.high, at: high.t },
    last: last ? { value: last.value, at: last.t } : null,
  };
}

export interface Pressure {
  systolic: number;
  diastolic: number;
  at: number;
}

/** Both pressures of one measurement, in the order of time. */
export function pressures(tracks: Tracks): Pressure[] {
  const low = new Map((tracks.diastolic ?? []).map((s) => [s.t, s.value]));
  return (tracks.systolic ?? []).flatMap(({ t, value }) => {
    const diastolic = low.get(t);
    return diastolic === undefined ? [] : [{ systolic: value, diastolic, at: t }];
  });
}

/** Longer than a minute without a reading of this signal, between its first and the end. */
export function silences(track: readonly Sample[] | undefined, resolution: number, to: number): Point[] {
  const sent = (track ?? []).filter((s) => !s.hand && s.t <= to);
  const last = sent[sent.length - 1];
  if (!last) return [];
  const gap = Math.max(60_000, gapAfter(resolution));
  return [...gapsOf(sent, gap), ...(to - last.t > gap ? [[last.t, to] as Point] : [])];
}

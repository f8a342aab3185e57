/* What is heard. Pulses by priority as IEC 60601-1-8 has them (reference: high 5 + 5 pulses, medium 3, low 1–2), and two
   falling tones, unlike any of them, while this screen shows nothing live. Who calls the nurse is heard as a soft rising
   chime, which no alarm has, and never in an alarm's stead. One pattern at a time, the most urgent. Each is
   one loop that the browser's audio thread repeats by itself: a page that hangs goes on sounding. */
import { signal } from "@preact/signals";
import type { Priority } from "./model";

export type Pattern = Priority | "lost" | "call" | "low and call";

interface Pulse {
  /** Seconds from the beginning of the burst. */
  at: number;
  lasts: number;
  /** Hz. */
  pitch: number;
  /** Without an alarm's harmonics, and softer. */
  soft?: true;
}

interface Burst {
  pulses: readonly Pulse[];
  /** From one burst to the next, s. */
  every: number;
}

const train = (times: readonly number[], lasts: number, pitch: number): Pulse[] => times.map((at) => ({ at, lasts, pitch }));
const chime = (at: number): Pulse[] => [
  { at, lasts: 0.45, pitch: 587, soft: true },
  { at: at + 0.4, lasts: 0.8, pitch: 784, soft: true },
];
const FIVE = [0, 0.25, 0.5, 1, 1.25];

/** Pulses of 75–200 ms (high) and 125–250 ms (medium, low), bursts again after 2.5–15 s (high), 2.5–30 s (medium), more
    than 15 s (low). */
export const BURSTS: Record<Pattern, Burst> = {
  high: { pulses: train([...FIVE, ...FIVE.map((at) => at + 2)], 0.15, 523), every: 7 },
  medium: { pulses: train([0, 0.4, 0.8], 0.2, 440), every: 9 },
  low: { pulses: train([0, 0.45], 0.2, 392), every: 20 },
  call: { pulses: chime(0), every: 10 },
  "low and call": { pulses: [...train([0, 0.45], 0.2, 392), ...chime(5), ...chime(14)], every: 22 },
  lost: { pulses: [...train([0], 0.5, 660), ...train([0.6], 0.7, 415)], every: 6 },
};

/** Enough for the harmonics, which lie between 300 and 4000 Hz. */
const RATE = 16_000;
const RAMP_S = 0.025;
const HARMONICS = [1, 0.7, 0.55, 0.45, 0.35];
const LOUD = 0.28;

/** One burst and the silence after it, as the loudspeaker gets it. */
export function samples({ pulses, every }: Burst): Float32Array<ArrayBuffer> {
  const wave = new Float32Array(Math.round(every * RATE));
  for (const { at, lasts, pitch, soft } of pulses) {
    const first = Math.round(at * RATE);
    for (let i = 0; i < lasts * RATE; i += 1) {
      const t = i / RATE;
      const swell = Math.min(1, t / RAMP_S, (lasts - t) / RAMP_S);
      const tone = (soft ? [0.6] : HARMONICS).reduce((sum, share, n) => sum + share * Math.sin(2 * Math.PI * pitch * (n + 1) * t), 0);
      wave[first + i] = (wave[first + i] ?? 0) + LOUD * swell * tone;
    }
  }
  return wave;
}

/** A page that does not come back within this time sounds as one that lost its feed: nobody else could tell. */
const HUNG_S = 8;
const GUARD_EVERY_MS = 1_000;

/** Whether anything could be heard, as far as the browser says. */
export const audible = signal(false);
/** When somebody last listened to the test, by this machine's clock. */
export const tested = signal<number | null>(null);

let context: AudioContext | null = null;
let playing: { pattern: Pattern; source: AudioBufferSourceNode } | null = null;
let guard: { source: AudioBufferSourceNode; at: number } | null = null;
const buffers = new Map<Pattern, AudioBuffer>();

function source(of: AudioContext, pattern: Pattern, loop: boolean, when = 0): AudioBufferSourceNode {
  let buffer = buffers.get(pattern);
  if (!buffer) {
    const wave = samples(BURSTS[pattern]);
    buffer = of.createBuffer(1, wave.length, RATE);
    buffer.copyToChannel(wave, 0);
    buffers.set(pattern, buffer);
  }
  const made = of.createBufferSource();
  made.buffer = buffer;
  made.loop = loop;
  made.connect(of.destination);
  made.start(when);
  return made;
}

/** Asks the browser for sound; it agrees when somebody has touched the page, or the kiosk is set up so. */
export async function arm(): Promise<void> {
  if (!context) {
    context = new AudioContext({ latencyHint: "interactive" });
    context.onstatechange = heard;
  }
  // It neither agrees nor refuses until the page is touched: nobody may wait for it.
  void context.resume().then(heard, heard);
  heard();
}

function heard(): void {
  audible.value = context?.state === "running";
}

/** The browser lets a page sound after a touch: every touch and key asks again while it is silent. Once it is over: the
    button that was pressed would be another one under the same finger. */
export function armByTouch(): void {
  const ask = (): void => {
    if (!audible.peek()) void arm();
  };
  for (const touch of ["click", "keyup"]) addEventListener(touch, ask, { capture: true });
  document.addEventListener("visibilitychange", ask);
  ask();
}

/** What is to be heard from now on. Called a few times a second; says again and again that this page is alive. */
export function sound(pattern: Pattern | null, monotonic: number): void {
  if (!context || !audible.peek()) return;
  if (playing?.pattern !== pattern) {
    playing?.source.stop();
    playing = pattern && { pattern, source: source(context, pattern, true) };
  }
  if (guard && monotonic - guard.at < GUARD_EVERY_MS) return;
  guard?.source.stop();
  guard = { source: source(context, "lost", true, context.currentTime + HUNG_S), at: monotonic };
}

/** Nobody is signed in: nothing is to be heard, and a page that hangs is nobody's. */
export function silence(): void {
  playing?.source.stop();
  guard?.source.stop();
  playing = guard = null;
}

/** The high alarm once: what has to be heard in the corridor. */
export function test(): void {
  if (!context || !audible.peek()) return;
  source(context, "high", false);
  tested.value = Date.now();
}

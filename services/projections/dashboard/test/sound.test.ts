/* The sounds as they reach the loudspeaker, against what the standard asks of each priority (clinical reference, A5.1). */
import { expect, test } from "vitest";
import { heardWith } from "../src/alarms";
import { BURSTS, type Pattern, samples } from "../src/sound";

const RATE = 16_000;

/** When each pulse begins and ends, s: found in the wave itself. */
function pulses(pattern: Pattern): { from: number; to: number }[] {
  const wave = samples(BURSTS[pattern]);
  const quiet = Math.round(0.03 * RATE);
  const found: { from: number; to: number }[] = [];
  let last = -Infinity;
  wave.forEach((value, i) => {
    if (Math.abs(value) < 0.01) return;
    if (i - last > quiet) found.push({ from: i / RATE, to: i / RATE });
    const pulse = found[found.length - 1];
    if (pulse) pulse.to = i / RATE;
    last = i;
  });
  return found;
}

const silence = (pattern: Pattern): number => BURSTS[pattern].every - (pulses(pattern).at(-1)?.to ?? 0);

test.each<[Pattern, number, number, number, number, number]>([
  ["high", 10, 0.075, 0.2, 2.5, 15],
  ["medium", 3, 0.125, 0.25, 2.5, 30],
  ["low", 2, 0.125, 0.25, 15, Infinity],
])("a %s alarm has %i pulses of %f to %f s, and again after %f to %f s", (pattern, count, shortest, longest, soonest, latest) => {
  const found = pulses(pattern);
  expect(found).toHaveLength(count);
  for (const { from, to } of found) {
    expect(to - from).toBeGreaterThan(shortest - 0.03); // a pulse swells and fades
    expect(to - from).toBeLessThan(longest);
  }
  expect(silence(pattern)).toBeGreaterThan(soonest);
  expect(silence(pattern)).toBeLessThan(latest);
});

test("a high alarm's ten pulses are five and five, the fourth of each after a longer pause", () => {
  const starts = pulses("high").map(({ from }) => from);
  const steps = starts.slice(1).map((start, i) => Math.round((start - starts[i]!) * 100) / 100);
  expect(steps).toEqual([0.25, 0.25, 0.5, 0.25, 0.75, 0.25, 0.25, 0.5, 0.25]);
});

test("a lost feed sounds like no alarm: two tones, the second lower", () => {
  const found = pulses("lost");
  expect(found).toHaveLength(2);
  const wave = samples(BURSTS.lost);
  const crossings = ({ from, to }: { from: number; to: number }): number => {
    let count = 0;
    for (let i = Math.ceil(from * RATE); i < to * RATE - 1; i += 1) if (wave[i]! < 0 !== wave[i + 1]! < 0) count += 1;
    return count / (to - from);
  };
  expect(crossings(found[1]!)).toBeLessThan(crossings(found[0]!));
});

test("a call for the nurse rises, is softer than any alarm, and stands beside a low one without a pulse of both at once", () => {
  const loudest = (pattern: Pattern): number => samples(BURSTS[pattern]).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  for (const alarm of ["high", "medium", "low", "lost"] as const) expect(loudest("call")).toBeLessThan(loudest(alarm) * 0.6);
  const [first, second] = BURSTS.call.pulses;
  expect(second!.pitch).toBeGreaterThan(first!.pitch);
  expect(pulses("call")).toHaveLength(1); // one sound that swells over, no train of pulses
  expect(pulses("low and call").slice(0, 2)).toEqual(pulses("low"));
  expect(pulses("low and call")).toHaveLength(4);
});

test.each([
  [true, "high", "high"],
  [true, "medium", "medium"],
  [true, "low", "low and call"],
  [true, null, "call"],
  [false, "low", "low"],
  [false, null, null],
] as const)("with a call %s and a %s alarm, %s is heard", (call, worst, wanted) => {
  expect(heardWith(call, worst)).toBe(wanted);
});

test("nothing is clipped", () => {
  for (const pattern of Object.keys(BURSTS) as Pattern[]) {
    const most = samples(BURSTS[pattern]).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    expect(most).toBeGreaterThan(0.3);
    expect(most).toBeLessThanOrEqual(1);
  }
});

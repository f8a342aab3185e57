import { expect, test } from "vitest";
import { panned, zoomed } from "../src/gesture";

const MIN = 60_000;
const all = { from: 0, to: 480 * MIN };
const span = { from: 100 * MIN, to: 150 * MIN };

test("what is under the cursor stays there", () => {
  const at = 120 * MIN;
  const closer = zoomed(span, at, 0.5, all);
  expect(closer.to - closer.from).toBe(25 * MIN);
  expect((at - closer.from) / (closer.to - closer.from)).toBeCloseTo(0.4);
});

test("nobody looks closer than a minute or farther than there is", () => {
  const close = zoomed(span, 120 * MIN, 1e-6, all);
  expect(close.to - close.from).toBe(MIN);
  expect(zoomed(span, 120 * MIN, 1e6, all)).toEqual(all);
});

test("panning keeps the length and ends where there is nothing more", () => {
  expect(panned(span, 10 * MIN, all)).toEqual({ from: 110 * MIN, to: 160 * MIN });
  expect(panned(span, -1e9, all)).toEqual({ from: 0, to: 50 * MIN });
  expect(panned(span, 1e9, all)).toEqual({ from: 430 * MIN, to: 480 * MIN });
});

test("a session of seconds can be looked at too", () => {
  expect(zoomed({ from: 0, to: 30_000 }, 0, 2, { from: 0, to: 30_000 })).toEqual({ from: 0, to: MIN });
});

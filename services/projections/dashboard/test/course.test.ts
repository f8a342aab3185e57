import { describe, expect, test } from "vitest";
import { courseLine, dueOf, minutesSince, phaseOf } from "../src/course";
import { dosed, NOON, onBoard } from "./making";

const { expected } = onBoard();
const bp = (seconds: number) => ({ systolic: { value: 130, quality: "ok", channel: "", source: "monitor", device_id: "M1", entered_by: null, at: NOON + seconds * 1000 } }) as const;

test.each([
  [null, "Pre-dose"],
  [0, "Onset"],
  [5, "Peak"],
  [20, "Comedown"],
  [60, "Recovery"],
  [120, "Ready"],
  [500, "Ready"],
] as const)("%s minutes after the dose the phase is %s", (minutes, phase) => {
  expect(phaseOf(expected, minutes)).toBe(phase);
});

test("the clock starts again with a further dose", () => {
  expect(minutesSince(onBoard({ doses: [...dosed(3600), ...dosed(600)] }), NOON)).toBe(10);
});

describe("what is due", () => {
  test("before the dose: the pre-dose check", () => {
    expect(dueOf(onBoard(), NOON)).toMatchObject({ what: "Pre-dose check", words: "not done", late: false });
  });
  test("the next check counts down", () => {
    expect(dueOf(onBoard({ doses: dosed(17 * 60), latest: bp(-60) }), NOON)).toMatchObject({ what: "20 min check", seconds: 180, late: false });
  });
  test("a check without a blood pressure is late after two minutes", () => {
    expect(dueOf(onBoard({ doses: dosed(66 * 60), latest: bp(-26 * 60) }), NOON)).toMatchObject({ what: "60 min check", seconds: -360, late: true });
    expect(dueOf(onBoard({ doses: dosed(61 * 60), latest: bp(-26 * 60) }), NOON)).toMatchObject({ what: "60 min check", late: false });
  });
  test("after the last check: the minimum stay", () => {
    expect(dueOf(onBoard({ doses: dosed(130 * 60), latest: bp(-60) }), NOON)).toMatchObject({ what: "Minimum stay", words: "over" });
  });
});

test("the course line has light for what is past and shows where now is", () => {
  const session = onBoard({ doses: dosed(17 * 60), latest: bp(-60) });
  const line = courseLine(session, 17, dueOf(session, NOON));
  expect(line.now).toBeCloseTo((37 / 160) * 100, 1);
  expect(line.pieces.map((p) => p.kind)).toEqual(["done", "done", "done", "here", "todo", "todo", "todo"]);
  expect(line.ticks.map((t) => t.kind).slice(0, 5)).toEqual(["done", "done", "done", "next", ""]);
});

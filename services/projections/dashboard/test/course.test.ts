import { describe, expect, test } from "vitest";
import { courseLine, dueOf, minutesSince, phaseOf } from "../src/course";
import type { Checked } from "../src/model";
import { inZone } from "../src/words";
import { at, dosed, NOON, onBoard } from "./making";

inZone("UTC");

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
  test("a pre-dose check says what it found, not that it is done: it may hold the dose", () => {
    const checked = { at: at(-60), systolic: 168, diastolic: 84 } as Checked;
    expect(dueOf(onBoard({ pre_dose: checked }), NOON).words).toBe("168/84, 11:59");
  });
  test("the next check counts down", () => {
    expect(dueOf(onBoard({ doses: dosed(17 * 60), latest: bp(-60) }), NOON)).toMatchObject({ what: "20 min check", seconds: 180, late: false });
  });
  test("a check without a blood pressure is late after two minutes", () => {
    expect(dueOf(onBoard({ doses: dosed(66 * 60), latest: bp(-20 * 60) }), NOON)).toMatchObject({ what: "60 min check", seconds: -360, missing: ["bp"], late: true });
    expect(dueOf(onBoard({ doses: dosed(61 * 60), latest: bp(-15 * 60) }), NOON)).toMatchObject({ what: "60 min check", missing: ["bp"], late: false });
  });
  test("it is the first one not done, as the watch says", () => {
    expect(dueOf(onBoard({ doses: dosed(66 * 60), latest: bp(-26 * 60) }), NOON)).toMatchObject({ what: "45 min check", seconds: -21 * 60, late: true });
  });
  test("after the last check: the minimum stay", () => {
    expect(dueOf(onBoard({ doses: dosed(130 * 60), latest: bp(-60) }), NOON)).toMatchObject({ what: "Minimum stay", words: "over" });
  });
});

/** Intramuscular; `minute` after the dose, and when what was seen. */
const patient = (minute: number, pressure: number, moaas: number[], dissociation: number[] = []) =>
  onBoard({
    doses: dosed(minute * 60),
    expected: { ...expected, moaas_min: [5, 10, 15, 20, 30, 45, 60], dissociation_min: [20, 60] },
    latest: bp((pressure - minute) * 60),
    moaas_at: moaas.map((m) => at((m - minute) * 60)),
    dissociation_at: dissociation.map((m) => at((m - minute) * 60)),
  });
const kinds = (session: ReturnType<typeof patient>, minute: number): string[] => courseLine(session, minute).ticks.map(({ kind }) => kind);

describe("a check that wants more than a pressure", () => {
  test("stays due until it was observed, and says what is missing", () => {
    expect(dueOf(patient(18, 18, [5, 10]), NOON)).toMatchObject({ what: "15 min check", missing: ["moaas"], seconds: -180, late: true });
    expect(dueOf(patient(18, 18, [5, 10, 17.5]), NOON)).toMatchObject({ what: "20 min check", missing: [], seconds: 120, late: false });
  });
  test("an observation two minutes before it counts, an earlier one does not", () => {
    expect(dueOf(patient(16, 16, [5, 10, 13]), NOON).what).toBe("20 min check");
    expect(dueOf(patient(16, 16, [5, 10, 12.9]), NOON).what).toBe("15 min check");
  });
  test("an observation withdrawn makes it due again", () => {
    expect(dueOf(patient(16, 16, [5, 10, 15]), NOON).what).toBe("20 min check");
    expect(dueOf(patient(16, 16, [5, 10]), NOON).what).toBe("15 min check");
  });
  test("after its minutes nothing but a pressure is asked for", () => {
    expect(dueOf(patient(91, 91, [60], [60]), NOON).what).toBe("120 min check");
  });
  test("dissociation is asked for until the next check, and along with it", () => {
    expect(dueOf(patient(24, 24, [20]), NOON)).toMatchObject({ what: "20 min check", missing: ["dissociation"], late: true });
    expect(dueOf(patient(31, 31, [20]), NOON)).toMatchObject({ what: "30 min check", missing: ["moaas", "dissociation"] });
    expect(dueOf(patient(31, 31, [30]), NOON)).toMatchObject({ what: "45 min check", missing: [] });
  });
  test("passed over it is seen as missed, also when the next one is done", () => {
    expect(kinds(patient(22, 22, [5, 20], [21]), 22).slice(0, 6)).toEqual(["done", "missed", "missed", "done", "next", ""]);
    expect(kinds(patient(23, 23, [5, 10, 15]), 23).slice(0, 6)).toEqual(["done", "done", "done", "over", "next", ""]);
    expect(kinds(patient(21, 21, [5, 10, 15], [20]), 21).slice(0, 6)).toEqual(["done", "done", "done", "next", "next", ""]);
    expect(kinds(patient(17, 17, [5, 11, 16.5]), 17).slice(0, 4)).toEqual(["done", "done", "done", "next"]);
  });
  test("a check may want an observation alone", () => {
    const lozenge = patient(41, 31, [15, 30]);
    const only = { ...lozenge, expected: { ...expected, checks_min: [15, 30, 45], moaas_min: [15, 30, 45], dissociation_min: [40] } };
    expect(dueOf(only, NOON)).toMatchObject({ what: "40 min check", missing: ["dissociation"] });
    expect(kinds(only, 41)).toEqual(["done", "done", "next", "next"]);
  });
});

test("the course line has light for what is past and shows where now is", () => {
  const session = onBoard({ doses: dosed(17 * 60), latest: bp(-60) });
  const line = courseLine(session, 17);
  expect(line.now).toBeCloseTo((37 / 160) * 100, 1);
  expect(line.pieces.map((p) => p.kind)).toEqual(["done", "done", "done", "here", "todo", "todo", "todo"]);
  expect(line.ticks.map((t) => t.kind).slice(0, 5)).toEqual(["done", "done", "done", "next", ""]);
});

/* How an alarm stands, and what of it is heard. */
import { describe, expect, test } from "vitest";
import { alarmOn, byUrgency, heard, standing, told } from "../src/alarms";
import { alarm, at, NOON } from "./making";

const paused = (seconds: number) => alarm({ state: "paused", paused_until: at(seconds) });

describe("an alarm", () => {
  test("that is paused is active again when its pause is over, without a word from the server", () => {
    expect(standing(paused(120), NOON + 119_999)).toBe("paused");
    expect(standing(paused(120), NOON + 120_000)).toBe("active");
  });

  test("that was found late is late, until somebody acknowledges it", () => {
    expect(standing(alarm({ late: true }), NOON)).toBe("late");
    expect(standing(alarm({ late: true, state: "acknowledged" }), NOON)).toBe("acknowledged");
  });

  test("says whom the protocol told", () => {
    expect(told(alarm({ escalated: true, escalated_to: "charge-nurse" }))).toBe("charge nurse");
    expect(told(alarm())).toBe("");
  });
});

describe("what is heard", () => {
  test("is the worst that is unanswered, and one at a time", () => {
    expect(heard([alarm({ priority: "low" }), alarm({ priority: "high" }), alarm({ priority: "medium" })], NOON)).toBe("high");
    expect(heard([], NOON)).toBeNull();
  });

  test("is nothing of what is acknowledged, paused or late", () => {
    expect(heard([alarm({ state: "acknowledged" }), paused(60), alarm({ late: true })], NOON)).toBeNull();
  });

  test("is the other alarm while one is paused, and both again afterwards", () => {
    const alarms = [paused(60), alarm({ priority: "medium" })];
    expect(heard(alarms, NOON)).toBe("medium");
    expect(heard(alarms, NOON + 60_000)).toBe("high");
  });

  test("is a quiet reminder of one that is over and that nobody has answered", () => {
    expect(heard([alarm({ state: "latched" })], NOON)).toBe("low");
  });
});

test("the order is: unanswered by priority, then what was found late, then what is acknowledged", () => {
  const [late, acked, low, high] = [alarm({ late: true }), alarm({ state: "acknowledged" }), alarm({ priority: "low" }), alarm({ priority: "high" })];
  expect([late, acked, low, high].sort(byUrgency)).toEqual([high, low, late, acked]);
});

test("a value that is well again does not bear the colour of its latched alarm", () => {
  expect(alarmOn([alarm()], "spo2")).toBe("high");
  expect(alarmOn([alarm({ state: "latched", cleared_at: at(60) })], "spo2")).toBeNull();
});

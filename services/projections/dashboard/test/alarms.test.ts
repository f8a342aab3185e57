/* How an alarm stands, and what of it is heard. */
import { describe, expect, test } from "vitest";
import { alarmOn, byPriority, byRoom, bySeverity, byUrgency, heard, mostUrgentFirst, saysLess, silenced, standing, told, worstFirst, worstOf } from "../src/alarms";
import { alarm, at, dosed, NOON, onBoard } from "./making";

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

test("what holds is answered before what is over", () => {
  const over = alarm({ state: "latched", priority: "high", cleared_at: new Date(NOON).toISOString() });
  const holds = alarm({ priority: "medium" });
  expect([over, holds].sort(byUrgency)).toEqual([holds, over]);
});

test("a card tells how the patient is: the worst that holds leads, also when it was acknowledged", () => {
  const acked = alarm({ state: "acknowledged", priority: "high" });
  const low = alarm({ priority: "low" });
  const over = alarm({ state: "latched", priority: "high", cleared_at: new Date(NOON).toISOString() });
  expect([over, low, acked].sort(bySeverity)).toEqual([acked, low, over]);
});

test("the order is: unanswered by priority, then what was found late, then what is acknowledged", () => {
  const [late, acked, low, high] = [alarm({ late: true }), alarm({ state: "acknowledged" }), alarm({ priority: "low" }), alarm({ priority: "high" })];
  expect([late, acked, low, high].sort(byUrgency)).toEqual([high, low, late, acked]);
});

describe("many alarms in a bar", () => {
  const over = { state: "latched", cleared_at: at(1) } as const;
  const [one, five] = [onBoard({ session_id: "one", room: "1" }), onBoard({ session_id: "five", room: "5" })];
  const open = [
    { session: five, alarm: alarm({ alarm_id: "5 medium", priority: "medium" }) },
    { session: five, alarm: alarm({ alarm_id: "5 low", priority: "low" }) },
    { session: one, alarm: alarm({ alarm_id: "1 high", ...over }) },
    { session: five, alarm: alarm({ alarm_id: "5 over", priority: "low", ...over }) },
  ];
  const said = (rooms: ReturnType<typeof byRoom>) => rooms.map(({ session, alarms }) => [session.room, ...alarms.map((a) => a.alarm_id)].join(", "));

  test("are a room each, on the board what holds first", () => {
    expect(said(byRoom(open))).toEqual(["5, 5 medium, 5 low, 5 over", "1, 1 high"]);
  });

  test("are a room each, elsewhere the room with the worst first, also when that is over", () => {
    expect(said(worstFirst(byRoom(open)))).toEqual(["1, 1 high", "5, 5 medium, 5 low, 5 over"]);
  });

  test("hide no sign worse than those they show", () => {
    const [holds, high, acked] = [alarm({ priority: "medium" }), alarm({ ...over }), alarm({ state: "acknowledged" })];
    expect(worstOf([acked, holds, high])).toBe(high);
    expect(worstOf([])).toBeUndefined();
    expect(saysLess(holds, high)).toBe(true);
    expect(saysLess(high, holds)).toBe(false);
    expect(saysLess(acked, holds)).toBe(true); // one that somebody answered does not speak for one that nobody did
  });
});

test("a list to be read has first what nobody acknowledged, by priority, then what holds before what is over", () => {
  const over = { state: "latched", cleared_at: at(1) } as const;
  const [acked, low, medium, overHigh, high] = [alarm({ state: "acknowledged" }), alarm({ priority: "low" }), alarm({ priority: "medium" }), alarm({ ...over }), alarm()];
  expect([acked, low, medium, overHigh, high].sort(byPriority)).toEqual([high, overHigh, medium, low, acked]);
});

test("whose alarm is paused is said, for all others sound", () => {
  const of = (room: string, seconds: number) => ({ session: { room }, alarm: paused(seconds) });
  expect(silenced([of("7", 118), { session: { room: "1" }, alarm: alarm() }], NOON)).toEqual({ seconds: 118, words: "Rm 7 paused" });
  expect(silenced([of("7", 118), of("7", 20), of("5", 60)], NOON)).toEqual({ seconds: 20, words: "Rm 5, 7 paused" });
  expect(silenced([of("7", 118), of("5", 60), of("2", 60)], NOON)?.words).toBe("3 rooms paused");
  expect(silenced([of("7", 118)], NOON + 118_000)).toBeNull();
});

test("a value that is well again does not bear the colour of its latched alarm", () => {
  expect(alarmOn([alarm()], "spo2")).toBe("high");
  expect(alarmOn([alarm({ state: "latched", cleared_at: at(60) })], "spo2")).toBeNull();
});

test("the board's order is: alarms, then checks by when they are due, then the others where they were", () => {
  const quiet = onBoard({ session_id: "quiet" });
  const other = onBoard({ session_id: "other" });
  const later = onBoard({ session_id: "later", doses: dosed(2 * 60) }); // the first check in three minutes
  const sooner = onBoard({ session_id: "sooner", doses: dosed(16 * 60) }); // the first check is overdue
  const over = onBoard({ session_id: "over", state: "discharged", alarms: [alarm()] });
  const alarming = onBoard({ session_id: "alarming", alarms: [alarm({ priority: "low" })] });
  const names = (now: number) => mostUrgentFirst([quiet, over, later, sooner, alarming, other], now).map((s) => s.session_id);
  expect(names(NOON)).toEqual(["alarming", "sooner", "later", "quiet", "other", "over"]);
  expect(names(NOON + 700)).toEqual(names(NOON)); // time alone moves no card
});

import { describe, expect, test } from "vitest";
import type { Reading } from "../src/board";
import { ServerClock } from "../src/clock";
import { agesOfCheck, agesOfContinuous, behindOf, causeOf, FEED_LOST_MS, type Health, lastHeard, placeOf, stateOf } from "../src/freshness";
import type { Signal } from "../src/model";
import { valueView } from "../src/views";
import { alarm, at, dosed, NOON, onBoard } from "./making";

const LIVE: Health = { lostSince: null, behind: null };
const value = (seconds: number, over: Partial<Reading> = {}): Reading => ({
  value: 97,
  quality: "ok",
  channel: "",
  source: "monitor",
  device_id: "M1",
  entered_by: null,
  at: NOON + seconds * 1000,
  ...over,
});

/** A screen whose clock the test turns: what does room 1 show `seconds` after noon? */
const shows = (seconds: number, latest: Partial<Record<Signal, Reading>>, over = {}, health: Health = LIVE, kind: "spo2" | "bp" | "resp" = "spo2") => {
  const heard = { M1: Math.max(...Object.values(latest).map((r) => (r.device_id === "M1" ? r.at : 0))) };
  return valueView(onBoard({ latest, heard, ...over }), kind, NOON + seconds * 1000, health);
};

describe("a continuous signal", () => {
  test.each([
    [1, "fresh"],
    [3, "ageing"],
    [4.9, "ageing"],
    [5, "stale"],
    [14.9, "stale"],
    [15, "gone"],
  ] as const)("is, %d seconds after it was observed, %s", (seconds, state) => {
    expect(shows(seconds, { spo2: value(0) }).state).toBe(state);
  });

  test("is withdrawn at the session's own limit", () => {
    expect(stateOf(8, agesOfContinuous(8))).toBe("gone");
    expect(stateOf(4, agesOfContinuous(5))).toBe("ageing");
    expect(stateOf(5, agesOfContinuous(5))).toBe("gone");
  });

  test("withdrawn, shows dashes with its last value and time, and no alarm colour", () => {
    const view = shows(20, { spo2: value(0) }, { alarms: [alarm()] });
    expect(view).toMatchObject({ state: "gone", first: "---", last: "97", alarm: null, direction: null });
    expect(view.lastAt).toMatch(/^\d\d:\d\d:\d\d$/);
  });

  test("of a session that is over is no value of this moment: the monitor is another patient's by now", () => {
    const view = shows(1, { spo2: value(0) }, { state: "discharged", ended_at: at(0) });
    expect(view).toMatchObject({ state: "gone", cause: "session over", first: "---", last: "97", direction: null });
  });

  test("that was never measured shows no number", () => {
    expect(shows(0, {}).first).toBe("---");
  });
});

describe("a cuff pressure", () => {
  const expected = onBoard().expected; // checks at 5, 10, 15, 20, 30, 45, 60, 90, 120

  test("holds until the check that replaces it is five minutes late, and for ten minutes at least", () => {
    const ages = agesOfCheck(expected, 16); // taken at +16: the next check is at +20
    expect(stateOf(9 * 60, ages)).not.toBe("stale");
    expect(stateOf(10 * 60, ages)).toBe("stale");
  });

  test("of a long interval holds for it", () => {
    const ages = agesOfCheck(expected, 60); // next at +90
    expect(stateOf(30 * 60, ages)).toBe("fresh");
    expect(stateOf(35 * 60, ages)).toBe("stale");
    expect(stateOf(65 * 60, ages)).toBe("gone");
  });

  test("is withdrawn half an hour after it was measured, not before, when checks are close", () => {
    expect(stateOf(29 * 60, agesOfCheck(expected, 5))).toBe("stale");
    expect(stateOf(30 * 60, agesOfCheck(expected, 5))).toBe("gone");
  });

  test("shows both pressures only when they belong together", () => {
    const together = shows(60, { systolic: value(0, { value: 138 }), diastolic: value(0, { value: 86 }) }, {}, LIVE, "bp");
    expect(together).toMatchObject({ first: "138", second: "86" });
    const apart = shows(400, { systolic: value(300, { value: 138 }), diastolic: value(0, { value: 86 }) }, {}, LIVE, "bp");
    expect(apart).toMatchObject({ first: "138", second: "--" });
  });

  test("is told against the baseline once there is a dose", () => {
    const pre_dose = { at: "", systolic: 124, diastolic: 78, heart_rate: 70, spo2: 98 };
    const latest = { systolic: value(0, { value: 138 }), diastolic: value(0, { value: 76 }) };
    expect(shows(60, latest, { pre_dose }, LIVE, "bp").delta).toBeNull();
    expect(shows(60, latest, { pre_dose, doses: dosed(600) }, LIVE, "bp").delta).toBe("+14/−2");
  });
});

describe("an entry by hand of a continuous signal", () => {
  test("ages like a check, not like a signal", () => {
    const view = shows(300, { respiratory_rate: value(0, { source: "manual", device_id: null }) }, {}, LIVE, "resp");
    expect(view).toMatchObject({ state: "fresh", source: "hand", age: "5 min" });
  });
});

describe("why a value is withdrawn", () => {
  const cause = (latest: Partial<Record<Signal, Reading>>, seconds: number, over = {}, health = LIVE) => shows(seconds, latest, over, health).cause;

  test("sensor off: the monitor still sends other signals", () => {
    expect(cause({ spo2: value(0), respiratory_rate: value(19) }, 20)).toBe("sensor off");
  });
  test("link lost: nothing comes from the monitor", () => {
    expect(cause({ spo2: value(0), respiratory_rate: value(0) }, 20)).toBe("link lost");
  });
  test("detached: the monitor was taken off the session", () => {
    expect(cause({ spo2: value(0) }, 20, { devices: [] })).toBe("detached");
  });
  test("server behind: the server says so", () => {
    expect(cause({ spo2: value(0) }, 20, {}, { lostSince: null, behind: 6_000 })).toBe("server behind");
  });
  test("feed lost: at once, whatever the age", () => {
    const lost: Health = { lostSince: NOON + 1000, behind: null };
    expect(shows(4, { spo2: value(0) }, {}, lost)).toMatchObject({ state: "gone", first: "---", cause: "feed lost", last: "97" });
  });
  test("a cause from before the feed was lost stays", () => {
    const lost: Health = { lostSince: NOON + 60_000, behind: null };
    expect(cause({ spo2: value(0), respiratory_rate: value(59) }, 64, {}, lost)).toBe("sensor off");
  });
  test("not measured: nobody entered another", () => {
    const manual = value(-4000, { source: "manual", device_id: null });
    const session = onBoard();
    expect(causeOf("spo2", manual, session, agesOfCheck(session.expected, null), LIVE, NOON)).toBe("not measured");
  });
});

describe("a server that is behind", () => {
  const heardAt = (...seconds: number[]) => seconds.map((s, i) => onBoard({ session_id: `s${i}`, heard: { M1: NOON + s * 1000 } }));

  test("says so by its lag", () => {
    expect(behindOf([0, 1_999], [], NOON)).toBeNull();
    expect(behindOf([0, 2_001], [], NOON)).toBe(2_001);
  });
  test("does not know: that counts as behind", () => {
    expect(behindOf([null, 0], [], NOON)).toBe(Infinity);
  });
  test("is suspected when all monitors fell silent at once", () => {
    expect(behindOf([0, 0], heardAt(0, -1), NOON + 6_000)).toBe(6_000);
    expect(behindOf([0, 0], heardAt(0, -1), NOON + 4_000)).toBeNull();
  });
  test("is counted from the last value of any monitor", () => {
    expect(lastHeard(heardAt(3, 7, 5))).toBe(NOON + 7_000);
    expect(lastHeard([onBoard()])).toBeNull();
  });
  test("is not suspected when one of them went silent alone, or each in its own time", () => {
    expect(behindOf([0, 0], heardAt(0), NOON + 60_000)).toBeNull();
    expect(behindOf([0, 0], heardAt(0, 59), NOON + 60_000)).toBeNull();
    expect(behindOf([0, 0], heardAt(0, 30), NOON + 60_000)).toBeNull();
  });
});

describe("the clock", () => {
  test("follows the frame that came with the least delay", () => {
    const clock = new ServerClock(0, NOON + 9_000);
    clock.heard(NOON, 1_000); // took as long as it took
    clock.heard(NOON + 900, 2_000); // 100 ms slower: says less about the offset
    expect(clock.now(2_000)).toBe(NOON + 1_000);
  });

  test("forgets a measurement after a minute, so that a server set back is followed", () => {
    const clock = new ServerClock(0, NOON);
    clock.heard(NOON, 0);
    for (let s = 1; s <= 70; s += 1) clock.heard(NOON - 10_000 + s * 1000, s * 1000);
    expect(clock.now(70_000)).toBe(NOON + 60_000);
  });

  test("tells the skew of this machine above two seconds, once it knows the server's", () => {
    const clock = new ServerClock(0, NOON);
    expect(clock.skew(0, NOON + 60_000)).toBe(0);
    clock.heard(NOON, 0);
    expect(clock.skew(0, NOON + 1_900)).toBe(0);
    expect(clock.skew(0, NOON + 3_100)).toBe(3_100);
  });

  test("a lost feed is said within three seconds", () => {
    const TICK_MS = 250;
    expect(FEED_LOST_MS + TICK_MS).toBeLessThan(3_000);
  });
});

test("of a session's monitors its own stands first, then the live free one, the silent ones last", () => {
  const monitor = (session_id: string | null, secondsAgo: number) => placeOf({ session_id, last_seen: at(-secondsAgo) }, "s1", NOON);
  const places = [monitor("s1", 1), monitor(null, 1), monitor("s2", 1), monitor("s1", 60), monitor(null, 60)];
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(new Set(places).size).toBe(places.length);
});

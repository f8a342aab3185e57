import { describe, expect, test } from "vitest";
import { type Board, fold, highAfter, TREND_MS } from "../src/board";
import type { Frame } from "../src/model";
import { acknowledged, alarm, at, changes, cleared, escalated, heartbeat, NOON, raised, reading, session, snapshot } from "./making";

const after = (...frames: Frame[]): Board => {
  let board: Board | null = null;
  for (const frame of frames) board = fold(board, frame);
  if (!board) throw new Error("the board came to nothing");
  return board;
};
const s1 = (board: Board) => board.sessions["s1"]!;

describe("a snapshot", () => {
  test("is the whole board, and says when each device was last heard", () => {
    const latest = { value: 97, quality: "ok", channel: "", source: "monitor", device_id: "M1", entered_by: null, observed_at: at(-2) } as const;
    const board = after(snapshot({ sessions: [{ ...session(), latest: { spo2: latest }, trend: { spo2: [[NOON - 2000, 97]] } }] }));
    expect(s1(board).latest.spo2).toMatchObject({ value: 97, at: NOON - 2000 });
    expect(s1(board).heard).toEqual({ M1: NOON - 2000 });
  });

  test("replaces what was there", () => {
    const board = after(snapshot(), snapshot({ epoch: "e2", events: 3, vitals: 3, sessions: [{ ...session({ session_id: "s2" }), latest: {}, trend: {} }] }));
    expect(Object.keys(board.sessions)).toEqual(["s2"]);
  });
});

describe("a frame that does not continue the board asks for a new one", () => {
  test.each<[string, Frame[]]>([
    ["changes before any snapshot", [changes()]],
    ["another epoch", [snapshot(), changes({ epoch: "other" })]],
    ["facts before those we have", [snapshot(), heartbeat({ events: 9 })]],
    ["readings before those we have", [snapshot(), changes({ vitals: 99 })]],
    ["a resync", [snapshot(), { type: "resync", reason: "slow" }]],
  ])("%s", (_, frames) => {
    let board: Board | null = null;
    for (const frame of frames) board = fold(board, frame);
    expect(board).toBeNull();
  });
});

describe("readings", () => {
  test("become the latest values and the trend; the device counts as heard", () => {
    const board = after(snapshot(), changes({ readings: [reading(1, { spo2: 97, pulse_rate: 70 })] }));
    expect(s1(board).latest.spo2).toMatchObject({ value: 97, device_id: "M1", at: NOON + 1000 });
    expect(s1(board).trend.pulse_rate).toEqual([[NOON + 1000, 70]]);
    expect(s1(board).heard["M1"]).toBe(NOON + 1000);
  });

  test("by hand that were withdrawn leave what the server says stands, and the device stays heard", () => {
    const latest = { value: 121, quality: "ok", channel: "", source: "monitor", device_id: "M1", entered_by: null, observed_at: at(1) } as const;
    const stands = { session_id: "s1", reading_ids: ["r9"], latest: { systolic: latest }, trend: { systolic: [[NOON + 1000, 121] as [number, number]] } };
    const slip = reading(20, { systolic: 212, diastolic: 110 }, { device_id: null, source: "manual" });
    const board = after(snapshot(), changes({ readings: [reading(1, { systolic: 121 }), slip] }), changes({ corrected: [stands] }));
    expect(s1(board).latest).toEqual({ systolic: expect.objectContaining({ value: 121, at: NOON + 1000 }) });
    expect(s1(board).trend).toEqual({ systolic: [[NOON + 1000, 121]] });
    expect(s1(board).heard).toEqual({ M1: NOON + 1000 });
  });

  test("that are older than what is shown change no value", () => {
    const board = after(snapshot(), changes({ readings: [reading(10, { spo2: 97 }), reading(5, { spo2: 80 })] }));
    expect(s1(board).latest.spo2?.value).toBe(97);
  });

  test("add a point to the trend once in five seconds, for fifteen minutes", () => {
    const readings = Array.from({ length: 1200 }, (_, i) => reading(i, { spo2: 97 }));
    const trend = s1(after(snapshot(), changes({ readings }))).trend.spo2!;
    expect(trend.length).toBeLessThanOrEqual(180);
    expect(NOON + 1_199_000 - trend[0]![0]).toBeLessThanOrEqual(TREND_MS + 5_000);
  });

  test("of one session leave the others as they are, by identity", () => {
    const two = snapshot({ sessions: [{ ...session(), latest: {}, trend: {} }, { ...session({ session_id: "s2" }), latest: {}, trend: {} }] });
    const before = after(two);
    const next = fold(before, changes({ readings: [reading(1, { spo2: 97 })] }))!;
    expect(next.sessions["s2"]).toBe(before.sessions["s2"]);
    expect(next.sessions["s1"]).not.toBe(before.sessions["s1"]);
  });

  test("of a session that is not on the board are not put on it", () => {
    const board = after(snapshot(), changes({ readings: [reading(1, { spo2: 97 }, { session_id: "gone" })] }));
    expect(Object.keys(board.sessions)).toEqual(["s1"]);
  });
});

describe("alarms", () => {
  test("are raised, acknowledged, escalated and over", () => {
    let board = after(snapshot(), changes({ alarms: [raised({ priority: "medium" })] }));
    expect(s1(board).alarms).toMatchObject([{ alarm_id: "a1", state: "active", priority: "medium" }]);
    board = fold(board, changes({ alarms: [acknowledged] }))!;
    expect(s1(board).alarms).toMatchObject([{ state: "acknowledged", acknowledged_by: "staff:1" }]);
    board = fold(board, changes({ alarms: [escalated] }))!;
    expect(s1(board).alarms).toMatchObject([{ state: "active", priority: "high", escalated: true }]);
    board = fold(board, changes({ alarms: [cleared] }))!;
    expect(s1(board).alarms).toEqual([]);
    expect(board.over).toEqual({ room: "1", text: "SpO₂ 88 < 90", at: NOON + 60_000 });
  });

  test("raised twice are one", () => {
    const board = after(snapshot(), changes({ alarms: [raised(), raised()] }), changes({ alarms: [raised()] }));
    expect(s1(board).alarms).toHaveLength(1);
    expect(board.raised).toHaveLength(1);
  });

  test("raised and over within one frame are still announced", () => {
    const board = after(snapshot(), changes({ sessions: [session()], alarms: [raised(), cleared] }));
    expect(s1(board).alarms).toEqual([]);
    expect(board.raised).toMatchObject([{ room: "1", priority: "high" }]);
  });

  test("found late are not announced", () => {
    expect(after(snapshot(), changes({ alarms: [raised({ late: true })] })).raised).toEqual([]);
  });

  test("raised to a higher priority, or found in a new snapshot, are announced, each once", () => {
    let board = after(snapshot(), changes({ alarms: [raised({ priority: "medium" }), escalated] }));
    expect(board.raised.map(({ priority }) => priority)).toEqual(["medium", "high"]);
    const open = [alarm({ alarm_id: "a1" }), alarm({ alarm_id: "a2" }), alarm({ alarm_id: "a3", state: "acknowledged" })];
    board = fold(board, snapshot({ sessions: [{ ...session({ alarms: open }), latest: {}, trend: {} }] }))!;
    expect(board.raised.map(({ alarm_id }) => alarm_id)).toEqual(["a1", "a1", "a2"]);
  });

  test("say whom they were escalated to, and why they were paused", () => {
    const board = after(snapshot(), changes({ alarms: [raised(), { ...escalated, to: "charge-nurse" } as typeof escalated, { ...escalated, type: "AlarmPaused", until: at(90), cause: "patient-moving" } as typeof escalated] }));
    expect(s1(board).alarms).toMatchObject([{ escalated_to: "charge-nurse", state: "paused", paused_until: at(90), paused_for: "patient-moving" }]);
  });

  test("of the session as the server sends it win over what was worked out here", () => {
    const known = session({ alarms: [alarm({ state: "acknowledged", acknowledged_by_name: "Ruth Osei" })] });
    const board = after(snapshot(), changes({ alarms: [raised()], sessions: [known] }));
    expect(s1(board).alarms).toMatchObject([{ state: "acknowledged", acknowledged_by_name: "Ruth Osei" }]);
  });
});

describe("sessions", () => {
  test("that changed keep their values", () => {
    const board = after(snapshot(), changes({ readings: [reading(1, { spo2: 97 })] }), changes({ sessions: [session({ room: "7" })] }));
    expect(s1(board)).toMatchObject({ room: "7", latest: { spo2: { value: 97 } } });
  });

  test("leave the board half an hour after their end", () => {
    const ended = snapshot({ sessions: [{ ...session({ state: "discharged", ended_at: at(0) }), latest: {}, trend: {} }] });
    expect(Object.keys(after(ended, heartbeat({ server_time: at(1790) })).sessions)).toEqual(["s1"]);
    expect(Object.keys(after(ended, heartbeat({ server_time: at(1801) })).sessions)).toEqual([]);
  });
});

test("every high alarm that was raised since is spoken, also when two rooms' come at once", () => {
  const other = { ...session({ session_id: "s2", room: "2" }), latest: {}, trend: {} };
  const first = after(snapshot({ sessions: [{ ...session(), latest: {}, trend: {} }, other] }), changes({ alarms: [raised()] }));
  const both = fold(first, changes({ alarms: [raised({ alarm_id: "a2", session_id: "s2" }), raised({ alarm_id: "a3" }), raised({ alarm_id: "a4", priority: "low" })] }))!;
  const ids = (of: readonly { alarm_id: string }[]): string[] => of.map(({ alarm_id }) => alarm_id);
  expect(ids(highAfter(first.raised, undefined))).toEqual(["a1"]);
  expect(ids(highAfter(both.raised, first.raised[0]))).toEqual(["a2", "a3"]);
  expect(highAfter(both.raised, both.raised[3])).toEqual([]);
});

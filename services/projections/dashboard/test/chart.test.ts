import { describe, expect, test } from "vitest";
import { addReadings, alarmTags, gapAfter, gapsOf, joined, limitWords, nearest, place, rangeWithin, rows, scaleOf, tracksOf } from "../src/lanes";
import { alarmSpans, alarmsById, handEntry, observations, tell } from "../src/story";
import { bars, direction, sparkline } from "../src/trend";
import type { TimelineItem } from "../src/model";
import { asPrinted } from "../src/words";
import { at, NOON, onBoard, reading } from "./making";

const history = (t: number[]) => tracksOf({ from: at(0), to: at(99), resolution_s: 1, signals: { spo2: { t: t.map((s) => NOON + s * 1000), min: t.map(() => 95), mean: t.map(() => 96), max: t.map(() => 97), source: t.map(() => "monitor") } } });
const item = (type: string, seconds: number, data: Record<string, unknown>, over: Partial<TimelineItem> = {}): TimelineItem => ({ event_id: `${type}${seconds}`, position: seconds, type, at: at(seconds), recorded_at: at(seconds), by: "staff:1", by_name: "Ruth Osei", data, withdrawn: false, correction: null, ...over });

test("a gap breaks the line and is known for hatching", () => {
  const tracks = history([0, 1, 2, 30, 31]);
  expect(gapsOf(tracks.spo2!, gapAfter(1))).toEqual([[NOON + 2000, NOON + 30_000]]);
  expect(rows(tracks, ["spo2"], gapAfter(1))[1]).toEqual([96, 96, 96, null, 96, 96]);
});

test("what was entered by hand is no part of a line", () => {
  const tracks = history([0, 1]);
  addReadings(tracks, [reading(2, { spo2: 91 }, { source: "manual", device_id: null })]);
  expect(rows(tracks, ["spo2"], gapAfter(1))[1]).toEqual([96, 96]);
});

test("live readings follow the history without repeats, in order", () => {
  const live = {};
  addReadings(live, [reading(3, { spo2: 90 }), reading(1, { spo2: 91 }), reading(3, { spo2: 90 })]);
  expect(joined(history([0, 1, 2]), live).spo2?.map((s) => [(s.t - NOON) / 1000, s.value])).toEqual([[0, 96], [1, 96], [2, 96], [3, 90]]);
});

test("lanes fill the height and widen for a value beyond their range; a scale puts a lane exactly there", () => {
  const tracks = {};
  addReadings(tracks, [reading(0, { spo2: 71 })]);
  const lanes = place(tracks, new Set(), 34, 400, 8);
  expect(lanes.map((l) => l.kind)).toEqual(["spo2", "pulse", "bp", "resp"]);
  expect(lanes[0]!.low).toBe(70);
  const last = lanes[3]!;
  expect(last.top + last.height).toBeCloseTo(434);
  const [low, high] = scaleOf({ ...last, top: last.top - 34 }, 400);
  const y = (v: number) => 34 + 400 - ((v - low) / (high - low)) * 400;
  expect(y(last.high)).toBeCloseTo(last.top);
  expect(y(last.low)).toBeCloseTo(434);
});

test("a minute of the table tells the least and the greatest: a fall within it is not read over", () => {
  const track = [98, 88, 97].map((value, i) => ({ t: NOON + 10_000 * i, low: value, value, high: value, hand: false }));
  expect(rangeWithin(track, NOON, NOON + 60_000)).toEqual({ low: 88, high: 98 });
  expect(rangeWithin(track, NOON + 60_000, NOON + 120_000)).toBeNull();
});

test("the nearest sample is found, and none when it is too far", () => {
  const track = history([0, 10, 20]).spo2;
  expect(nearest(track, NOON + 12_000, 5_000)?.t).toBe(NOON + 10_000);
  expect(nearest(track, NOON + 90_000, 5_000)).toBeNull();
});

test("limits are said by the priority of their alarm, never in a word that could be the value's", () => {
  const { limits } = onBoard();
  expect(limitWords({ ...limits, heart_rate: [{ low: 50, high: 120, priority: "medium" }] }, "pulse")).toEqual([{ priority: "medium", words: "< 50, > 120" }]);
  const pressure = limitWords({ ...limits, systolic: [{ low: 90, high: 179, priority: "high" }, { low: null, high: 159, priority: "low" }] }, "bp");
  expect(pressure).toEqual([{ priority: "low", words: "> 159" }, { priority: "high", words: "< 90, > 179" }]);
  expect(limitWords({ ...limits, spo2: [{ low: 93, high: 100, priority: "medium" }] }, "spo2")).toEqual([{ priority: "medium", words: "< 93" }]);
  expect(limitWords(limits, "temp")).toEqual([]);
});

test("a sparkline is not drawn across a gap and ends where the signal ended", () => {
  const points = [0, 5, 10, 60, 65].map((s): [number, number] => [NOON + s * 1000, 97]);
  const live = sparkline(points, [90, 100], NOON + 70_000, false);
  expect(live.path.match(/M/g)).toHaveLength(2);
  expect(live.end).toBeNull();
  const gone = sparkline(points, [90, 100], NOON + 200_000, true);
  expect(gone.end).toBeLessThan(300);
  expect(gone.tip).toBe("");
});

test("pressures are bars where both were measured", () => {
  expect(bars([[NOON, 130], [NOON + 1, 140]], [[NOON, 80]], NOON + 1000)).toHaveLength(1);
});

test("a direction is against five minutes ago, and none without that", () => {
  const then = NOON - 5 * 60_000;
  expect(direction([[then, 97]], 88, NOON, 1.5)).toBe("down");
  expect(direction([[then, 97]], 97, NOON, 1.5)).toBe("flat");
  expect(direction([[NOON - 1000, 97]], 97, NOON, 1.5)).toBeNull();
});

test("alarms of the timeline become spans; a withdrawn entry gives no mark but its replacement does", () => {
  const spans = alarmSpans([item("AlarmRaised", 10, { alarm_id: "a", priority: "medium", text: "x", onset: at(0) }), item("AlarmEscalated", 20, { alarm_id: "a", priority: "high" }), item("AlarmCleared", 30, { alarm_id: "a" })]);
  expect(spans).toMatchObject([{ priority: "high", from: NOON, to: NOON + 30_000 }]);
  const wrong = item("ObservationRecorded", 40, { dissociation: 9 }, { withdrawn: true, correction: { at: at(60), by_name: null, reason: null, replacement: { dissociation: 6 } } });
  expect(observations([wrong], "dissociation")).toEqual([{ at: NOON + 40_000, value: 6 }]);
});

test("an event of a type that this page does not know is still told", () => {
  expect(tell(item("SomethingNew", 0, {})).text).toBe("something new");
});

describe("alarm marks", () => {
  const stretch = (from: number, to: number, priority: "high" | "medium" | "low" = "medium") => ({ from, to, priority });

  test("stand at their place while there is room", () => {
    expect(alarmTags([stretch(100, 140), stretch(300, 301)], 40, 900).map(({ tag, count }) => [tag.from, count])).toEqual([[100, 1], [300, 1]]);
  });
  test("become one with their number where they would cover each other, each part at its own time, the worst on top", () => {
    const [one, ...more] = alarmTags([stretch(100, 104), stretch(118, 120, "high"), stretch(130, 400, "low")], 40, 900);
    expect(more).toEqual([]);
    expect(one).toMatchObject({ count: 3, priority: "high", tag: { from: 118 } });
    expect(one!.parts.map(({ from, to, priority }) => [from, to, priority])).toEqual([[130, 400, "low"], [100, 104, "medium"], [118, 120, "high"]]);
  });
  test("never reach past now, and never cover each other there", () => {
    const crowd = Array.from({ length: 12 }, (_, i) => stretch(560 + 4 * i, 570 + 4 * i, i === 7 ? "high" : "medium"));
    const tags = alarmTags([stretch(200, 220), ...crowd], 40, 620);
    expect(tags.map(({ count }) => count)).toEqual([1, 12]);
    const ends = tags.flatMap(({ tag, parts }) => [tag.to, ...parts.map(({ to }) => to)]);
    expect(Math.max(...ends)).toBeLessThanOrEqual(620);
    expect(tags[1]!.tag.from).toBeGreaterThan(tags[0]!.tag.to);
  });
});

describe("words", () => {
  test("an alarm's SpO2 is printed with its subscript, wherever the timeline names it", () => {
    const raised = item("AlarmRaised", 0, { alarm_id: "a", priority: "high", text: "SpO2 88 < 90", onset: at(0) });
    expect(tell(raised).text).toBe("SpO₂ 88 < 90");
    expect(tell(item("AlarmCleared", 9, { alarm_id: "a" }), alarmsById([raised])).text).toBe("SpO₂ 88 < 90: over");
    expect(asPrinted("SpO2 89, baseline 98: -9, KAP-7")).toBe("SpO₂ 89, baseline 98: −9, KAP-7");
    expect(asPrinted("No data for 15 s")).toBe("No data for 15 s");
  });
  test("a reading by hand is told with its values, the pressure as one, and who typed it", () => {
    const typed = reading(5, { spo2: 97, systolic: 142, diastolic: 88 }, { source: "manual", device_id: null, entered_by: "staff:1" });
    const me = { staff_id: "1", username: "r", name: "Ruth Osei", role: "nurse", expires: null, may: { intake: [], session: [], integration: [] }, timezone: "UTC" } as const;
    const entry = handEntry(typed, me);
    expect(tell(entry).text).toBe("By hand: BP 142/88, SpO₂ 97");
    expect(entry).toMatchObject({ event_id: "r5", at: at(5), by_name: "Ruth Osei" });
    expect(handEntry(typed, { ...me, staff_id: "2" }).by_name).toBeNull();
    expect(tell(item("VitalRecorded", 5, { signals: { temperature: 36.8, systolic: 128 } })).text).toBe("By hand: systolic 128, temp 36.8");
  });
});

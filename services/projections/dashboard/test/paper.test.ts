import { describe, expect, test } from "vitest";
import { gateTold } from "../src/gate-told";
import { addReadings, type Tracks } from "../src/lanes";
import type { Session, TimelineItem } from "../src/model";
import { alarmsTold, entries, standing } from "../src/record";
import { remsOf } from "../src/rems";
import { pressures, silences, toldOf } from "../src/vitals-told";
import { clockTime, day, inZone, midnight, momentOf, yearOf, zoneWords } from "../src/words";
import { at, NOON, reading, session } from "./making";

const MIN = 60;
type Data = Record<string, unknown>;
const item = (type: string, minutes: number, data: Data, over: Partial<TimelineItem> = {}): TimelineItem => ({
  event_id: `${type}${minutes}`,
  position: 1000 + minutes,
  type,
  at: at(minutes * MIN),
  recorded_at: at(minutes * MIN),
  by: "staff:1",
  by_name: "Ruth Osei",
  data,
  withdrawn: false,
  correction: null,
  earlier: [],
  ...over,
});
const rules = {
  gates: { systolic_to: 140, diastolic_to: 90, spo2_from: 93 },
  dose: { second_check: false },
  discharge: { vitals_valid_min: 15 },
};
const opened = item("SessionOpened", -20, { rules });
const checked = (over: Data = {}): TimelineItem => item("PreDoseChecked", -4, { systolic: 124, diastolic: 78, heart_rate: 70, spo2: 98, ...over });
const given = (minutes: number, milligrams = 84, over: Partial<TimelineItem> = {}): TimelineItem =>
  item("Dosed", minutes, { dose: { drug: "esketamine", route: "spravato", milligrams, lot: "L-7" }, additional: false }, over);
const observed = (minutes: number, moaas: number | null, dissociation: number | null): TimelineItem => item("ObservationRecorded", minutes, { moaas, dissociation, nausea: null, pain: null, symptoms: [] });
const discharged = (over: Data = {}): TimelineItem =>
  item("Discharged", 125, {
    instructions_given: true, escort: "The sister.", oriented: true, steady_gait: true, nausea_tolerable: null, ride_present: true, suicidal_ideation_new: false,
    aldrete: { activity: 2, respiration: 2, circulation: 2, consciousness: 2, spo2: 1 }, not_met: [], ...over,
  }); // prettier-ignore
const cuffs = (...measured: [number, number, number][]): Tracks => {
  const tracks: Tracks = {};
  addReadings(tracks, measured.map(([minutes, systolic, diastolic]) => reading(minutes * MIN, { systolic, diastolic })));
  return tracks;
};
const usual = [opened, checked(), given(0), observed(20, 4, 6), observed(40, 5, 2), observed(120, 5, 0), discharged()];

describe("an entry that was corrected", () => {
  const fix = (minutes: number, replacement: Data | null) => ({ at: at(minutes * MIN), by_name: "Ida Brandt", reason: "Ten-fold slip.", replacement });
  const right = { at: at(0), by_name: "Ida Brandt", dose: { milligrams: 56 } };

  test("stays, struck through, before what stands in its place", () => {
    const wrong = given(0, 560, { withdrawn: true, correction: fix(3, right) });
    const [first, second, ...more] = entries([wrong], "Dosed");
    expect(more).toEqual([]);
    expect(first).toMatchObject({ by: "Ruth Osei", data: { dose: { milligrams: 560 } }, struck: { at: NOON + 3 * 60_000, by: "Ida Brandt", reason: "Ten-fold slip.", replaced: true } });
    expect(second).toMatchObject({ by: "Ida Brandt", data: { dose: { milligrams: 56 } }, struck: null });
    expect(standing([wrong], "Dosed")).toHaveLength(1);
  });
  test("more than once shows every step", () => {
    const half = { at: at(0), by_name: "Ruth Osei", dose: { milligrams: 28 } };
    const wrong = given(0, 560, { withdrawn: true, earlier: [fix(3, half)], correction: fix(5, right) });
    expect(entries([wrong], "Dosed").map(({ data, struck }) => [data.dose.milligrams, struck !== null])).toEqual([[560, true], [28, true], [56, false]]);
  });
  test("and withdrawn leaves nothing standing", () => {
    const wrong = given(0, 560, { withdrawn: true, correction: fix(3, null) });
    expect(entries([wrong], "Dosed")).toMatchObject([{ struck: { replaced: false } }]);
    expect(standing([wrong], "Dosed")).toEqual([]);
  });
});

test("an alarm is told with all that was done about it", () => {
  const service = { by: "service:session-monitor", by_name: null };
  const raised = item("AlarmRaised", 10, { alarm_id: "a", priority: "medium", text: "SpO2 91 < 93", kind: "physiological", onset: at(9.5 * MIN), late: false }, service);
  const story = [raised, item("AlarmPaused", 11, { alarm_id: "a", until: at(13 * MIN) }), item("AlarmEscalated", 15, { alarm_id: "a", priority: "high", to: "charge-nurse" }, service), item("AlarmAcknowledged", 16, { alarm_id: "a" }), item("AlarmCleared", 18, { alarm_id: "a" }, service)];
  expect(alarmsTold(story)).toMatchObject([
    {
      text: "SpO₂ 91 < 93", priority: "high", raised: NOON + 10 * 60_000, onset: NOON + 9.5 * 60_000,
      acknowledged: [{ at: NOON + 16 * 60_000, by: "Ruth Osei" }], paused: [{ until: NOON + 13 * 60_000 }], escalated: [{ to: "charge-nurse" }], cleared: NOON + 18 * 60_000,
    },
  ]); // prettier-ignore
});

describe("vitals in figures", () => {
  const tracks: Tracks = {};
  addReadings(tracks, [-5, 1, 2, 3, 10, 11].map((minutes, i) => reading(minutes * MIN, { spo2: [90, 97, 91, 96, 95, 94][i] ?? 0 })));
  test("extremes count from the dose on, the last up to the end", () => {
    const told = toldOf(tracks, "spo2", NOON, NOON + 10 * 60_000);
    expect(told).toMatchObject({ lowest: { value: 91, at: NOON + 120_000 }, highest: { value: 97 }, last: { value: 95, at: NOON + 600_000 } });
    expect(toldOf(tracks, "etco2", NOON, NOON)).toMatchObject({ lowest: null, highest: null, last: null });
  });
  test("silence is told, also the one at the end", () => {
    expect(silences(tracks.spo2, 1, NOON + 20 * 60_000).map(([a, b]) => [(a - NOON) / 60_000, (b - NOON) / 60_000])).toEqual([[-5, 1], [3, 10], [11, 20]]);
  });
  test("a pressure is both of one measurement", () => {
    const half = cuffs([5, 130, 80]);
    addReadings(half, [reading(9 * MIN, { systolic: 150 })]);
    expect(pressures(half)).toEqual([{ systolic: 130, diastolic: 80, at: NOON + 5 * 60_000 }]);
  });
});

describe("the discharge gate", () => {
  test("tells each point with what is on record, and what is not", () => {
    const points = gateTold(session() as Session, usual, cuffs([120, 128, 82]));
    const of = Object.fromEntries(points.map((point) => [point.point, point]));
    expect(points.every(({ met }) => met)).toBe(true);
    expect(of["stay"]?.said).toBe("125 min since the last dose, 120 needed");
    expect(of["aldrete"]?.said).toMatch(/^9 of 10 \(activity 2, .*SpO₂ 1\)$/);
    expect(of["nausea"]?.said).toBeNull();
    expect(of["blood_pressure"]?.said).toMatch(/^128\/82 mmHg/);
    expect(of["spo2"]?.said).toBeNull();
    expect(of["alarms"]?.said).toBe("0 open at discharge");
  });
  test("a point that was not met names who overrode it and why; a score that lacks a part has no total", () => {
    const override = item("GateOverridden", 124, { gate: "discharge.aldrete", reason: "Walks well." }, { by_name: "Ida Brandt" });
    const story = [...usual.slice(0, -1), override, discharged({ not_met: ["aldrete"], aldrete: { activity: 2, respiration: null, circulation: 2, consciousness: 2, spo2: 2 } })];
    const aldrete = gateTold(session() as Session, story, {}).find(({ point }) => point === "aldrete");
    expect(aldrete).toMatchObject({ met: false, override: { by: "Ida Brandt", reason: "Walks well." } });
    expect(aldrete?.said).toMatch(/^no total: activity 2, respiration not judged/);
  });
  test("that was never applied says so", () => {
    const without = gateTold(session() as Session, [item("SessionOpened", -20, { rules: null }), given(0), discharged()], {});
    expect(new Set(without.map(({ met }) => met))).toEqual(new Set([null]));
    expect(gateTold(session() as Session, [opened, given(0)], {})).toEqual([]);
  });
});

describe("the REMS form", () => {
  test("is filled from the session's own events", () => {
    const form = remsOf(usual, cuffs([38, 146, 88], [43, 150, 90], [60, 132, 80], [121, 128, 82]));
    expect(form).toMatchObject({
      milligrams: [84], lots: ["L-7"], dosedAt: NOON, minutes: 125,
      acceptableBefore: { yes: true }, acceptableAfter: { yes: true },
      before: { systolic: 124, diastolic: 78 }, at40: { systolic: 146, at: NOON + 38 * 60_000 }, completion: { systolic: 128 },
      sedation: { yes: true, worst: { value: 4 }, last: { value: 5 }, checks: 3 }, dissociation: { yes: true, worst: { value: 6 }, last: { value: 0 } },
      adverse: [], serious: { yes: null },
    }); // prettier-ignore
  });
  test("leaves empty what nobody recorded, and guesses nothing", () => {
    expect(remsOf([opened], {})).toMatchObject({
      milligrams: [], lots: [], dosedAt: null, minutes: null, acceptableBefore: { yes: null }, acceptableAfter: { yes: null },
      before: null, at40: null, completion: null, sedation: { yes: null }, dissociation: { yes: null }, serious: { yes: null },
    }); // prettier-ignore
    const far = remsOf(usual, cuffs([30, 146, 88], [100, 128, 82])); // neither near 40 min nor within 15 min of the end
    expect([far.at40, far.completion]).toEqual([null, null]);
    const stopped = remsOf([opened, checked(), given(0), item("SessionAborted", 30, { reason: "x" })], cuffs([29, 120, 80]));
    expect(stopped).toMatchObject({ minutes: null, acceptableAfter: { yes: null }, completion: null });
  });
  test("says no to sedation only where every check said awake", () => {
    const awake = remsOf([opened, given(0), observed(20, 5, 0), observed(40, 5, 0)], {});
    expect(awake).toMatchObject({ sedation: { yes: false, checks: 2 }, dissociation: { yes: false } });
    expect(remsOf([opened, given(0), observed(-2, 5, 0)], {}).sedation.yes).toBeNull(); // before the dose says nothing
  });
  test("leaves to a person what a prescriber overrode, and whether an event was serious unless it was sentinel", () => {
    const override = (gate: string): TimelineItem => item("GateOverridden", -1, { gate, reason: "Seen." });
    expect(remsOf([opened, checked({ systolic: 150 }), override("blood_pressure"), given(0)], {}).acceptableBefore.yes).toBeNull();
    expect(remsOf([opened, checked({ systolic: 150 }), given(0)], {}).acceptableBefore.yes).toBe(false);
    expect(remsOf([...usual.slice(0, -1), discharged({ not_met: ["spo2"] })], {}).acceptableAfter.yes).toBeNull();
    const event = (severity: string): TimelineItem => item("AdverseEventRecorded", 30, { category: "vomiting", severity, text: null });
    expect(remsOf([...usual, event("moderate")], {}).serious.yes).toBeNull();
    expect(remsOf([...usual, event("moderate"), event("sentinel")], {}).serious.yes).toBe(true);
  });
  test("takes a corrected dose as it was corrected", () => {
    const wrong = given(0, 840, { withdrawn: true, correction: { at: at(180), by_name: "x", reason: "y", replacement: { at: at(0), by_name: "x", dose: { drug: "esketamine", route: "spravato", milligrams: 84, lot: "L-8" } } } });
    expect(remsOf([opened, wrong], {})).toMatchObject({ milligrams: [84], lots: ["L-8"] });
  });
});

test("times are the clinic's, wherever the browser stands, and say so", () => {
  inZone("Asia/Tokyo");
  expect(clockTime(NOON)).toBe("21:00");
  expect(clockTime(NOON + 3 * 3_600_000, true)).toBe("00:00:00");
  expect(day(NOON + 3 * 3_600_000)).toBe("25 Nov 2026");
  expect(zoneWords(NOON)).toBe("Asia/Tokyo (GMT+9)");
  expect(midnight(NOON)).toBe(NOON - 21 * 3_600_000);
  expect(midnight(NOON, 1)).toBe(NOON + 3 * 3_600_000);
  expect(momentOf("2026-11-24", "21:00")).toBe(NOON);
  expect(momentOf("2026-11-24", "25:00")).toBeNaN();
  expect(yearOf(Date.UTC(2026, 11, 31, 20))).toBe(2027);
});

test("a day in which the clocks change has its own length", () => {
  inZone("Europe/Vienna");
  const day = midnight(Date.UTC(2026, 9, 25, 12)); // back from summer time
  expect(midnight(day, 1) - day).toBe(25 * 3_600_000);
  expect(midnight(day + 24.5 * 3_600_000)).toBe(day);
  expect(momentOf("2026-03-29", "04:00")).toBe(Date.UTC(2026, 2, 29, 2));
  expect(momentOf("2026-07-01", "14:30")).toBe(Date.UTC(2026, 6, 1, 12, 30));
});

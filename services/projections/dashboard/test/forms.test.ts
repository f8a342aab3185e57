/* What forms make of what was typed: nothing is guessed, and what is wrong is said beside its field. */
import { describe, expect, test } from "vitest";
import { correctable, entries, replaced, standing } from "../src/correcting";
import { inWords, perKg, scaleOf, stepsInWords } from "../src/dosing";
import type { DoseRules, SessionRules } from "../src/events";
import { ofTheDay, overridable, recheckAt } from "../src/gates";
import type { Dose, Me, TimelineItem } from "../src/model";
import { Reader } from "../src/reader";
import { newsSince } from "../src/story";
import { at } from "./making";

describe("what was typed", () => {
  test("is a number with a point or a comma, and nothing else is", () => {
    const reader = new Reader({ a: " 1,5 ", b: "12O", c: "", d: "-3" });
    expect([reader.number("a", "A"), reader.number("b", "B"), reader.number("c", "C"), reader.number("d", "D")]).toEqual([1.5, undefined, undefined, undefined]);
    expect(reader.wrong).toEqual({ b: "B must be a number. You entered 12O.", d: "D must be a number. You entered -3." });
  });
  test("is missing only where it is needed", () => {
    const reader = new Reader({ no: "no" });
    expect([reader.yes("no"), reader.yes("never"), reader.text("x", "The reason"), reader.number("y", "Systolic", "needed")]).toEqual([false, undefined, undefined, undefined]);
    expect(reader.wrong).toEqual({ x: "The reason is missing.", y: "Systolic is missing." });
  });
});

const cap = (over: Partial<DoseRules["never"]>): DoseRules["never"] => ({ over_mg: null, over_mg_per_kg: null, from_mg_per_kg: null, ...over });
const IM: DoseRules = {
  typical: { from_mg: 50, to_mg: 100, from_mg_per_kg: 0.25, to_mg_per_kg: 1.5 },
  warn: cap({ over_mg_per_kg: 1.5 }),
  second_sign_off: cap({ over_mg_per_kg: 2 }),
  never: cap({ from_mg_per_kg: 4 }),
  total: cap({ from_mg_per_kg: 4 }),
  allowed_mg: [],
  overridable_mg: [],
  drawn_up: true,
  concentrations_mg_per_ml: [10, 50, 100],
  agree_within_ml: 0.01,
  agree_within_mg_per_kg: 0.05,
  same_dose_within_min: 10,
  second_check: true,
  lot_required: true,
  site_required: true,
};

describe("a dose", () => {
  test("stands between the protocol's own numbers, by weight where the protocol counts so", () => {
    expect(stepsInWords(IM)).toBe("typical 0.25–1.5 mg/kg · warn 1.5 · sign-off 2 · never 4");
    expect(scaleOf(IM).to).toBeGreaterThan(4);
    const lozenge = { ...IM, typical: { ...IM.typical, from_mg: 50, to_mg: 400 }, warn: cap({ over_mg: 300 }), second_sign_off: null, never: cap({ over_mg: 400 }) };
    expect(stepsInWords(lozenge)).toBe("typical 50–400 mg · warn 300 · never 400");
    const spray = { ...lozenge, warn: cap({ over_mg: 84 }), never: cap({ over_mg: 84 }) };
    expect(scaleOf(spray).marks).toEqual([{ at: 84, label: "never" }]);
  });
  test("is said whole", () => {
    const dose: Dose = { drug: "ketamine", route: "intramuscular", milligrams: 62.5, mg_per_kg: null, concentration_mg_per_ml: 50, volume_ml: 1.25, lot: "A-1", site: "deltoid-left" };
    expect(inWords(dose)).toBe("62.5 mg ketamine intramuscular, 1.25 mL of 50 mg/mL, left deltoid, lot A-1");
    expect([perKg(60, 80), perKg(60, null)]).toEqual(["0.75", null]);
  });
});

const item = (over: Partial<TimelineItem>): TimelineItem => ({
  event_id: "e1",
  position: 5,
  type: "ObservationRecorded",
  at: at(0),
  recorded_at: at(0),
  by: "staff:1",
  by_name: "Ruth Osei",
  data: { session_id: "s1", moaas: 4, dissociation: 9, nausea: null, symptoms: ["dizziness"] },
  withdrawn: false,
  correction: null,
  ...over,
});

describe("a recheck", () => {
  const rules = { gates: { systolic_to: 140, diastolic_to: 90, spo2_from: 93, recheck_after_min: 5 } } as SessionRules;
  const check = (seconds: number, systolic: number): TimelineItem => item({ type: "PreDoseChecked", at: at(seconds), data: { systolic, diastolic: 80, spo2: 97 } });
  const when = (...checks: TimelineItem[]): number | null => recheckAt(checks, rules);
  test("counts five minutes after the last value out of bounds", () => {
    expect(when(check(0, 128))).toBeNull();
    expect(when(check(0, 152))).toBe(Date.parse(at(300)));
    expect(when(check(0, 152), check(200, 150))).toBe(Date.parse(at(500)));
  });
  test("that is good but too early does not count", () => {
    expect(when(check(0, 152), check(299, 128))).toBe(Date.parse(at(300)));
    expect(when(check(0, 152), check(300, 128))).toBeNull();
  });
});

test("the day's gates keep their order, and a missing check is no gate that is overridden", () => {
  expect(ofTheDay({ "dose.lot": "x", ride: "No ride.", food: "Ate." }).map(([gate]) => gate)).toEqual(["food", "ride"]);
  expect([overridable("ride", ["intoxication"]), overridable("intoxication", ["intoxication"]), overridable("check", [])]).toEqual([true, false, false]);
});

describe("a correction", () => {
  const me: Me = { staff_id: "1", username: "r", name: "Ruth Osei", role: "nurse", expires: null, may: { intake: [], session: ["CorrectEntry"], integration: [] }, timezone: "Europe/Vienna" };
  test("is its author's or a prescriber's, never of what the system recorded", () => {
    expect(correctable(item({}), me)).toBe(true);
    expect(correctable(item({ by: "staff:2" }), me)).toBe(false);
    expect(correctable(item({ by: "staff:2" }), { ...me, role: "prescriber" })).toBe(true);
    expect(correctable(item({ by: "service:session-monitor", type: "AlarmRaised" }), { ...me, role: "prescriber" })).toBe(false);
    expect(correctable(item({ position: 0, type: "VitalRecorded" }), me)).toBe(false);
    expect(correctable(item({ withdrawn: true, correction: { at: at(1), by_name: null, reason: null, replacement: null } }), me)).toBe(false);
  });
  test("shows each figure and keeps the others", () => {
    const { id, data } = standing(item({}));
    expect([id, entries("ObservationRecorded", data).map(({ name, value }) => [name, value])]).toEqual(["e1", [["moaas", 4], ["dissociation", 9]]]);
    expect(replaced({ ...data, at: at(0) }, new Map([["dissociation", 6]]))).toEqual({ ...data, at: at(0), dissociation: 6 });
    const dose = { session_id: "s1", dose: { drug: "ketamine", milligrams: 600, lot: "A" }, checked_by: "staff:2", id: "x", by: "staff:1", type: "Dosed" };
    expect(replaced(dose, new Map([["dose.milligrams", 60]]))).toEqual({ session_id: "s1", dose: { drug: "ketamine", milligrams: 60, lot: "A" }, checked_by: "staff:2" });
    expect(entries("LimitsChanged", { reason: "x" })).toEqual([]);
  });
  test("of a correction is of what took its place", () => {
    const fixed = item({ withdrawn: true, correction: { at: at(1), by_name: "R", reason: "x", replacement: { id: "e2", moaas: 5 } } });
    expect([standing(fixed).id, correctable(fixed, me)]).toEqual(["e2", true]);
  });
});

describe("what others recorded meanwhile", () => {
  const told = (event_id: string, position: number, second = 0) => ({ event_id, position, recorded_at: at(second) }) as TimelineItem;
  const late = Date.parse(at(60));
  test("is what the timeline did not say when the form was opened", () => {
    const isNews = newsSince([told("opened", 5), told("typed", 0)], 5, late);
    expect([told("opened", 5), told("typed", 0), told("dose", 9), told("typed-too", 0, 30)].map(isNews)).toEqual([false, false, true, true]);
  });
  test("is what came after the record's position when there was no timeline yet", () => {
    const isNews = newsSince([], 5, late);
    expect([told("opened", 5), told("dose", 9), told("typed", 0, 30), told("typed-too", 0, 90)].map(isNews)).toEqual([false, true, false, true]);
  });
});

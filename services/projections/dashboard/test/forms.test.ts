/* What forms make of what was typed: nothing is guessed, and what is wrong is said beside its field. */
import { describe, expect, test } from "vitest";
import { boundOf, outside } from "../src/bounds";
import { asItStands, correctable, fieldsOf, replaced, standing } from "../src/correcting";
import { inWords, perKg, scaleOf, stepsInWords } from "../src/dosing";
import type { DoseRules, SessionRules } from "../src/events";
import { beforeSigning, beyond, keeps, ofTheDay, overridable, recheckAt } from "../src/gates";
import type { Dose, Me, TimelineItem } from "../src/model";
import { Reader } from "../src/reader";
import { newsSince } from "../src/story";
import { inZone, timeNear } from "../src/words";
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

describe("what a number can be", () => {
  const said = (entry: string, field: string, typed: string, unit = ""): string | null => outside(typed, boundOf(entry, field) ?? {}, unit);
  test("is what the entry's own schema says, in words for beside its field", () => {
    expect(said("PreDoseChecked", "spo2", "970", "%")).toBe("970 is not possible here. It should be from 50 to 100 %.");
    expect(said("PreDoseChecked", "systolic", "118,5", "mmHg")).toBe("118,5 is not possible here. It should be a whole number.");
    expect(said("VitalRecorded", "temperature", "366", "°C")).toBe("366 is not possible here. It should be from 25 to 45 °C.");
    expect(said("Dose", "milligrams", "6200", "mg")).toBe("6200 is not possible here. It should be over 0 and up to 2000 mg.");
    expect(said("Assessed", "weight_kg", "620", "kg")).toBe("620 is not possible here. It should be over 20 and under 400 kg.");
  });
  test("is not asked of what is empty, no number, or right", () => {
    expect(["", "x", "97", "100"].map((typed) => said("PreDoseChecked", "spo2", typed))).toEqual([null, null, null, null]);
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
  test("is needed where a value is beyond its limit, not at it", () => {
    expect(beyond({ systolic: 140, diastolic: 90, spo2: 93 }, rules.gates)).toEqual([]);
    expect(beyond({ systolic: 141, diastolic: undefined, spo2: 92 }, rules.gates)).toEqual(["systolic over 140 mmHg", "SpO₂ under 93 %"]);
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

describe("a discharge", () => {
  test("says what keeps the patient, and waits for the server's word", () => {
    expect(keeps(null)).toBe("Waiting for the server's word on the points.");
    expect(keeps({ ride: "x", stay: "y" })).toBe("Not met yet: Minimum stay, Ride present.");
    expect(keeps({ ride: "x", stay: "y", gait: "z", alarms: "a" })).toBe("4 points are not met yet.");
    expect(keeps({ "": "The session has ended." })).toBe("The session has ended.");
    expect(keeps({})).toBeNull();
  });
  test("is signed when what stands on record is met; of what only its own form asks, it asks", () => {
    expect(beforeSigning({ stay: "x", oriented: "y", signatures: "z" })).toEqual({ waits: ["stay"], asks: ["oriented"] });
    expect(beforeSigning({ signatures: "z" })).toEqual({ waits: [], asks: [] });
  });
});

describe("a correction", () => {
  const me: Me = { staff_id: "1", username: "r", name: "Ruth Osei", role: "nurse", expires: null, may: { intake: [], session: ["CorrectEntry"], integration: [] }, timezone: "Europe/Vienna" };
  test("is its author's or a prescriber's, never of what the system recorded", () => {
    expect(correctable(item({}), me)).toBe(true);
    expect(correctable(item({ by: "staff:2" }), me)).toBe(false);
    expect(correctable(item({ by: "staff:2" }), { ...me, role: "prescriber" })).toBe(true);
    expect(correctable(item({ by: "service:session-monitor", type: "AlarmRaised" }), { ...me, role: "prescriber" })).toBe(false);
    expect(correctable(item({ position: 0, type: "VitalRecorded" }), me)).toBe(true);
    expect(correctable(item({ withdrawn: true, correction: { at: at(1), by_name: null, reason: null, replacement: null } }), me)).toBe(false);
  });
  test("shows each figure and keeps the others", () => {
    const { id, data } = asItStands(item({}));
    expect([id, fieldsOf("ObservationRecorded", data).map(({ name, value }) => [name, value])]).toEqual(["e1", [["moaas", 4], ["dissociation", 9], ["nausea", null]]]);
    expect(replaced({ ...data, at: at(0) }, new Map([["dissociation", 6]]))).toEqual({ ...data, at: at(0), dissociation: 6 });
    const dose = { session_id: "s1", dose: { drug: "ketamine", milligrams: 600, lot: "A" }, checked_by: "staff:2", id: "x", by: "staff:1", type: "Dosed" };
    expect(replaced(dose, new Map([["dose.milligrams", 60]]))).toEqual({ session_id: "s1", dose: { drug: "ketamine", milligrams: 60, lot: "A" }, checked_by: "staff:2" });
    expect(fieldsOf("LimitsChanged", { reason: "x" })).toEqual([]);
  });
  test("asks as the form that made the entry did, with its units and bounds", () => {
    const checked = fieldsOf("PreDoseChecked", { spo2: 97, hours_fasted: 6, suicidal_ideation_new: false });
    expect(checked.map(({ label, unit, bound }) => [label, unit, bound?.to])).toEqual([
      ["SpO₂", "%", 100],
      ["Last food", "h ago", 72],
      ["New suicidal thoughts (C-SSRS since the last visit)?", undefined, undefined],
    ]);
    const unasked = fieldsOf("PreDoseChecked", { respiratory_rate: null, suicidal_ideation_new: null, unknown: null });
    expect(unasked.map(({ name, kind, value }) => [name, kind, value])).toEqual([
      ["respiratory_rate", "number", null],
      ["suicidal_ideation_new", "yes or no", null],
    ]);
    const given = fieldsOf("Dosed", { dose: { drug: "ketamine", milligrams: 62, volume_ml: 0.62 }, additional: false });
    expect(given.map(({ name, label, unit }) => [name, label, unit])).toEqual([
      ["dose.milligrams", "Dose", "mg"],
      ["dose.volume_ml", "Volume drawn up", "mL"],
      ["additional", "Is it a booster?", undefined],
    ]);
  });
  test("of a reading by hand asks as the form did that it was typed in", () => {
    const typed = { signals: { systolic: 212, diastolic: 84, pulse_rate: 71 } };
    expect(fieldsOf("VitalRecorded", typed).map(({ name, label, unit, bound }) => [name, label, unit, bound?.to])).toEqual([
      ["signals.systolic", "Systolic", "mmHg", 300],
      ["signals.diastolic", "Diastolic", "mmHg", 250],
      ["signals.pulse_rate", "Pulse", "/min", 350],
    ]);
    expect(replaced({ ...typed, at: at(0) }, new Map([["signals.systolic", 112]]))).toEqual({ at: at(0), signals: { ...typed.signals, systolic: 112 } });
  });
  test("of a correction is of what took its place", () => {
    const fixed = item({ withdrawn: true, correction: { at: at(1), by_name: "R", reason: "x", replacement: { id: "e2", by: "staff:1", by_name: "R", at: at(1), moaas: 5 } } });
    expect(fieldsOf(fixed.type, asItStands(fixed).data).map(({ name }) => name)).toEqual(["moaas"]);
    expect([asItStands(fixed).id, correctable(fixed, me)]).toEqual(["e2", true]);
    const withdrawn = item({ withdrawn: true, correction: { at: at(1), by_name: "R", reason: "x", replacement: null } });
    expect([standing(item({})), standing(fixed), standing(withdrawn)]).toEqual(["e1", "e2", null]);
  });
});

test("a time that is corrected is of the day that brings it nearest", () => {
  inZone("Europe/Vienna");
  const near = Date.parse("2026-11-24T23:10:00Z"); // 00:10 in Vienna, on the 25th
  const then = (time: string): string => new Date(timeNear(time, near)).toISOString();
  expect([then("00:05"), then("23:55"), then("01:00")]).toEqual(["2026-11-24T23:05:00.000Z", "2026-11-24T22:55:00.000Z", "2026-11-25T00:00:00.000Z"]);
  expect(timeNear("x", near)).toBeNaN();
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

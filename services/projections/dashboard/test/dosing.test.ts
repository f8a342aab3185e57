/* What leads at a dose, when its button waits, and what is said before another one. */
import { describe, expect, test } from "vitest";
import { against, inSyringe, notYet, waits } from "../src/dosing";
import type { Dose, SessionDetail, TimelineItem } from "../src/model";
import { sinceDose } from "../src/since-dose";
import { doseMore, tell } from "../src/story";
import { number, volume } from "../src/words";
import { alarm, at, dosed, NOON, onBoard } from "./making";

const DOSE: Dose = { drug: "ketamine", route: "intramuscular", milligrams: 62, mg_per_kg: null, concentration_mg_per_ml: 100, volume_ml: 0.62, lot: "A123", site: "deltoid-left" };

describe("the protocol's word on a dose", () => {
  const points = { "dose.lot": "The lot number is missing.", "dose.volume": "6.2 mL are 620 mg.", "dose.never": "This is never given.", "dose.second_check": "A second person." };
  test("has the gravest first, and what is only not entered apart", () => {
    expect(against(points).map(({ title, never }) => [title, never])).toEqual([
      ["This dose is never given", true],
      ["The numbers contradict each other", false],
    ]);
    expect(notYet(points)).toEqual(["The lot number is missing."]);
  });
  test("keeps the button waiting for whatever the server would refuse, and says for what", () => {
    expect(waits(null)).toBe("Waiting for the protocol's word on this dose.");
    expect(waits(points)).toBe("This dose is never given.");
    expect(waits({ "dose.volume": "x", "dose.lot": "y" })).toBe("The numbers contradict each other.");
    expect(waits({ ride: "No ride.", "dose.lot": "y" })).toBe("The dose is held.");
    expect(waits({ "dose.lot": "y", "dose.second_check": "z" })).toBe("Something is still to be entered.");
    expect(waits({ "dose.second_check": "A second person has to check this dose." })).toBe("A second person has to check this dose.");
    expect(waits({ "dose.unheard_of": "A rule of a newer server." })).toBe("A rule of a newer server.");
    expect(waits({})).toBeNull();
  });
  test("is about what is in the syringe", () => {
    expect([inSyringe({ ...DOSE, volume_ml: 6.2 }), inSyringe({ ...DOSE, volume_ml: null })]).toEqual([620, 62]);
  });
});

describe("a dose that was given", () => {
  test("is told with its volume as it was drawn up", () => {
    expect(tell({ type: "Dosed", data: { dose: DOSE } }).text).toBe("Dose ketamine 62 mg IM, deltoid left, 100 mg/mL × 0.62 mL");
    expect([volume(0.625), volume(1.2), number(62.25), number(36.6), number(2)]).toEqual(["0.625 mL", "1.2 mL", "62.25", "36.6", "2"]);
  });
  test("says by weight, lot and who checked it, or that nobody did", () => {
    expect(doseMore({ dose: DOSE, checked_by: "staff:2", checked_by_name: "Ruth Osei" }, 62)).toBe("1.00 mg/kg, lot A123, checked by Ruth Osei");
    expect(doseMore({ dose: { ...DOSE, lot: null }, checked_by: null }, null)).toBe("nobody else checked it");
  });
});

describe("before another dose", () => {
  const item = (type: string, seconds: number, data: Record<string, unknown>): TimelineItem => ({
    event_id: `${type}${seconds}`, position: 1000 + seconds, type, at: at(seconds), recorded_at: at(seconds), by: "staff:1", by_name: null, data, withdrawn: false, correction: null,
  });
  const given = item("Dosed", -300, { dose: DOSE });
  const seen = (value: number, seconds: number) => ({ observations: { moaas: { value, at: at(seconds), by: "staff:1", by_name: null } } }) as SessionDetail;
  test("what went wrong since the last one is said: alarms, events, sedation, a check that is late", () => {
    const low = item("AlarmRaised", -200, { alarm_id: "a9", priority: "high", text: "SpO2 85 < 90", kind: "physiological", late: false, onset: at(-200) });
    const over = item("AlarmCleared", -150, { alarm_id: "a9" });
    const vomited = item("AdverseEventRecorded", -100, { category: "vomiting", severity: "minor", text: null });
    const earlier = item("AdverseEventRecorded", -900, { category: "headache", severity: "minor", text: null });
    const s = onBoard({ doses: dosed(480), alarms: [alarm({ text: "HR 131 > 130" })] });
    const { minutes, facts } = sinceDose(s, seen(4, -60), [earlier, given, low, over, vomited], NOON);
    expect(minutes).toBe(8);
    expect(facts.filter(({ bad }) => bad).map(({ text }) => text.replace(/\d\d:\d\d/, "HH:MM"))).toEqual([
      "Alarm open: HR 131 > 130",
      "Alarm, over: SpO₂ 85 < 90, HH:MM",
      "Adverse event, minor: vomiting, HH:MM",
      "MOAA/S 4 at HH:MM",
      "The 5 min check is 3 min overdue: BP",
    ]);
  });
  test("what nobody looked at is not well", () => {
    const s = onBoard({ doses: dosed(60) });
    const said = (detail: SessionDetail | null, items: TimelineItem[]) => sinceDose(s, detail, items, NOON).facts.filter(({ bad }) => bad).map(({ text }) => text);
    expect(said(seen(5, -900), [given])).toEqual([expect.stringContaining("before that dose")]);
    expect(said({ observations: {} } as SessionDetail, [given])).toEqual(["MOAA/S was not recorded"]);
    expect(said(seen(5, -30), [])).toEqual([expect.stringContaining("The timeline is not read yet")]);
    expect(said(seen(5, -30), [given])).toEqual([]);
  });
});

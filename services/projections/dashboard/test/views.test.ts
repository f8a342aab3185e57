/* What the views work out before they draw: the course's steps, an assessment's verdict, the day, the patient in words. */
import { describe, expect, it } from "vitest";
import { headline, observed, outlook, vitalLine } from "../src/calm";
import { absent, judge, labelOf, steps, waiting } from "../src/care";
import { grid } from "../src/grid";
import type { Session, TimelineItem } from "../src/model";
import type { Protocol, WholeCourse, Work } from "../src/queries";
import { placeOf } from "../src/places";
import { dayOf } from "../src/today";
import { dosed, NOON, onBoard } from "./making";

const ID = "01890000-0000-7000-8000-000000000001";
const MIN = 60_000;
/** Each signal just measured, by the monitor. */
const HEARD = {
  latest: Object.fromEntries(
    Object.entries({ spo2: 97, pulse_rate: 70, respiratory_rate: 14, systolic: 120, diastolic: 80 }).map(([signal, value]) => [
      signal,
      { value, quality: "ok" as const, channel: "1", source: "monitor" as const, device_id: "M1", entered_by: null, at: NOON },
    ]),
  ),
};

describe("a place", () => {
  it("is found by its whole path, and anything else is nowhere", () => {
    expect(placeOf(`/sessions/${ID}`)).toEqual({ at: "session", id: ID });
    expect(placeOf(`/sessions/${ID}/with`)).toEqual({ at: "with", id: ID });
    expect(placeOf("/patients/new").at).toBe("register");
    for (const wrong of ["/sessions/1", "/sessions/", "/nix", `/sessions/${ID}/`]) expect(placeOf(wrong).at).toBe("nowhere");
  });
});

describe("the grid", () => {
  it("holds every number of rooms from 1 to 24 on one screen", () => {
    for (let rooms = 1; rooms <= 24; rooms += 1) {
      const [columns, rows] = grid(rooms);
      expect(columns * rows).toBeGreaterThanOrEqual(rooms);
      expect(columns).toBeLessThanOrEqual(6);
      expect(rows).toBeLessThanOrEqual(4);
    }
  });
});

const rule = (asks: string, standing: "hard_stop" | "clearance" | "note") => ({ asks, standing, source: "test" });
const protocol: Protocol = {
  name: "im",
  version: 1,
  title: "IM",
  route: "intramuscular",
  eligibility: {
    ages: { minimum: 18, young_to: 24, old_from: 65 },
    rules: { avm: rule("AVM", "hard_stop"), osa: rule("Apnoea", "clearance"), trd: rule("Resistant", "note") },
    interacting_drugs: { maoi: rule("MAOI: pressure", "clearance") },
  },
};

describe("an assessment", () => {
  const asked = { avm: "no", osa: "no", trd: "yes" } as const;
  it("is not eligible before every question was asked", () => {
    expect(judge(protocol, { rules: { avm: "no", osa: "no" }, drugs: [], drugsAsked: true }, 1980, 2026)).toMatchObject({ may: "not yet", open: ["trd"] });
    expect(judge(protocol, { rules: asked, drugs: [], drugsAsked: true }, 1980, 2026).may).toBe("eligible");
  });
  it("asks about the drugs too, and says what does not hold", () => {
    expect(judge(protocol, { rules: asked, drugs: [], drugsAsked: false }, 1980, 2026)).toMatchObject({ may: "not yet", open: ["drugs"] });
    expect(absent(protocol, { rules: asked, drugs: [], drugsAsked: true })).toEqual(["avm", "osa", "drug.maoi"]);
    expect(absent(protocol, { rules: asked, drugs: ["maoi"], drugsAsked: true })).toEqual(["avm", "osa"]);
  });
  it("is never eligible with a hard stop", () => {
    expect(judge(protocol, { rules: { ...asked, avm: "yes" }, drugs: [], drugsAsked: true }, 1980, 2026).may).toBe("not eligible");
    expect(judge(protocol, { rules: asked, drugs: [], drugsAsked: true }, 2012, 2026).may).toBe("not eligible");
  });
  it("names what each yes, each drug and the age come to", () => {
    const { found } = judge(protocol, { rules: asked, drugs: ["maoi"], drugsAsked: true }, 2008, 2026);
    expect(found.map((f) => [f.rule, f.standing])).toEqual([
      ["age.min", "clearance"], // 17 or 18
      ["age.young", "note"],
      ["trd", "note"],
      ["drug.maoi", "clearance"],
    ]);
  });
});

const at = (minutes: number): string => new Date(NOON + minutes * MIN).toISOString();
const course = (more: Partial<WholeCourse> = {}): WholeCourse => ({
  course_id: ID, patient_id: ID, indication: "depression", state: "open", opened_at: at(-999), assessed: null, cleared: [], consent: null,
  consent_withdrawn: null, preparations: [], prepared: null, visits: [], closed: null, record_position: 1, number: "0417", name: "Mira Kern",
  birth_year: 1980, sex_at_birth: "female", forgotten: false, contact: null, sessions: [], care_plans: [], ...more,
});
const assessed = (verdict: "eligible" | "deferred", standing: "clearance" | "note" = "note") =>
  ({ verdict, findings: [{ rule: "osa", standing, note: null }], at: at(-100), measures: [], weight_kg: 70, route: "intramuscular", protocol: "im" }) as unknown as WholeCourse["assessed"];
const next = (of: WholeCourse): string | undefined => steps(of).find((s) => s.state === "next")?.name;

describe("a course", () => {
  it("goes from step to step", () => {
    expect(next(course())).toBe("assess");
    const found = course({ assessed: assessed("eligible", "clearance") });
    expect([next(found), waiting(found)]).toEqual(["clear", ["osa"]]);
    const cleared = { ...found, cleared: [{ rule: "osa" }] as WholeCourse["cleared"] };
    expect(next(cleared)).toBe("consent");
    const consented = { ...cleared, consent: { document: "c" } as WholeCourse["consent"] };
    expect(next(consented)).toBe("prepare");
    const prepared = { ...consented, prepared: { at: at(-50) } as WholeCourse["prepared"] };
    expect(next(prepared)).toBe("plan");
    expect(next({ ...prepared, visits: [{ visit: "dosing", planned_for: at(60) }] as WholeCourse["visits"] })).toBe("open");
  });
  it("wants a new preparation after a new assessment", () => {
    const stale = course({ assessed: assessed("eligible"), consent: { document: "c" } as WholeCourse["consent"], prepared: { at: at(-200) } as WholeCourse["prepared"] });
    expect(next(stale)).toBe("prepare");
  });
  it("stops where the assessment stopped it, but for another assessment", () => {
    const states = Object.fromEntries(steps(course({ assessed: assessed("deferred") })).map((s) => [s.name, s.state]));
    expect(states).toMatchObject({ assess: "next", consent: "stopped", open: "stopped" });
    expect(steps(course({ state: "closed" })).every((s) => s.state === "stopped")).toBe(true);
  });
  it("calls people by initials and number", () => {
    expect(labelOf({ name: "Mira van Kern", number: "0417" })).toBe("MK 0417");
    expect(labelOf({ name: null, number: "0417" })).toBe("0417");
  });
});

describe("the day", () => {
  const work = (more: Partial<Work>): Work => ({ kind: "visit", due: at(30), course_id: "c", patient_id: ID, number: "1", name: null, visit: "dosing", ...more });
  const session = (more: Partial<Session>): Session => ({ ...onBoard(HEARD), ...more });
  it("puts each patient into one column", () => {
    const sessions = [
      session({ session_id: "a", course_id: "1" }),
      session({ session_id: "b", course_id: "2", doses: dosed(10 * 60) }),
      session({ session_id: "c", course_id: "3", doses: dosed(90 * 60) }),
      session({ session_id: "d", course_id: "4", state: "discharged", ended_at: at(-5), doses: dosed(150 * 60) }),
      session({ session_id: "e", course_id: "5", state: "discharged", ended_at: at(-60 * 24 * 2) }),
    ];
    const day = dayOf([work({ course_id: "9" }), work({ course_id: "1" })], sessions, NOON);
    expect(day.expected.map((w) => w.course_id)).toEqual(["9"]); // the other one is here
    expect(day.arrived.map((s) => s.session_id)).toEqual(["a"]);
    expect(day.under.map((s) => s.session_id)).toEqual(["b"]);
    expect(day.recovering.map((s) => s.session_id)).toEqual(["c"]);
    expect(day.gone.map((s) => s.session_id)).toEqual(["d"]);
  });
  it("keeps what is overdue or of another kind apart, and leaves tomorrow out", () => {
    const items = [work({ due: at(-60 * 48) }), work({ visit: "preparation" }), work({ kind: "task", due: null }), work({ due: at(60 * 48) })];
    const day = dayOf(items, [], NOON);
    expect(day.expected).toEqual([]);
    expect(day.other).toEqual(items.slice(0, 2));
  });
  it("shows a REMS form from the day it is owed, not only on the day it is due", () => {
    const form = work({ kind: "task", task: "rems-monitoring-form", due: at(60 * 24 * 6), session_id: "a" });
    expect(dayOf([form, work({ kind: "task", task: "call-back", due: at(60 * 24 * 6) })], [], NOON).other).toEqual([form]);
  });
});

const well = { lostSince: null, behind: null };

describe("beside the patient", () => {
  it("does not call a value well that the monitor itself doubts", () => {
    const spo2 = { ...HEARD.latest["spo2"]!, quality: "questionable" as const };
    const s = { ...onBoard({ latest: { ...HEARD.latest, spo2 } }), doses: dosed(17 * 60) };
    expect(vitalLine(s, "spo2", NOON, well)).toMatchObject({ text: "Oxygen: the monitor is not sure", state: "unknown" });
    expect(vitalLine(s, "resp", NOON, well).state).toBe("well");
  });
  it("says where the patient is and what the clock will bring", () => {
    const s = { ...onBoard(HEARD), doses: dosed(17 * 60) };
    expect(headline(s, NOON)).toBe("Peak, 17 minutes in");
    expect(outlook(s, NOON)).toMatch(/^Strongest now\. Begins to ease about /);
    expect(headline({ ...s, doses: [] }, NOON)).toBe("Before the dose");
    expect(headline({ ...s, doses: dosed(125 * 60) }, NOON)).toBe("Ready, 2 h 05 in");
  });
  it("never says that what is not measured is well", () => {
    const s = onBoard(HEARD);
    for (const kind of ["resp", "spo2", "pulse", "bp"] as const) {
      const none = vitalLine({ ...s, latest: {} }, kind, NOON, well);
      expect(none.state).toBe("unknown");
      expect(none.text).toMatch(/not known$/);
      expect(vitalLine(s, kind, NOON + 3_600_000, well).state).toBe("unknown"); // an hour old
    }
    expect(vitalLine(s, "spo2", NOON, { lostSince: NOON, behind: null }).state).toBe("unknown");
  });
  it("says low and high by the session's own limits", () => {
    const s = onBoard(HEARD);
    const spo2 = (value: number) => vitalLine({ ...s, latest: { spo2: { value, quality: "ok", channel: "1", source: "monitor", device_id: "M1", entered_by: null, at: NOON } } }, "spo2", NOON, well);
    expect(spo2(97)).toMatchObject({ text: "Oxygen within its limits", small: "97 %", state: "well" });
    expect(spo2(84)).toMatchObject({ text: "Oxygen is low", state: "wants" });
  });
  it("takes the last observation of each scale, corrected ones as corrected", () => {
    const item = (minutes: number, data: Record<string, unknown>, more: Partial<TimelineItem> = {}): TimelineItem => ({
      event_id: String(minutes), position: 1, type: "ObservationRecorded", at: at(minutes), recorded_at: at(minutes), by: "staff:x", by_name: null, data, withdrawn: false, correction: null, ...more,
    });
    const lines = observed([item(-20, { moaas: 5, dissociation: 2 }), item(-5, { moaas: 4 }), item(-3, { moaas: 1 }, { withdrawn: true, correction: { at: at(-2), by_name: null, reason: null, replacement: { moaas: 3 } } })]);
    expect(lines.map(({ text, state }) => [text, state])).toEqual([
      ["Answers only when called loudly", "wants"],
      ["A little inward, 2 of 10", "well"],
    ]);
    expect(observed([])).toEqual([]);
  });
});

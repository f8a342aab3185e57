/* What the views work out before they draw: the course's steps, an assessment's verdict, the day, the patient in words. */
import { describe, expect, it } from "vitest";
import type { BoardSession } from "../src/board";
import { answerTo, headline, observed, outlook, vitalLine } from "../src/calm";
import { absent, answersOf, carried, fieldOf, judge, labelOf, steps, waiting } from "../src/care";
import { fitting, grid } from "../src/grid";
import type { Alarm, Protocol, Session, TimelineItem, WholeCourse, Work } from "../src/model";
import { afterSignIn, placeOf } from "../src/places";
import { dayOf } from "../src/today";
import { stepOf } from "../src/views";
import { alarm, dosed, NOON, onBoard } from "./making";

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

describe("after the sign-in", () => {
  it("stands what was asked for, but nobody else's page", () => {
    expect([afterSignIn("/today", null, "a"), afterSignIn("/today", "a", "a"), afterSignIn("/today", "b", "a")]).toEqual(["/today", "/today", "/"]);
    expect([afterSignIn(null, null, "a"), afterSignIn("//elsewhere.example", null, "a"), afterSignIn("https://elsewhere.example", null, "a")]).toEqual(["/", "/", "/"]);
  });
});

describe("a session's step", () => {
  const ROOMS = Array.from({ length: 24 }, (_, n) => `01890000-0000-7000-8000-${(n * 7919).toString(16).padStart(12, "0")}`);
  it("lasts as long as it should, and is over at another moment in another room", () => {
    for (const id of ROOMS) {
      const began = stepOf(id, NOON, 5_000);
      expect(NOON - began).toBeGreaterThanOrEqual(0);
      expect(NOON - began).toBeLessThan(5_000);
      expect(stepOf(id, began + 4_999, 5_000)).toBe(began);
      expect(stepOf(id, began + 5_000, 5_000)).toBe(began + 5_000);
    }
    // The clock ticks four times a second: how many rooms begin a step with the same tick?
    const ticks = ROOMS.map((id) => Math.floor((stepOf(id, NOON, 5_000) % 5_000) / 250));
    expect(Math.max(...ticks.map((tick) => ticks.filter((other) => other === tick).length))).toBeLessThanOrEqual(6);
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

describe("chips in a bar", () => {
  it("all stand there when all of them fit", () => {
    expect(fitting([100, 100, 100], 316, 8, 60)).toBe(3);
    expect(fitting([], 0, 8, 60)).toBe(0);
  });
  it("leave room for the one that counts the others", () => {
    expect(fitting([100, 100, 100], 315, 8, 60)).toBe(2);
    expect(fitting([100, 100, 100], 275, 8, 60)).toBe(1);
    expect(fitting([100, 100, 100], 90, 8, 60)).toBe(0);
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
  it("keeps an answer under another protocol only where that asks the same in the same words", () => {
    const rules = protocol.eligibility!.rules;
    const other: Protocol = {
      ...protocol,
      name: "other",
      eligibility: { ...protocol.eligibility!, rules: { ...rules, osa: { ...rules["osa"]!, asks: "Sleep apnoea that is not treated" } } },
    };
    const say = (of: Protocol, said: Record<string, string>): Record<string, string> =>
      Object.fromEntries(
        Object.entries(said).flatMap(([rule, value]) => {
          const field = fieldOf(rule, of.eligibility!.rules[rule]!.asks);
          return [[`rule-${field}`, value], [`under-${field}`, of.name]];
        }),
      );
    const typed = { ...say(protocol, { avm: "no", osa: "no" }), drugs_asked: protocol.name };
    expect(answersOf(typed, protocol)).toEqual({ rules: { avm: "no", osa: "no" }, drugs: [], drugsAsked: true });
    expect(carried(typed, protocol)).toEqual({ kept: {}, anew: [] });
    expect(answersOf(typed, other)).toEqual({ rules: { avm: "no" }, drugs: [], drugsAsked: false });
    expect(carried(typed, other)).toEqual({ kept: { avm: protocol.name }, anew: ["osa"] });
    // Answered once more it is this protocol's own; the other's words keep their own answer.
    const both = { ...typed, ...say(other, { avm: "no", osa: "yes" }) };
    expect(carried(both, other)).toEqual({ kept: {}, anew: [] });
    expect(answersOf(both, other).rules).toEqual({ avm: "no", osa: "yes" });
    expect(answersOf(both, protocol).rules).toEqual({ avm: "no", osa: "no" });
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
  const item = (minutes: number, data: Record<string, unknown>, more: Partial<TimelineItem> = {}): TimelineItem => ({
    event_id: String(minutes), position: 1, type: "ObservationRecorded", at: at(minutes), recorded_at: at(minutes), by: "staff:x", by_name: null, data, withdrawn: false, correction: null, ...more,
  });
  it("does not call a value well that the monitor itself doubts", () => {
    const spo2 = { ...HEARD.latest["spo2"]!, quality: "questionable" as const };
    const s = { ...onBoard({ latest: { ...HEARD.latest, spo2 } }), doses: dosed(17 * 60) };
    expect(vitalLine(s, "spo2", NOON, well)).toMatchObject({ text: "Oxygen: the monitor is not sure", state: "unknown" });
    expect(vitalLine(s, "resp", NOON, well).state).toBe("well");
  });
  it("says where the patient is and what the clock will bring", () => {
    const s = { ...onBoard(HEARD), doses: dosed(17 * 60) };
    expect(headline(s, NOON)).toBe("Peak, 17 minutes after the dose");
    expect(outlook(s, NOON)).toMatch(/^Strongest now\. Begins to ease about /);
    expect(headline({ ...s, doses: [] }, NOON)).toBe("Before the dose");
    expect(headline({ ...s, doses: dosed(125 * 60) }, NOON)).toBe("Ready, 2 h 05 after the dose");
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
    expect(spo2(97)).toMatchObject({ text: "Oxygen within its limits", small: "97 %, 0 s ago", state: "well" });
    expect(spo2(84)).toMatchObject({ text: "Oxygen is low", state: "wants" });
  });
  it("tells of each value how old it is", () => {
    const s = onBoard(HEARD);
    const bp = { systolic: { ...HEARD.latest["spo2"]!, value: 124, at: NOON }, diastolic: { ...HEARD.latest["spo2"]!, value: 74, at: NOON } };
    expect(vitalLine({ ...s, latest: bp }, "bp", NOON + 245_000, well).small).toBe("124/74, 4 min ago");
    expect(vitalLine(s, "resp", NOON + 2_000, well).small).toMatch(/ a minute, \d s ago$/);
  });
  it("takes an answered call for help on its way until a high alarm is raised after it", () => {
    const call = { call_id: "h1", at: at(-1), by: "staff:2", by_name: null, answered_at: at(0), answered_by: "staff:1", answered_by_name: "First nurse" };
    const answer = (seconds: number, over: Partial<BoardSession> = {}, items: TimelineItem[] = []) => answerTo(onBoard({ help: call, ...over }), items, NOON + seconds * 1000);
    const raised = (over: Partial<Alarm>) => ({ alarms: [alarm({ raised_at: at(0.5), ...over })] });
    expect([answer(10), answer(299), answer(300)]).toEqual(["coming", "coming", null]);
    expect([answer(10, { help: null }), answer(10, { help: { ...call, answered_at: null } })]).toEqual([null, null]);
    expect(answer(40, raised({}))).toBe("past");
    expect(answer(40, raised({ raised_at: at(-0.5) }))).toBe("coming"); // it is what was answered
    expect([answer(40, raised({ priority: "medium" })), answer(40, raised({ late: true }))]).toEqual(["coming", "coming"]);
    const told = item(0.5, { priority: "high", late: false }, { type: "AlarmRaised", at: at(0.5) });
    expect(answer(90, {}, [told])).toBe("past"); // over, and it does not become help on its way again
  });
  it("takes the last observation of each scale, corrected ones as corrected", () => {
    const s = { ...onBoard(HEARD), doses: dosed(33 * 60) };
    const lines = observed(s, [item(-20, { moaas: 5, dissociation: 2 }), item(-5, { moaas: 4 }), item(-3, { moaas: 1 }, { withdrawn: true, correction: { at: at(-2), by_name: null, reason: null, replacement: { moaas: 3 } } })], NOON);
    expect(lines.map(({ text, state }) => [text, state])).toEqual([
      ["Answers only when called loudly", "wants"],
      ["A little inward, 2 of 10", "well"],
    ]);
    expect(observed(s, [], NOON).map(({ text, state }) => [text, state])).toEqual([["How awake: not observed yet", "unknown"]]);
  });
  it("does not call an observation the patient's state once the next was due, or a dose has begun to work since", () => {
    const awake = (minutes: number, since: number, more: Partial<BoardSession> = {}, moaas = 5) =>
      observed({ ...onBoard(HEARD), doses: dosed(since * 60), ...more }, [item(minutes, { moaas })], NOON)[0];
    // The sets of checks are at 45 and 60 minutes: seen at 45, it holds until 5 minutes after 60.
    expect(awake(-19, 64)).toMatchObject({ text: "Awake, answers readily", state: "well" });
    expect(awake(-20, 65)).toMatchObject({ text: "How awake: observe again", state: "unknown" });
    expect(awake(-20, 65)?.small).toMatch(/^last observed \d\d:\d\d, 20 min ago: awake, answers readily$/);
    expect(awake(-29, 119)).toMatchObject({ state: "well" });
    expect(awake(-31, 200)).toMatchObject({ state: "unknown" }); // older than the protocol's 30 minutes
    expect(awake(-9, 4)).toMatchObject({ state: "well" });
    expect(awake(-10, 6)).toMatchObject({ state: "unknown" }); // before a dose that works since 1 minute
    expect(awake(-180, 240, {}, 2)).toMatchObject({ text: "How awake: observe again", state: "wants" }); // never calmer than it was
    expect(awake(-40, 90, { state: "discharged", ended_at: at(-30) })).toMatchObject({ text: "How awake, at the last look", state: "unknown" });
  });
  it("asks again for dissociation and nausea of more than half an hour ago, or as the protocol has it", () => {
    const of = (minutes: number, validMin?: number) => observed({ ...onBoard(HEARD), doses: dosed(90 * 60) }, [item(minutes, { dissociation: 8, nausea: 3, pain: 0 })], NOON, validMin).map(({ text, state }) => `${state} ${text}`);
    expect(of(-29)).toEqual(["unknown How awake: not observed yet", "well Far away, 8 of 10", "well Nausea, 3 of 10"]);
    expect(of(-31)).toEqual(["unknown How awake: not observed yet", "unknown How far inward: observe again", "unknown Nausea: observe again"]);
    expect(of(-31, 45)).toEqual(of(-29));
  });
});

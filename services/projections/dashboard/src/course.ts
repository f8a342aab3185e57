/* The route's expected course: where in it the patient is, and which check is next. Minutes after the last dose. */
import type { BoardSession } from "./board";
import type { ExpectedCourse, Route, Session } from "./model";

export const ROUTES: Record<Route, string> = {
  intramuscular: "IM",
  sublingual: "SL",
  intranasal: "Nasal",
  spravato: "Spravato",
};

export const PHASES = ["Pre-dose", "Onset", "Peak", "Comedown", "Recovery", "Ready"] as const;
const BEFORE_MIN = 20;
const AFTER_MIN = 20;

export function lastDose(session: Session): Session["doses"][number] | null {
  return session.doses.reduce<Session["doses"][number] | null>(
    (last, dose) => (last && Date.parse(last.at) >= Date.parse(dose.at) ? last : dose),
    null,
  );
}

/** Minutes since the last dose; null before the first. */
export function minutesSince(session: Session, now: number): number | null {
  const dose = lastDose(session);
  return dose && (now - Date.parse(dose.at)) / 60_000;
}

export interface Zone {
  name: (typeof PHASES)[number];
  from: number;
  to: number;
}

export function zonesOf(expected: ExpectedCourse): Zone[] {
  const { onset_min, peak_min, offset_min, minimum_stay_min } = expected;
  const offset = Math.max(offset_min, peak_min + 1);
  const stay = Math.max(minimum_stay_min, offset + 1);
  const cuts = [-BEFORE_MIN, 0, onset_min, peak_min, offset, stay, stay + AFTER_MIN];
  return PHASES.map((name, i) => ({ name, from: cuts[i] ?? 0, to: cuts[i + 1] ?? 0 }));
}

export function phaseOf(expected: ExpectedCourse, minutes: number | null): (typeof PHASES)[number] {
  if (minutes === null || minutes < 0) return "Pre-dose";
  return zonesOf(expected).find((zone) => minutes >= zone.from && minutes < zone.to)?.name ?? "Ready";
}

const smooth = (x: number): number => {
  const c = Math.max(0, Math.min(1, x));
  return c * c * (3 - 2 * c);
};

/** Expected strength of effect, 0.16 (none) to 1: the height of the course line. A drawing, not a prediction. */
export function effect(expected: ExpectedCourse, minutes: number): number {
  const { onset_min, peak_min, minimum_stay_min } = expected;
  if (minutes <= 0 || minutes >= minimum_stay_min) return 0.16;
  const mid = (onset_min + peak_min) / 2;
  if (minutes < mid) return 0.16 + 0.84 * smooth(minutes / mid);
  if (minutes < peak_min) return 1;
  return 0.16 + 0.84 * (1 - smooth((minutes - peak_min) / Math.max(1, minimum_stay_min * 0.86 - peak_min)));
}

export interface Due {
  what: string;
  /** Seconds until it is due; negative when it is late. Null: there is nothing to count. */
  seconds: number | null;
  words: string | null;
  check: number | null;
  late: boolean;
}

/** A check counts as done when a blood pressure was taken from 3 minutes before it on. */
export function dueOf(session: BoardSession, now: number): Due {
  const nothing = { seconds: null, check: null, late: false };
  const dose = lastDose(session);
  if (session.ended_at) return { ...nothing, what: session.state === "aborted" ? "Stopped" : "Discharged", words: null };
  if (!dose) return { ...nothing, what: "Pre-dose check", words: session.pre_dose ? "done" : "not done" };
  const given = Date.parse(dose.at);
  const checks = session.expected.checks_min;
  const past = checks.filter((check) => given + check * 60_000 <= now).pop();
  const taken = session.latest.systolic?.at ?? 0;
  if (past !== undefined && taken < given + (past - 3) * 60_000) {
    const seconds = (given + past * 60_000 - now) / 1000;
    return { what: `${past} min check`, seconds, words: null, check: past, late: seconds < -120 };
  }
  const next = checks.find((check) => given + check * 60_000 > now);
  if (next !== undefined) {
    return { what: `${next} min check`, seconds: (given + next * 60_000 - now) / 1000, words: null, check: next, late: false };
  }
  const stay = (given + session.expected.minimum_stay_min * 60_000 - now) / 1000;
  return stay > 0
    ? { ...nothing, what: "Minimum stay", seconds: stay, words: null }
    : { ...nothing, what: "Minimum stay", words: "over" };
}

export interface CourseLine {
  pieces: { points: string; kind: "done" | "here" | "todo" }[];
  cuts: number[];
  zones: (Zone & { left: number; width: number; here: boolean })[];
  now: number | null;
  doses: number[];
  ticks: { left: number; kind: "" | "done" | "next" | "over" }[];
}

/** The course line's geometry, 0…1000 wide and 0…100 high. */
export function courseLine(session: BoardSession, minutes: number | null, due: Due): CourseLine {
  const { expected } = session;
  const zones = zonesOf(expected);
  const from = -BEFORE_MIN;
  const to = zones[zones.length - 1]?.to ?? 1;
  const x = (m: number): number => ((m - from) / (to - from)) * 1000;
  const clamp = (m: number): number => Math.max(from, Math.min(to, m));
  const now = minutes === null ? null : clamp(minutes);
  const piece = (a: number, b: number, kind: "done" | "here" | "todo"): CourseLine["pieces"][number] | null => {
    if (b <= a) return null;
    const n = Math.max(2, Math.ceil((b - a) / 2));
    const top = Array.from({ length: n + 1 }, (_, i) => {
      const m = a + ((b - a) * i) / n;
      return `${x(m).toFixed(1)},${(100 - 100 * effect(expected, m)).toFixed(1)}`;
    });
    return { points: `${x(a).toFixed(1)},100 ${top.join(" ")} ${x(b).toFixed(1)},100`, kind };
  };
  const pieces = zones.flatMap(({ from: a, to: b }) => {
    if (now === null || now <= a) return [piece(a, b, "todo")];
    if (now >= b) return [piece(a, b, "done")];
    return [piece(a, now, "done"), piece(now, b, "here")];
  });
  const last = lastDose(session);
  const doses = last ? session.doses.map((d) => clamp((Date.parse(d.at) - Date.parse(last.at)) / 60_000)) : [];
  const phase = phaseOf(expected, minutes);
  return {
    pieces: pieces.filter((p) => p !== null),
    cuts: zones.slice(1).map((zone) => x(zone.from)),
    zones: zones.map((z) => ({ ...z, left: x(z.from) / 10, width: (x(z.to) - x(z.from)) / 10, here: z.name === phase })),
    now: now === null ? null : x(now) / 10,
    doses: doses.map((m) => x(m) / 10),
    ticks: expected.checks_min
      .filter((check) => check <= to)
      .map((check) => {
        const kind = minutes === null ? "" : check === due.check ? (due.late ? "over" : "next") : check <= minutes ? "done" : "";
        return { left: x(check) / 10, kind };
      }),
  };
}

/* The route's expected course: where in it the patient is, and which check is next. Minutes after the last dose. */
import type { BoardSession } from "./board";
import type { Checked, ExpectedCourse, Route, Session } from "./model";
import { clockTime } from "./words";

/** As short as a card has room for. */
export const ROUTES: Record<Route, string> = {
  intramuscular: "IM",
  sublingual: "SL",
  intranasal: "Nasal",
  spravato: "Spravato",
};

/** As it is read aloud. */
export const ROUTES_IN_WORDS: Record<Route, string> = {
  intramuscular: "intramuscular",
  sublingual: "sublingual",
  intranasal: "intranasal",
  spravato: "intranasal (Spravato)",
};

const PHASES = ["Pre-dose", "Onset", "Peak", "Comedown", "Recovery", "Ready"] as const;
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

function zonesOf(expected: ExpectedCourse): Zone[] {
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

/** What a check may want. */
export type Wanted = "bp" | "moaas" | "dissociation";
export const WANTS: readonly Wanted[] = ["bp", "moaas", "dissociation"];
export const WANTED: Record<Wanted, string> = { bp: "BP", moaas: "MOAA/S", dissociation: "dissociation" };

/** What is seen so shortly before a check counts for it: the protocols' `early_min`. */
export const EARLY_MIN = 2;
const LATE_MIN = 2;

interface Check {
  minute: number;
  wants: readonly Wanted[];
}

/** Pressure, level of sedation and dissociation have minutes of their own; a check is all that is due at one. */
export function checksOf({ checks_min, moaas_min, dissociation_min }: ExpectedCourse): Check[] {
  const at = { bp: checks_min, moaas: moaas_min, dissociation: dissociation_min };
  const minutes = [...new Set([...checks_min, ...moaas_min, ...dissociation_min])].sort((a, b) => a - b);
  return minutes.map((minute) => ({ minute, wants: WANTS.filter((what) => at[what].includes(minute)) }));
}

/** When each was seen, in minutes after `given`; of the pressures the board has the last. */
function seenOf({ latest, moaas_at, dissociation_at }: BoardSession, given: number): Record<Wanted, number[]> {
  const minute = (at: number): number => (at - given) / 60_000;
  const observed = (times: string[]): number[] => times.map((at) => minute(Date.parse(at)));
  return { bp: latest.systolic ? [minute(latest.systolic.at)] : [], moaas: observed(moaas_at), dissociation: observed(dissociation_at) };
}

/** Whether it was seen for the check at `minute`, before the next one that wants it. */
const seenFor = (seen: number[], minute: number, next = Infinity): boolean => seen.some((at) => at >= minute - EARLY_MIN && at < next);

export interface Due {
  what: string;
  /** Seconds until it is due; negative when it is late. Null: there is nothing to count. */
  seconds: number | null;
  words: string | null;
  check: Check | null;
  /** What is due and was not seen. */
  missing: readonly Wanted[];
  late: boolean;
}

/** What the check found, and when: whether it holds the dose is for the server to say. */
export const checkedAs = ({ systolic, diastolic, at }: Checked): string => `${systolic}/${diastolic}, ${clockTime(Date.parse(at))}`;

/** A check is due until what it wants was seen, as the watch has it; what it wants beside that is asked for along with it.
    Dissociation, which not everybody can be asked for at its minute, is asked for alone only until the next check ([D]). */
export function dueOf(session: BoardSession, now: number): Due {
  const nothing = { seconds: null, check: null, missing: [], late: false };
  const dose = lastDose(session);
  if (session.ended_at) return { ...nothing, what: session.state === "aborted" ? "Stopped" : "Discharged", words: null };
  if (!dose) return { ...nothing, what: "Pre-dose check", words: session.pre_dose ? checkedAs(session.pre_dose) : "not done" };
  const given = Date.parse(dose.at);
  const minutes = (now - given) / 60_000;
  const seen = seenOf(session, given);
  const checks = checksOf(session.expected);
  const past = checks.filter((check) => check.minute <= minutes);
  const lacks = (check: Check, what: Wanted): boolean => check.wants.includes(what) && !seenFor(seen[what], check.minute);
  const last = past[past.length - 1];
  const open = past.find((check) => lacks(check, "bp") || lacks(check, "moaas")) ?? (last && lacks(last, "dissociation") ? last : undefined);
  const check = open ?? checks.find(({ minute }) => minute > minutes);
  if (check) {
    const missing = open ? WANTS.filter((what) => past.some((one) => lacks(one, what))) : [];
    const seconds = (check.minute - minutes) * 60;
    return { what: `${check.minute} min check`, seconds, words: null, check, missing, late: seconds < -LATE_MIN * 60 };
  }
  const stay = (session.expected.minimum_stay_min - minutes) * 60;
  return stay > 0
    ? { ...nothing, what: "Minimum stay", seconds: stay, words: null }
    : { ...nothing, what: "Minimum stay", words: "over" };
}

/** When the check is due that is overdue or next, ms: it stands still while time passes. Infinity: none is. */
export function dueAt(session: BoardSession, now: number): number {
  const { check } = dueOf(session, now);
  const dose = lastDose(session);
  return check && dose ? Date.parse(dose.at) + check.minute * 60_000 : Infinity;
}

/** A check that is over is late; one that is missed was not done before the next one that wants the same. */
type Tick = "" | "done" | "next" | "over" | "missed";

export interface CourseLine {
  pieces: { points: string; kind: "done" | "here" | "todo" }[];
  cuts: number[];
  zones: (Zone & { left: number; width: number; here: boolean })[];
  now: number | null;
  doses: number[];
  ticks: { minute: number; left: number; kind: Tick }[];
}

/** The course line's geometry, 0…1000 wide and 0…100 high. */
export function courseLine(session: BoardSession, minutes: number | null): CourseLine {
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
    ticks: ticksOf(session, minutes)
      .filter(({ minute }) => minute <= to)
      .map((tick) => ({ ...tick, left: x(tick.minute) / 10 })),
  };
}

function ticksOf(session: BoardSession, minutes: number | null): { minute: number; kind: Tick }[] {
  const checks = checksOf(session.expected);
  const dose = lastDose(session);
  if (minutes === null || !dose) return checks.map(({ minute }) => ({ minute, kind: "" }));
  const seen = seenOf(session, Date.parse(dose.at));
  const upcoming = checks.find(({ minute }) => minute > minutes);
  return checks.map((check, i) => {
    const { minute, wants } = check;
    if (minute > minutes) return { minute, kind: check === upcoming ? "next" : "" };
    const next = (what: Wanted): number | undefined => checks.slice(i + 1).find((later) => later.wants.includes(what))?.minute;
    const lacking = wants.filter((what) => !seenFor(seen[what], minute, what === "bp" ? undefined : next(what)));
    if (lacking.length === 0) return { minute, kind: "done" };
    if (lacking.some((what) => (next(what) ?? Infinity) <= minutes)) return { minute, kind: "missed" };
    return { minute, kind: minutes - minute > LATE_MIN ? "over" : "next" };
  });
}

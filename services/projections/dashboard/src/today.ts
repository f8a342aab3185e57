/* The day in five columns, from what is planned and what is under way. Pure: the clock comes in. */
import { minutesSince, phaseOf } from "./course";
import type { Session, Work } from "./model";
import { midnight } from "./words";

export interface Day {
  expected: Work[];
  arrived: Session[];
  under: Session[];
  recovering: Session[];
  gone: Session[];
  /** Other visits, integrations and tasks of today, and what is overdue; a REMS form from the day it is owed. */
  other: Work[];
}

/** Of a session with Spravato: due in a week, and better sent while the session is remembered. */
export const isRems = (item: Work): boolean => item.task === "rems-monitoring-form";

const RECOVERING: ReadonlySet<string> = new Set(["Recovery", "Ready"]);

export function dayOf(work: readonly Work[], sessions: readonly Session[], now: number): Day {
  const from = midnight(now);
  const to = midnight(now, 1);
  const due = (item: Work): number => (item.due === null ? Infinity : Date.parse(item.due));
  const dosing = (item: Work): boolean => item.kind === "visit" && item.visit === "dosing";
  const here = new Set(sessions.filter((s) => s.state === "open").map((s) => s.course_id));
  const open = sessions.filter((s) => s.state === "open").sort((a, b) => a.room.localeCompare(b.room, "en", { numeric: true }));
  const recovering = (s: Session): boolean => RECOVERING.has(phaseOf(s.expected, minutesSince(s, now)));
  return {
    expected: work.filter((item) => dosing(item) && due(item) >= from && due(item) < to && !here.has(item.course_id ?? "")),
    arrived: open.filter((s) => s.doses.length === 0),
    under: open.filter((s) => s.doses.length > 0 && !recovering(s)),
    recovering: open.filter((s) => s.doses.length > 0 && recovering(s)),
    gone: sessions.filter((s) => s.ended_at !== null && Date.parse(s.ended_at) >= from).sort((a, b) => Date.parse(b.ended_at ?? "") - Date.parse(a.ended_at ?? "")),
    other: work.filter((item) => (due(item) < to || isRems(item)) && !(dosing(item) && due(item) >= from)),
  };
}

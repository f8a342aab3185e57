/* What the record says since the last dose, for whoever thinks of giving more. Facts alone: whether a booster is right is a
   clinician's to judge, and the protocol has no rule of when. Pure. */
import { openAlarms } from "./alarms";
import type { BoardSession } from "./board";
import { dueOf, lastDose, WANTED } from "./course";
import type { SessionDetail, TimelineItem } from "./model";
import { alarmsTold, standing } from "./record";
import { tell } from "./story";
import { asPrinted, clockTime, words } from "./words";

export interface Fact {
  text: string;
  /** Something that went wrong, or that nobody has looked at. */
  bad: boolean;
}

const MOST_ALARMS = 4;

export function sinceDose(s: BoardSession, detail: SessionDetail | null, items: readonly TimelineItem[], now: number): { minutes: number; facts: Fact[] } {
  const dose = lastDose(s);
  const from = dose ? Date.parse(dose.at) : now;
  const minutes = Math.max(0, Math.floor((now - from) / 60_000));
  const { peak_min } = s.expected;
  const course: Fact = { text: minutes < peak_min ? `The protocol expects the peak as late as ${peak_min} min after it` : `The latest peak that the protocol expects, ${peak_min} min after it, is over`, bad: false };
  // Without the timeline nothing is known to have happened, which is not that nothing did.
  const unread: Fact[] = items.some(({ type }) => type === "Dosed") ? [] : [{ text: "The timeline is not read yet: adverse events and past alarms are missing here", bad: true }];
  return { minutes, facts: [course, ...alarms(s, items, from), ...unread, ...happened(items, from), awake(detail, from), ...check(s, now)] };
}

function alarms(s: BoardSession, items: readonly TimelineItem[], from: number): Fact[] {
  const open = openAlarms(s);
  const shown = new Set(open.map(({ alarm_id }) => alarm_id));
  const over = alarmsTold(items).filter(({ id, onset, technical }) => onset >= from && !technical && !shown.has(id));
  const said = [
    ...open.map((alarm) => `${alarm.cleared_at ? "Alarm over, not acknowledged" : alarm.state === "acknowledged" ? "Alarm still open, acknowledged" : "Alarm open"}: ${asPrinted(alarm.text)}`),
    ...over.reverse().map(({ text, onset }) => `Alarm, over: ${text}, ${clockTime(onset)}`),
  ];
  const more = said.length - MOST_ALARMS;
  return [...said.slice(0, MOST_ALARMS), ...(more > 0 ? [`${more} alarms more`] : [])].map((text) => ({ text, bad: true }));
}

function happened(items: readonly TimelineItem[], from: number): Fact[] {
  const events = standing(items, "AdverseEventRecorded").filter(({ at }) => at >= from);
  const seen = standing(items, "ObservationRecorded").filter(({ at, data }) => at >= from && data.symptoms.length > 0);
  return [
    ...events.map(({ at, data }) => ({ text: `${tell({ type: "AdverseEventRecorded", data: { ...data } }).text.replace(/\. $/, "")}, ${clockTime(at)}`, bad: true })),
    ...seen.map(({ at, data }) => ({ text: `Symptoms: ${data.symptoms.map(words).join(", ")}, ${clockTime(at)}`, bad: true })),
  ];
}

function awake(detail: SessionDetail | null, from: number): Fact {
  const last = detail?.observations.moaas;
  if (!last) return { text: detail ? "MOAA/S was not recorded" : "The last MOAA/S is not read yet", bad: true };
  const before = Date.parse(last.at) < from;
  return { text: `MOAA/S ${last.value} at ${clockTime(Date.parse(last.at))}${before ? ", before that dose" : ""}`, bad: before || last.value < 5 };
}

function check(s: BoardSession, now: number): Fact[] {
  const due = dueOf(s, now);
  return due.check !== null && due.seconds !== null && due.seconds < 0 ? [{ text: `The ${due.what} is ${Math.ceil(-due.seconds / 60)} min overdue: ${due.missing.map((what) => WANTED[what]).join(", ")}`, bad: true }] : [];
}

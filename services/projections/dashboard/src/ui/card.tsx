/* One session on the board. Each part draws itself when what it shows has changed, and not otherwise. */
import type { ReadonlySignal } from "@preact/signals";
import { bySeverity, openAlarms } from "../alarms";
import { type BoardSession, callsNurse } from "../board";
import { type Due, dueOf, WANTED } from "../course";
import type { Session } from "../model";
import { useStable } from "../stable";
import { health, isMe, me, now, sessionOf } from "../store";
import { clockTime, duration, until } from "../words";
import { CardAlarm, shownState } from "./alarm";
import { Course, Phase } from "./course";
import { Icon } from "./icon";
import { Value } from "./value";

/** `none`: for a screen in the corridor, whoever is signed in there. */
export type Names = "label" | "full" | "none";

/** A therapist sits with the patient; of a session that is over everybody wants the record. */
export const pathOf = ({ session_id, state }: Session): string =>
  `/sessions/${session_id}${me.value?.role === "therapist" && state === "open" ? "/with" : ""}`;

export function Card({ id, names }: { id: string; names: Names }) {
  const session = sessionOf(id);
  const view = useStable(() => {
    const s = session.value;
    if (!s) return null;
    const alarms = openAlarms(s).sort(bySeverity);
    const state = alarms[0] && shownState(alarms[0], health.value.lostSince !== null, now.value);
    const { room, label, incomplete } = s;
    const empty = Object.keys(s.latest).length === 0;
    const call = callsNurse(s) ? s.help : null;
    return { path: pathOf(s), room, label: names === "none" ? null : label, name: names === "full" ? s.name : null, call, incomplete, ended: s.state !== "open", endedAt: s.ended_at, aborted: s.state === "aborted", alarms, state, empty, attached: s.devices.length > 0 };
  }, [session, names]);
  if (!view) return null;
  const top = view.alarms[0];
  const mark = top && { "data-p": top.priority, "data-s": view.state };
  return (
    <article class={view.ended ? "card free" : "card"} data-room={view.room} data-session={id} {...mark}>
      <div class="card-in">
        <header class="card-head" {...mark}>
          <h2>
            <a href={view.path}>
              <span class="room">
                <span class="sr">Room </span>
                {view.room}
              </span>
              {view.label && <span class="who">{view.label}</span>}
            </a>
          </h2>
          <CardAlarm alarms={view.alarms} />
        </header>
        {view.ended ? (
          <div class="empty">
            <Icon name="door" />
            <p>
              <b>{view.aborted ? "Session stopped" : "Discharged"} </b>
              {view.endedAt && clockTime(Date.parse(view.endedAt))}
            </p>
          </div>
        ) : (
          <>
            <Phase session={session} warning={view.incomplete ? "record incomplete" : undefined} call={view.call} name={view.name} />
            <Course session={session} />
            {view.empty ? (
              <div class="empty">
                <Icon name={view.attached ? "monitor" : "unplugged"} />
                <p>
                  <b>{view.attached ? "No readings yet" : "No monitor attached"}</b>
                  <br />
                  {view.attached ? "Nothing has come from the monitor." : "Vitals appear here within 2 s of attaching one."}
                </p>
              </div>
            ) : (
              <div class="vs">
                <Value session={session} kind="spo2" />
                <Value session={session} kind="pulse" />
                <Value session={session} kind="bp" />
                <Value session={session} kind="resp" />
              </div>
            )}
            <Foot session={session} nameless={names === "none"} />
          </>
        )}
      </div>
    </article>
  );
}

function Foot({ session, nameless }: { session: ReadonlySignal<BoardSession | null>; nameless: boolean }) {
  const view = useStable(() => {
    const s = session.value;
    if (!s) return null;
    return { devices: s.devices, nobody: s.responsible === null, nurse: s.responsible_name, mine: isMe(s.responsible) };
  }, [session]);
  if (!view) return null;
  return (
    <footer class="card-foot">
      <DueCheck session={session} />
      {view.nobody ? (
        <span class="owner nobody">
          <Icon name="person" />
          Nobody<span class="responsible-word"> responsible</span>
        </span>
      ) : (
        !nameless && (
          <span class={view.mine ? "owner you" : "owner"}>
            <Icon name="person" />
            <span class="sr">Responsible: </span>
            {view.mine ? "You" : surname(view.nurse ?? "somebody")}
          </span>
        )
      )}
      <span class="mon" title={view.devices.join(", ") || undefined}>
        <Icon name={view.devices.length ? "monitor" : "unplugged"} label={view.devices.length ? `Monitor ${view.devices.join(", ")} attached` : "No monitor attached"} />
        <span aria-hidden="true">{view.devices.length === 0 ? "none" : short(view.devices[0] ?? "")}{view.devices.length > 1 && ` +${view.devices.length - 1}`}</span>
      </span>
    </footer>
  );
}

/** "20 min check: MOAA/S, dissociation". A card has room for the first of them, "20 min: MOAA/S +1", when some of it was done. */
function named({ what, check, missing }: Due, whole: boolean): string {
  const [first, ...more] = missing;
  if (!check || !first) return what;
  if (whole) return `${what}: ${missing.map((one) => WANTED[one]).join(", ")}`;
  if (check.wants.every((one) => missing.includes(one))) return what;
  return `${check.minute} min: ${WANTED[first]}${more.length ? ` +${more.length}` : ""}`;
}

export function DueCheck({ session, whole = false }: { session: ReadonlySignal<BoardSession | null>; whole?: boolean }) {
  const due = useStable(() => {
    if (!session.value) return null;
    if (health.value.lostSince !== null) return { what: named(dueOf(session.value, health.value.lostSince), whole), when: "not known", late: false };
    const due = dueOf(session.value, now.value);
    const { seconds, words, late } = due;
    const when = words ?? (seconds === null ? "" : seconds > 0 ? until(seconds) : late ? `${duration(-seconds)} late` : "now");
    return { what: named(due, whole), when, late };
  }, [session, whole]);
  if (!due) return null;
  return (
    <span class="due" data-due={due.late ? "late" : "ok"}>
      <Icon name="clock" />
      <span class="due-what">{due.what}</span>
      <b>{due.when}</b>
    </span>
  );
}

const surname = (name: string): string => name.trim().split(/\s+/).pop() ?? name;

/** Monitors have names of up to 64 characters; the last ones tell them apart. */
export const short = (device: string): string => (device.length <= 8 ? device : `…${device.slice(-5)}`);

/* Who is expected, checked in, under, recovering, gone home; and what else the day asks. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { openAlarms } from "../alarms";
import type { BoardSession } from "../board";
import { capital, labelOf } from "../care";
import { checkedAs, lastDose, minutesSince, phaseOf, ROUTES } from "../course";
import type { Session, Work } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { useStable } from "../stable";
import { ids, loaded, now, serverNow, sessionOf } from "../store";
import { dayOf, isRems } from "../today";
import { clockTime, dayInYear, midnight, weekday, words } from "../words";
import { AlarmChip } from "./alarm";
import { pathOf } from "./card";
import { named, NamesSwitch } from "./names";
import { Bones, Page, Unread } from "./page";

const EVERY_MS = 15_000;
/** Who goes home today was opened no longer before midnight. */
const OPENED_BEFORE_MS = 12 * 3_600_000;
const UNKNOWN = "Not known right now.";

export function TodayPage() {
  const minute = useStable(() => Math.floor(now.value / 20_000) * 20_000, []);
  // What is under way comes with the feed, so that this page is never behind the board.
  const live = useStable(() => ids.value.flatMap((id) => short(sessionOf(id).value)), []);
  const planned = useRead(queries.worklist, [], EVERY_MS);
  const past = useRead(() => queries.sessions(midnight(serverNow()) - OPENED_BEFORE_MS), [], EVERY_MS * 2);
  const date = weekday(minute);
  const sessions = useMemo(() => {
    const known = new Set(live.map((s) => s.session_id));
    return [...live, ...(past.data ?? []).filter((s) => !known.has(s.session_id) && s.state !== "open")];
  }, [live, past.data]);
  // Who is in the rooms is known without the history.
  const work = planned.data ?? (planned.failed ? [] : null);
  // Before the feed has come nobody knows who is there: that is not nobody.
  const day = loaded.value ? work && dayOf(work, sessions, minute) : null;
  return (
    <Page
      title="Today"
      lead={date}
      tools={<NamesSwitch look="btn quiet" />}
    >
      <Unread of={planned} what="What is planned" />
      <Unread of={past} what="Who has gone home" />
      {day === null ? (
        <Bones />
      ) : (
        <>
          <div class="day">
            <Column title="Expected" count={day.expected.length} none={planned.data ? "Nobody else is expected." : UNKNOWN}>
              {day.expected.map((item) => (
                <Expected key={item.id ?? item.course_id} item={item} now={minute} />
              ))}
            </Column>
            <Column title="Checked in" count={day.arrived.length} none="Nobody waits for a dose.">
              {day.arrived.map((s) => (
                <Here key={s.session_id} s={s} said={[s.pre_dose ? `Pre-dose check ${checkedAs(s.pre_dose)}` : "Pre-dose check to do"]} />
              ))}
            </Column>
            <Column title="Under" count={day.under.length} none="Nobody is under.">
              {day.under.map((s) => (
                <Here key={s.session_id} s={s} said={since(s, minute)} />
              ))}
            </Column>
            <Column title="Recovering" count={day.recovering.length} none="Nobody is recovering.">
              {day.recovering.map((s) => (
                <Here key={s.session_id} s={s} said={since(s, minute)} />
              ))}
            </Column>
            <Column title="Gone home" count={day.gone.length} none={past.data ? "Nobody has left yet." : UNKNOWN}>
              {day.gone.map((s) => (
                <Here key={s.session_id} s={s} said={[`${s.state === "aborted" ? "Stopped" : "Discharged"} ${clockTime(Date.parse(s.ended_at ?? ""))}`]} />
              ))}
            </Column>
          </div>
          <section class="panel also" aria-labelledby="also-h">
            <h2 id="also-h">
              Also to do <small>other visits, integration, forms, questions; what is overdue</small>
            </h2>
            {day.other.length === 0 ? (
              <p class="quiet-line">{planned.data ? "Nothing else is due today." : UNKNOWN}</p>
            ) : (
              <ul class="rows">
                {day.other.slice(0, 50).map((item, i) => (
                  <Other key={item.id ?? `${item.kind}${i}`} item={item} now={minute} />
                ))}
              </ul>
            )}
          </section>
        </>
      )}
    </Page>
  );
}

/** Only what this page shows, so that a reading of a monitor does not draw it anew. */
function short(s: BoardSession | null): Session[] {
  if (!s) return [];
  const { latest: _, trend: __, heard: ___, ...session } = s;
  return [{ ...session, alarms: openAlarms(s) }];
}

/** Where the patient is and since when; from when on they may go home. */
function since(s: Session, now: number): string[] {
  const minutes = minutesSince(s, now);
  const dose = lastDose(s);
  const leave = dose && Date.parse(dose.at) + s.expected.minimum_stay_min * 60_000;
  const where = `${phaseOf(s.expected, minutes)}, +${Math.max(0, Math.floor(minutes ?? 0))} min`;
  return leave && leave > now ? [where, `home from ${clockTime(leave)}`] : [where];
}

function Column({ title, count, none, children }: { title: string; count: number; none: string; children: ComponentChildren }) {
  const id = `day-${title.replace(/\s/g, "")}`;
  return (
    <section class="panel day-col" aria-labelledby={id}>
      <h2 id={id}>
        {title} <b>{none === UNKNOWN && count === 0 ? "?" : count}</b>
      </h2>
      {count === 0 ? <p class="quiet-line">{none}</p> : <ul class="rows">{children}</ul>}
    </section>
  );
}

const shown = (person: { name?: string | null; number: string | null }): string =>
  named.value && person.name ? person.name : labelOf({ name: person.name ?? null, number: person.number });

/** Two lines under the name, each of which fits: what and since when, then the route and what comes. */
function Here({ s, said: [first, then] }: { s: Session; said: string[] }) {
  return (
    <li>
      <a class="row" href={pathOf(s)}>
        <b class="row-room">{s.room}</b>
        <span>
          <span class="row-name">
            <b>{shown(s)}</b>
            {s.state === "open" && <AlarmChip alarms={s.alarms} />}
          </span>
          <small>{first}</small>
          <small>{[ROUTES[s.route], then].filter(Boolean).join(", ")}</small>
        </span>
      </a>
    </li>
  );
}

function Expected({ item, now: at }: { item: Work; now: number }) {
  const due = Date.parse(item.due ?? "");
  const late = at - due > 10 * 60_000;
  return (
    <li>
      <a class="row" href={`/courses/${item.course_id}`}>
        <b class="row-time">{clockTime(due)}</b>
        <span>
          <b>{shown(item)}</b>
          <small>
            {item.room ? `room ${item.room}` : "no room yet"}
            {late && `, ${Math.floor((at - due) / 60_000)} min late`}
          </small>
        </span>
      </a>
    </li>
  );
}

function Other({ item, now: at }: { item: Work; now: number }) {
  const due = item.due === null ? null : Date.parse(item.due);
  const ahead = due !== null && due >= midnight(at, 1);
  const what = isRems(item) ? "REMS form to be sent" : item.kind === "task" ? capital(words(item.task ?? "task")) : item.kind === "integration" ? `Integration visit ${item.visit}` : `${capital(String(item.visit))} visit`;
  const when = due === null ? "no date" : due < midnight(at) || ahead ? dayInYear(due) : clockTime(due);
  const body = (
    <>
      <b class="row-time">{when}</b>
      <span>
        <b>{shown(item)}</b>
        <small>
          {what}
          {due !== null && due < midnight(at) && ", overdue"}
          {ahead && ", by then at the latest"}
        </small>
      </span>
    </>
  );
  const path = isRems(item) && item.session_id ? `/sessions/${item.session_id}/rems` : item.course_id ? `/courses/${item.course_id}` : null;
  return <li>{path ? <a class="row" href={path}>{body}</a> : <div class="row">{body}</div>}</li>;
}

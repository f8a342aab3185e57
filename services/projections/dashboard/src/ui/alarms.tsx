/* All alarms: those that are open, and what became of the others. */
import { useEffect, useState } from "preact/hooks";
import { byPriority, told } from "../alarms";
import type { AlarmOf } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { useStable } from "../stable";
import { alarmed, feedLost, loaded, now, serverNow, unanswered } from "../store";
import { asPrinted, clockTime, dayInYear, duration, midnight } from "../words";
import { AlarmAge, alarmWords, shownState } from "./alarm";
import { Acknowledge, Refusal } from "./answer";
import { Loading } from "./board";
import { Icon, Pri } from "./icon";
import { Nothing, Page, Reading, TableHead } from "./page";

const EVERY_MS = 10_000;
const SHOWN = 200;

export function AlarmsPage() {
  const open = [...alarmed.value].sort((a, b) => byPriority(a.alarm, b.alarm));
  const answered = open.length - unanswered.value.length;
  const lost = feedLost.value;
  const second = useStable(() => Math.floor(now.value / 1000) * 1000, []);
  const moved = open.map(({ alarm }) => `${alarm.alarm_id}${alarm.state}`).join();
  const [all, setAll] = useState(false);
  const history = useRead(() => queries.alarms(all ? null : midnight(serverNow())), [all], EVERY_MS);
  useEffect(() => {
    if (history.data) history.changed();
  }, [moved]);
  return (
    <Page title="Alarms" lead="The bedside monitor is the primary alarm. Here stand those that KAP raised.">
      <section aria-labelledby="open-h">
        <h2 id="open-h" class="section-h">
          Open <b>{loaded.value ? `${unanswered.value.length} not acknowledged${answered > 0 ? `, ${answered} acknowledged` : ""}` : "?"}</b>
        </h2>
        {!loaded.value ? (
          <Loading />
        ) : open.length === 0 ? (
          <Nothing icon="check" title="No open alarms">
            {lost && "As of when the feed was lost."}
          </Nothing>
        ) : (
          <ul class="alarm-rows">
            {open.map(({ session, alarm }) => (
              <li key={alarm.alarm_id} class="alarm-row" data-p={alarm.priority} data-s={shownState(alarm, lost, second)}>
                <a class="banner-tag" data-s={shownState(alarm, lost, second)} href={`/sessions/${session.session_id}`}>
                  <Pri of={alarm.priority} />
                  <span>Room {session.room}</span>
                </a>
                <span class="alarm-what">
                  <b>{alarmWords(alarm, lost)}</b>
                  <small>
                    {session.label && `${session.label} · `}since {clockTime(Date.parse(alarm.onset), true)}
                    {!lost && (
                      <>
                        , <AlarmAge alarm={alarm} />
                      </>
                    )}
                    {alarm.state === "acknowledged" && ` · acknowledged by ${alarm.acknowledged_by_name ?? "somebody"}`}
                    {alarm.state === "paused" && " · sound paused"}
                    {alarm.state === "latched" && ", waits for an answer"}
                    {alarm.escalated && ` · escalated${told(alarm) && ` to the ${told(alarm)}`}`}
                  </small>
                </span>
                <Acknowledge session={session} alarm={alarm} />
                <Refusal alarm={alarm} />
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="history-h">
        <div class="section-h">
          <h2 id="history-h">History</h2>
          <span class="seg" role="group" aria-label="Which alarms">
            {[false, true].map((wanted) => (
              <button key={String(wanted)} type="button" aria-pressed={all === wanted} onClick={() => setAll(wanted)}>
                {wanted ? "All" : "Today"}
              </button>
            ))}
          </span>
        </div>
        <Reading of={history} what="The history of alarms">
          {(alarms) => <History alarms={alarms} />}
        </Reading>
      </section>
    </Page>
  );
}

function History({ alarms }: { alarms: readonly AlarmOf[] }) {
  if (alarms.length === 0) {
    return (
      <Nothing icon="check" title="No alarm yet">
        Those that are raised stay here, with who acknowledged them.
      </Nothing>
    );
  }
  const seconds = (from: string, to: string): string => duration((Date.parse(to) - Date.parse(from)) / 1000);
  return (
    <div class="panel scroll-x" tabIndex={0} role="region" aria-label="History of alarms">
      <table class="list alarm-history">
        <TableHead of={["Onset", "Room", "Alarm", "Lasted", "Acknowledged", "After"]} />
        <tbody>
          {alarms.slice(0, SHOWN).map((alarm) => (
            <tr key={alarm.alarm_id}>
              <td>
                <time dateTime={alarm.onset}>{when(alarm.onset)}</time>
              </td>
              <td data-name="Room">
                <a class="in-text" href={`/sessions/${alarm.session_id}`}>
                  {alarm.room ?? "–"}
                </a>
              </td>
              <td class="wide">
                <span class="tag" data-p={alarm.priority}>
                  <Pri of={alarm.priority} />
                </span>{" "}
                {asPrinted(alarm.text)}
                {alarm.late && <small> · found late, never sounded</small>}
                {alarm.escalated && <small> · escalated</small>}
              </td>
              <td data-name="Lasted">{alarm.cleared_at ? seconds(alarm.onset, alarm.cleared_at) : <b>open</b>}</td>
              <td data-name="Acknowledged">{alarm.acknowledged_at ? (alarm.acknowledged_by_name ?? "somebody") : alarm.late ? "–" : <span class="dim">nobody</span>}</td>
              <td data-name="After">{alarm.acknowledged_at ? seconds(alarm.raised_at, alarm.acknowledged_at) : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {alarms.length > SHOWN && (
        <p class="quiet-line">
          <Icon name="list" /> The newest {SHOWN} of {alarms.length}.
        </p>
      )}
    </div>
  );
}

function when(at: string): string {
  const ms = Date.parse(at);
  const day = ms >= midnight(serverNow()) ? "" : `${dayInYear(ms)}, `;
  return `${day}${clockTime(ms, true)}`;
}

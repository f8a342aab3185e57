/* The open alarms of one session: what, since when, who knows of it, and what can be done about it. */
import { openAlarms, told } from "../alarms";
import type { BoardSession } from "../board";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { feedLost, now } from "../store";
import { asPrinted, clockTime, duration, PAUSED_FOR, words } from "../words";
import { AlarmAge, AlarmMarks, alarmWords, type Shown, shownState } from "./alarm";
import { Acknowledge, Pause, Refusal } from "./answer";
import { Pri } from "./icon";

export function OpenAlarms({ s }: { s: BoardSession }) {
  const lost = feedLost.value;
  return (
    <>
      {openAlarms(s).map((alarm, i) => (
        <OpenAlarm key={alarm.alarm_id} s={s} alarm={alarm} lost={lost} lead={i === 0} />
      ))}
    </>
  );
}

/** The most urgent one leads; the others take a row each, so that all of them and what can be done stay in sight. */
function OpenAlarm({ s, alarm, lost, lead }: { s: BoardSession; alarm: Alarm; lost: boolean; lead: boolean }) {
  const state = useStable(() => shownState(alarm, lost, now.value), [alarm, lost]);
  if (!lead) {
    return (
      <section class="open-alarm brief" data-p={alarm.priority} data-s={state} aria-label={`Alarm: ${asPrinted(alarm.text)}`}>
        <div class="top" data-s={state}>
          <Pri of={alarm.priority} />
          <AlarmMarks alarm={alarm} state={state} />
          <span class="what">
            {alarmWords(alarm, lost)}
            {/* in sight: who answered it; when it began and ended the row says by its words and age */}
            {!lost && <small class={state === "acknowledged" || state === "paused" || ofMonitor(alarm) ? "" : "sr"}>{wordsOf(alarm, state)}</small>}
          </span>
          <span>{!lost && <AlarmAge alarm={alarm} />}</span>
        </div>
        {!lost && (
          <>
            <Acknowledge session={s} alarm={alarm} brief />
            <Pause session={s} alarm={alarm} brief />
            <Refusal alarm={alarm} />
          </>
        )}
      </section>
    );
  }
  return (
    <section class="open-alarm" data-p={alarm.priority} data-s={state} aria-label={`Alarm: ${asPrinted(alarm.text)}`}>
      <div class="top" data-s={state}>
        <Pri of={alarm.priority} />
        <AlarmMarks alarm={alarm} state={state} />
        <span class="what">{alarmWords(alarm, lost)}</span>
        <span>{!lost && <AlarmAge alarm={alarm} />}</span>
      </div>
      {!lost && (
        <div class="body">
          <p class="why-text">{wordsOf(alarm, state)}</p>
          <div class="pair">
            <Acknowledge session={s} alarm={alarm} main />
            <Pause session={s} alarm={alarm} />
          </div>
          <Refusal alarm={alarm} />
        </div>
      )}
    </section>
  );
}

/** Two monitors may stand at one bed: what is about a monitor says about which. */
const ofMonitor = (alarm: Alarm): boolean => alarm.kind === "technical" && alarm.device_id !== null;

/** Since when, and everybody who knows: whom the protocol told, who silenced it, who acknowledged it. */
function wordsOf(alarm: Alarm, state: Shown): string {
  const said = [`${ofMonitor(alarm) ? `Monitor ${alarm.device_id}. ` : ""}Since ${clockTime(Date.parse(alarm.onset), true)}.`];
  if (alarm.late) said.push("Found late: it never sounded.");
  if (alarm.cleared_at) said.push(`Over since ${clockTime(Date.parse(alarm.cleared_at), true)}: nobody has acknowledged it yet.`);
  if (alarm.escalated) said.push(told(alarm) ? `Nobody answered: the ${told(alarm)} is told.` : "Nobody answered: raised.");
  if (state === "paused") said.push(`Sound paused until ${clockTime(Date.parse(alarm.paused_until ?? ""), true)}${alarm.paused_for ? `: ${reason(alarm.paused_for)}` : ""}.`);
  if (state === "acknowledged") {
    const after = alarm.acknowledged_at ? (Date.parse(alarm.acknowledged_at) - Date.parse(alarm.raised_at)) / 1000 : 0;
    said.push(`Acknowledged by ${alarm.acknowledged_by_name ?? "somebody"} after ${duration(after)}.`);
  }
  return said.join(" ");
}

const reason = (cause: string): string => (PAUSED_FOR[cause] ?? words(cause)).toLowerCase();

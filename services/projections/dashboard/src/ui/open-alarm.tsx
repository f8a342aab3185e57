/* The open alarms of one session: what, since when, who knows of it, and what can be done about it. */
import { openAlarms, standing, told } from "../alarms";
import type { BoardSession } from "../board";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { health, now } from "../store";
import { asPrinted, clockTime, PAUSED_FOR, words } from "../words";
import { AlarmAge, AlarmMarks, alarmWords } from "./alarm";
import { Acknowledge, Pause, Refusal } from "./answer";
import { Pri } from "./icon";

export function OpenAlarms({ s }: { s: BoardSession }) {
  const lost = useStable(() => health.value.lostSince !== null, []);
  return (
    <>
      {openAlarms(s).map((alarm, i) => (
        <OpenAlarm key={alarm.alarm_id} s={s} alarm={alarm} lost={lost} main={i === 0} />
      ))}
    </>
  );
}

function OpenAlarm({ s, alarm, lost, main }: { s: BoardSession; alarm: Alarm; lost: boolean; main: boolean }) {
  const state = useStable(() => standing(alarm, now.value), [alarm]);
  return (
    <section class="open-alarm" data-p={alarm.priority} data-s={lost ? "unknown" : shownAs(state)} aria-label={`Alarm: ${asPrinted(alarm.text)}`}>
      <div class="top" data-s={lost ? "unknown" : shownAs(state)}>
        <Pri of={alarm.priority} />
        <AlarmMarks alarm={alarm} state={state} />
        <span class="what">{alarmWords(alarm, lost)}</span>
        <span>{!lost && <AlarmAge alarm={alarm} />}</span>
      </div>
      {!lost && (
        <div class="body">
          <p class="why-text">{wordsOf(alarm, state)}</p>
          <div class="pair">
            <Acknowledge session={s} alarm={alarm} main={main} />
            <Pause session={s} alarm={alarm} />
          </div>
          <Refusal alarm={alarm} />
        </div>
      )}
    </section>
  );
}

const shownAs = (state: string): string => (state === "acknowledged" ? "acked" : state);

/** Since when, and everybody who knows: whom the protocol told, who silenced it, who acknowledged it. */
function wordsOf(alarm: Alarm, state: string): string {
  const said = [`Since ${clockTime(Date.parse(alarm.onset), true)}.`];
  if (alarm.late) said.push("Found late: it never sounded.");
  if (alarm.cleared_at) said.push(`Over since ${clockTime(Date.parse(alarm.cleared_at), true)}: nobody has acknowledged it yet.`);
  if (alarm.escalated) said.push(told(alarm) ? `Nobody answered: the ${told(alarm)} is told.` : "Nobody answered: raised.");
  if (state === "paused") said.push(`Sound paused until ${clockTime(Date.parse(alarm.paused_until ?? ""), true)}${alarm.paused_for ? `: ${reason(alarm.paused_for)}` : ""}.`);
  if (state === "acknowledged") {
    const after = alarm.acknowledged_at ? Math.max(0, Math.round((Date.parse(alarm.acknowledged_at) - Date.parse(alarm.raised_at)) / 1000)) : 0;
    said.push(`Acknowledged by ${alarm.acknowledged_by_name ?? "somebody"} after ${Math.floor(after / 60)}:${String(after % 60).padStart(2, "0")}.`);
  }
  return said.join(" ");
}

const reason = (cause: string): string => (PAUSED_FOR[cause] ?? words(cause)).toLowerCase();

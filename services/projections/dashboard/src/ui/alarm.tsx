/* Alarms: in a card's head, in the banner, in the bar of other pages. */
import { byUrgency, type Standing, standing, told } from "../alarms";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { BEHIND_MS, BEHIND_TONE_MS } from "../freshness";
import { place } from "../route";
import { alarmed, called, health, loaded, now, over, quietly, quietUntil, silentSince } from "../store";
import { asPrinted, clockTime, duration } from "../words";
import { Acknowledge, Pause, Refusal } from "./answer";
import { BannerCalls, CallChips } from "./call";
import { Icon, Pri } from "./icon";

/** Counts while the alarm is unanswered; the words before it never move. */
export function AlarmAge({ alarm }: { alarm: Alarm }) {
  const text = useStable(() => {
    const paused = standing(alarm, now.value) === "paused";
    return duration(paused ? (Date.parse(alarm.paused_until ?? "") - now.value) / 1000 : (now.value - Date.parse(alarm.onset)) / 1000);
  }, [alarm]);
  return <>{text}</>;
}

/** A lost feed keeps the alarm that was, dashed: nobody here knows whether it still is. */
export function shownState(alarm: Alarm, lost: boolean, at: number): string {
  const state = standing(alarm, at);
  return lost ? "unknown" : state === "acknowledged" ? "acked" : state;
}

/** What became of it, as icons with names: acknowledged, silenced, found late, told to somebody else. */
export function AlarmMarks({ alarm, state }: { alarm: Alarm; state: Standing | string }) {
  return (
    <>
      {(state === "acknowledged" || state === "acked") && <Icon name="check" label="acknowledged" />}
      {state === "paused" && <Icon name="mute" label="sound paused" />}
      {state === "late" && <Icon name="clock" label="found late" />}
      {alarm.escalated && <Icon name="send" label={told(alarm) ? `escalated to the ${told(alarm)}` : "escalated"} />}
    </>
  );
}

export const alarmWords = (alarm: Alarm, lost: boolean): string => `${lost ? "was " : alarm.cleared_at ? "over: " : ""}${asPrinted(alarm.text)}`;

export function CardAlarm({ alarms }: { alarms: readonly Alarm[] }) {
  const lost = useStable(() => health.value.lostSince !== null, []);
  const [top, next] = alarms;
  const state = useStable(() => top && shownState(top, lost, now.value), [top, lost]);
  if (!top || !state) return null;
  return (
    <div class="alarm" data-p={top.priority} data-s={state}>
      <Pri of={top.priority} />
      <AlarmMarks alarm={top} state={state} />
      <span class="alarm-text" title={asPrinted(top.text)}>
        {alarmWords(top, lost)}
      </span>
      <span class="alarm-age">{!lost && <AlarmAge alarm={top} />}</span>
      {next && !lost && (
        <span class="chip" data-p={next.priority}>
          <Pri of={next.priority} />
          {alarms.length - 1}
        </span>
      )}
    </div>
  );
}

/** One row that keeps its place: the most urgent unanswered alarm with its button, the others after it. */
export function Banner() {
  const open = alarmed.value
    .filter(({ alarm }) => alarm.state !== "acknowledged")
    .sort((a, b) => byUrgency(a.alarm, b.alarm));
  const [lead, ...rest] = open;
  const state = useStable(() => lead && shownState(lead.alarm, false, now.value), [lead?.alarm]);
  return (
    <section class="banner" aria-label="Open alarms">
      <BannerCalls />
      {lead ? (
        <>
          <div class="banner-item lead" data-p={lead.alarm.priority}>
            <span class="banner-tag" data-s={state}>
              <Pri of={lead.alarm.priority} />
              <AlarmMarks alarm={lead.alarm} state={state ?? ""} />
              Room {lead.session.room}
            </span>
            <span class="banner-text">
              {asPrinted(lead.alarm.text)}{" "}
              <span class="banner-age">
                {state === "paused" ? "sound paused, " : state === "latched" ? "over, not acknowledged, " : state === "late" ? "found late, " : "for "}
                <AlarmAge alarm={lead.alarm} />
                {told(lead.alarm) && `, ${told(lead.alarm)} told`}
              </span>
            </span>
            <Refusal alarm={lead.alarm} />
            <span class="grow" />
            <Acknowledge session={lead.session} alarm={lead.alarm} main />
            <Pause session={lead.session} alarm={lead.alarm} />
          </div>
          <Rest open={rest} />
        </>
      ) : (
        called.value.length === 0 && <Calm />
      )}
    </section>
  );
}

/** What does not fit is counted. `tight`: without the alarms' words, which the cards say as well. */
function Rest({ open, most = 8, tight = open.length > 3 }: { open: typeof alarmed.value; most?: number; tight?: boolean }) {
  const states = useStable(() => open.slice(0, most).map(({ alarm }) => shownState(alarm, false, now.value)), [open, most]);
  return (
    <div class={tight ? "banner-rest tight" : "banner-rest"}>
      {open.slice(0, most).map(({ session, alarm }, i) => (
        <a key={alarm.alarm_id} class="banner-item" data-p={alarm.priority} href={`/sessions/${session.session_id}`}>
          <span class="banner-tag" data-s={states[i]}>
            <Pri of={alarm.priority} />
            <span>
              <span class="room-word">Room </span>
              {session.room}
            </span>
          </span>
          <span class="banner-text">{asPrinted(alarm.text)}</span>
        </a>
      ))}
      {open.length > most && <span class="banner-more">+{open.length - most} more</span>}
    </div>
  );
}

/** The tone of a screen that shows nothing live has been heard. */
export function Quiet() {
  return (
    <button type="button" class="btn" aria-pressed={quietUntil.value > 0} onClick={quietly}>
      <Icon name="mute" />
      Silence 2 min
    </button>
  );
}

/** While the server is behind no alarm can be trusted to come: that leads, the open ones follow it. */
export function BehindBanner({ alarms }: { alarms: boolean }) {
  const open = alarms ? alarmed.value.filter(({ alarm }) => alarm.state !== "acknowledged").sort((a, b) => byUrgency(a.alarm, b.alarm)) : [];
  const seconds = useStable(() => {
    const since = silentSince.value;
    return since === null || now.value - since < BEHIND_MS ? null : Math.floor((now.value - since) / 1000);
  }, []);
  // From when on it sounds (store.ts); beside a patient nothing does.
  const tone = useStable(() => place.value.at !== "with" && (health.value.behind ?? 0) > BEHIND_TONE_MS, []);
  return (
    <section class="banner" aria-label="Server behind">
      <div class="lost-bar behind-bar" role="status">
        <Pri of="medium" />
        <div>
          {seconds !== null && (
            <b>
              No new values from the monitors for <span aria-hidden="true">{duration(seconds)}</span>.{" "}
            </b>
          )}
          <span>
            The server is behind: alarms may be missing. <strong>Go to the bedside monitors.</strong>
          </span>
        </div>
        {tone && <Quiet />}
      </div>
      {alarms && <BannerCalls />}
      {open.length > 0 && <Rest open={open} most={4} tight />}
    </section>
  );
}

function Calm() {
  const acked = alarmed.value.length;
  const last = over.value;
  if (!loaded.value) return <p class="calm">Waiting for the server: whether an alarm is open is not known yet.</p>;
  return (
    <p class="calm">
      <Icon name="check" />
      {acked > 0 ? `No unanswered alarms, ${acked} acknowledged.` : "No open alarms."}
      {last && ` Last: room ${last.room}, ${asPrinted(last.text)}, over at ${clockTime(last.at)}.`}
    </p>
  );
}

/** On every page but the board: the alarms of the other rooms. */
export function Elsewhere({ but }: { but: string }) {
  const lost = useStable(() => health.value.lostSince !== null, []);
  const others = alarmed.value
    .filter(({ session, alarm }) => session.session_id !== but && alarm.state !== "acknowledged")
    .sort((a, b) => byUrgency(a.alarm, b.alarm));
  const states = useStable(() => others.map(({ alarm }) => shownState(alarm, lost, now.value)), [alarmed.value, but, lost]);
  if (others.length === 0 && called.value.every(({ session_id }) => session_id === but)) return null;
  return (
    <div class="elsewhere" role="group" aria-label="Alarms and calls in other rooms">
      <CallChips but={but} />
      {others.slice(0, 4).map(({ session, alarm }, i) => (
        <a key={alarm.alarm_id} class="chip" data-p={alarm.priority} data-s={states[i]} href={`/sessions/${session.session_id}`}>
          <Pri of={alarm.priority} />
          <span>
            <span class="sr">Room </span>
            {session.room}
          </span>
          <span class="alarm-text">{alarmWords(alarm, lost)}</span>
        </a>
      ))}
      {others.length > 4 && (
        <a class="more" href="/">
          +{others.length - 4}
          <span class="sr"> more alarms</span>
        </a>
      )}
    </div>
  );
}

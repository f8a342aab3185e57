/* Alarms: in a card's head, in the banner, in the bar of other pages. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { byRoom, type InRoom, saysLess, type Standing, standing, told, worstFirst, worstOf } from "../alarms";
import type { BoardSession } from "../board";
import { BEHIND_MS, BEHIND_TONE_MS } from "../freshness";
import { fitting } from "../grid";
import type { Alarm } from "../model";
import { place } from "../route";
import { useStable } from "../stable";
import { alarmed, called, feedLost, health, loaded, now, over, quietly, quietUntil, silentSince, unanswered } from "../store";
import { asPrinted, clockTime, duration } from "../words";
import { Acknowledge, Pause, Refusal } from "./answer";
import { BannerCalls, CallChip } from "./call";
import { Icon, type IconName, Pri } from "./icon";

/** Counts while the alarm holds; the words before it never move. Of one that is over it says how long it held. */
export function AlarmAge({ alarm }: { alarm: Alarm }) {
  const text = useStable(() => {
    if (alarm.cleared_at !== null) return `lasted ${duration((Date.parse(alarm.cleared_at) - Date.parse(alarm.onset)) / 1000)}`;
    const paused = standing(alarm, now.value) === "paused";
    return duration(paused ? (Date.parse(alarm.paused_until ?? "") - now.value) / 1000 : (now.value - Date.parse(alarm.onset)) / 1000);
  }, [alarm]);
  return <>{text}</>;
}

export type Shown = Standing | "unknown";

/** A lost feed keeps the alarm that was, dashed: nobody here knows whether it still is. */
export const shownState = (alarm: Alarm, lost: boolean, at: number): Shown => (lost ? "unknown" : standing(alarm, at));

function useShown(alarm: Alarm | undefined): Shown | undefined {
  const lost = feedLost.value;
  return useStable(() => alarm && shownState(alarm, lost, now.value), [alarm, lost]);
}

/** Its words under the pointer too. */
const Mark = ({ icon, said }: { icon: IconName; said: string }) => (
  <span class="titled" title={said}>
    <Icon name={icon} label={said} />
  </span>
);

/** What became of it, as icons with names: acknowledged, silenced, found late, told to somebody else. */
export function AlarmMarks({ alarm, state }: { alarm: Alarm; state: Shown }) {
  return (
    <>
      {state === "acknowledged" && <Mark icon="check" said="acknowledged" />}
      {state === "paused" && <Mark icon="mute" said="sound paused" />}
      {state === "late" && <Mark icon="clock" said="found late, never sounded" />}
      {alarm.escalated && <Mark icon="people" said={told(alarm) ? `escalated to the ${told(alarm)}: nobody answered` : "escalated: nobody answered"} />}
    </>
  );
}

export const alarmWords = (alarm: Alarm, lost: boolean): string => `${lost ? "was " : alarm.cleared_at ? "over: " : ""}${asPrinted(alarm.text)}`;

/** How many more alarms a room has than the one that is shown; with the worst one's sign when that says more. */
function Others({ of: [shown, ...others] }: { of: readonly Alarm[] }) {
  const worst = worstOf(others);
  const state = useShown(worst);
  if (!shown || !worst) return null;
  const sign = saysLess(shown, worst);
  return (
    <span class={sign ? "chip worse" : "others"} data-p={sign ? worst.priority : undefined} data-s={state} title="More alarms in this room">
      +{others.length}
      {sign && <Pri of={worst.priority} />}
      <span class="sr"> more in this room</span>
    </span>
  );
}

export function CardAlarm({ alarms }: { alarms: readonly Alarm[] }) {
  const lost = feedLost.value;
  const top = alarms[0];
  const state = useShown(top);
  if (!top || !state) return null;
  const words = alarmWords(top, lost);
  return (
    <div class="alarm" data-p={top.priority} data-s={state} data-long={words.length > 20}>
      <Pri of={top.priority} />
      <AlarmMarks alarm={top} state={state} />
      <span class="alarm-text" title={asPrinted(top.text)}>
        {words}
      </span>
      <span class="alarm-age">{!lost && <AlarmAge alarm={top} />}</span>
      {!lost && <Others of={alarms} />}
    </div>
  );
}

/** The worst of a patient's alarms where there is no room for its words: the sign, and how many there are. */
export function AlarmChip({ alarms }: { alarms: readonly Alarm[] }) {
  const lost = feedLost.value;
  const top = alarms[0];
  const state = useShown(top);
  if (!top || !state) return null;
  return (
    <span class="chip" data-p={top.priority} data-s={state} title={alarmWords(top, lost)}>
      <Pri of={top.priority} />
      <AlarmMarks alarm={top} state={state} />
      <span class="sr">{alarmWords(top, lost)}</span>
      <Others of={alarms} />
    </span>
  );
}

/** One row that keeps its place: the most urgent unanswered alarm with its button, the other rooms after it. */
export function Banner() {
  const [first, ...rooms] = byRoom(unanswered.value);
  const lead = first?.alarms[0];
  const state = useShown(lead);
  const words = lead ? alarmWords(lead, false) : "";
  return (
    <section class="banner" aria-label="Open alarms">
      {first && lead ? (
        <>
          {/* Keyed: a reason that is being chosen, or a touch on its way, never meets the alarm that took the place. */}
          <div key={lead.alarm_id} class="banner-item lead" data-p={lead.priority} data-s={state}>
            <span class="banner-tag" data-s={state}>
              <Pri of={lead.priority} />
              <AlarmMarks alarm={lead} state={state ?? "active"} />
              Room {first.session.room}
              <Others of={first.alarms} />
            </span>
            <span class="banner-text" data-long={words.length > 24}>
              {words}{" "}
              <span class="banner-age">
                {state === "paused" ? "sound paused, " : state === "late" ? "found late, " : state === "latched" ? "" : "for "}
                <AlarmAge alarm={lead} />
                {state === "latched" && ", waits for an answer"}
                {told(lead) && `, ${told(lead)} told`}
              </span>
            </span>
            <Refusal alarm={lead} />
            <span class="grow" />
            <Acknowledge session={first.session} alarm={lead} main settles />
            <Pause session={first.session} alarm={lead} />
          </div>
          <RoomChips rooms={rooms} />
        </>
      ) : (
        called.value.length === 0 && <Calm />
      )}
      <BannerCalls />
    </section>
  );
}

/** A chip for each room, as many as fit whole. How many rooms do not, and the worst sign among them, the last one says.
    Of the calls the first leads and the others end the row: they hide no alarm. */
function RoomChips({ rooms, calls = [] }: { rooms: readonly InRoom[]; calls?: readonly BoardSession[] }) {
  const [first, ...later] = calls.map((session): InRoom => ({ session, alarms: [] }));
  const all = [...(first ? [first] : []), ...rooms, ...later];
  const [box, fit] = useFitting(all.length);
  const hidden = all.slice(fit);
  return (
    <div class="chips" ref={box}>
      {all.map(({ session, alarms }, i) =>
        alarms.length > 0 ? (
          <RoomChip key={session.session_id} session={session} alarms={alarms} out={i >= fit} />
        ) : (
          <CallChip key={`call ${session.session_id}`} session={session} out={i >= fit} />
        ),
      )}
      {hidden.length > 0 && <MoreRooms hidden={hidden} />}
    </div>
  );
}

/** How many of the children of a box stand whole in its one line; all are drawn, so that they can be measured. */
function useFitting(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [fit, setFit] = useState(count);
  useLayoutEffect(() => {
    const row = box.current;
    if (!row) return;
    const width = (element: Element): number => element.getBoundingClientRect().width;
    const measure = (): void => {
      const chips = [...row.children];
      const more = chips.length > count ? chips.pop() : undefined;
      setFit(fitting(chips.map(width), width(row) + 0.5, parseFloat(getComputedStyle(row).columnGap), more ? width(more) : 0));
    };
    const observer = new ResizeObserver(measure);
    for (const element of [row, ...row.children]) observer.observe(element);
    measure();
    return () => observer.disconnect();
  });
  return [box, fit] as const;
}

function RoomChip({ session, alarms, out }: InRoom & { out: boolean }) {
  const top = alarms[0];
  const state = useShown(top);
  if (!top) return null;
  const words = alarmWords(top, feedLost.value);
  return (
    <a class="chip" data-p={top.priority} data-s={state} href={`/sessions/${session.session_id}`} title={words} inert={out}>
      <Pri of={top.priority} />
      <span>
        <span class="sr">Room </span>
        <span aria-hidden="true">Rm </span>
        {session.room}
      </span>
      <span class="alarm-text">{words}</span>
      <Others of={alarms} />
    </a>
  );
}

function MoreRooms({ hidden }: { hidden: readonly InRoom[] }) {
  const worst = worstOf(hidden.flatMap(({ alarms }) => alarms));
  const state = useShown(worst);
  return (
    <a class="chip more" data-p={worst?.priority} data-s={state} href={worst ? "/alarms" : "/"} title="More rooms with an alarm or a call">
      +{hidden.length}
      {worst && <Pri of={worst.priority} />}
      <span class="sr"> more rooms</span>
    </a>
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
  const rooms = alarms ? byRoom(unanswered.value) : [];
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
      {rooms.length > 0 && <RoomChips rooms={rooms} />}
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

/** On every page but the board: the alarms of the other rooms, in a place that is kept for them. No page moves under
    a finger because one comes, and no dialog covers them. */
export function Elsewhere({ but }: { but: string }) {
  const calls = called.value.filter(({ session_id }) => session_id !== but);
  const rooms = worstFirst(byRoom(unanswered.value)).filter(({ session }) => session.session_id !== but);
  return (
    <div class="elsewhere" role="group" aria-label="Alarms and calls in other rooms">
      {calls.length + rooms.length > 0 ? (
        <RoomChips rooms={rooms} calls={calls} />
      ) : (
        <span class="elsewhere-calm">{!loaded.value || feedLost.value ? "Alarms in other rooms: not known" : "No open alarms in other rooms"}</span>
      )}
    </div>
  );
}

/* Alarms: in a card's head, in the banner, in the bar of other pages; and the button that answers one. */
import { signal } from "@preact/signals";
import * as api from "../api";
import { byUrgency } from "../alarms";
import type { BoardSession } from "../board";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { BEHIND_MS } from "../freshness";
import { alarmed, asked, health, may, now, over, serverNow, silentSince } from "../store";
import { asPrinted, clockTime, duration } from "../words";
import { Icon, Pri } from "./icon";

/** Counts while the alarm is unanswered; the words before it never move. */
export function AlarmAge({ alarm }: { alarm: Alarm }) {
  const text = useStable(() => {
    const paused = alarm.state === "paused" && alarm.paused_until;
    return duration(paused ? (Date.parse(paused) - now.value) / 1000 : (now.value - Date.parse(alarm.onset)) / 1000);
  }, [alarm]);
  return <>{text}</>;
}

/** A lost feed keeps the alarm that was, dashed: nobody here knows whether it still is. */
export const shownState = (alarm: Alarm, lost: boolean): string =>
  lost ? "unknown" : alarm.state === "acknowledged" ? "acked" : alarm.state;

export const alarmWords = (alarm: Alarm, lost: boolean): string => `${lost ? "was " : ""}${asPrinted(alarm.text)}`;

export function CardAlarm({ alarms }: { alarms: readonly Alarm[] }) {
  const lost = useStable(() => health.value.lostSince !== null, []);
  const [top, next] = alarms;
  if (!top) return null;
  return (
    <div class="alarm" data-p={top.priority} data-s={shownState(top, lost)}>
      <Pri of={top.priority} />
      {top.state === "acknowledged" && <Icon name="check" label="acknowledged" />}
      {top.state === "paused" && <Icon name="mute" label="sound paused" />}
      {top.escalated && <Icon name="send" label="escalated" />}
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

/** What is on its way, by alarm: the id stays the same until the server has said yes or no. */
const sent = signal<Readonly<Record<string, { command: api.Command; state: "sending" | "recorded" | "failed"; text: string }>>>({});

async function acknowledge(session_id: string, alarm_id: string): Promise<void> {
  const before = sent.value[alarm_id];
  if (before?.state === "sending" || before?.state === "recorded") return;
  const at = serverNow();
  const command = before?.command ?? { type: "AcknowledgeAlarm", id: api.uuid(at), at: new Date(at).toISOString(), session_id, alarm_id };
  const note = (state: "sending" | "recorded" | "failed", text: string): void => {
    sent.value = { ...sent.value, [alarm_id]: { command, state, text } };
  };
  note("sending", "");
  const answer = await asked(api.command("session", command)).catch(() => null);
  if (answer?.kind === "recorded") note("recorded", "");
  else if (answer?.kind === "unknown") note("failed", answer.text);
  else {
    // A refusal is final: the next press is a new command.
    const { [alarm_id]: _, ...rest } = sent.value;
    sent.value = rest;
    const text = answer?.kind === "refused" ? answer.text : answer?.kind === "invalid" ? answer.fields.map((f) => f.message).join(" ") : "";
    if (text) refused.value = { ...refused.value, [alarm_id]: text };
  }
}

const refused = signal<Readonly<Record<string, string>>>({});

export function Acknowledge({ session, alarm, main }: { session: BoardSession; alarm: Alarm; main: boolean }) {
  if (!may("session", "AcknowledgeAlarm") || alarm.state === "acknowledged") return null;
  const state = sent.value[alarm.alarm_id];
  const busy = state?.state === "sending" || state?.state === "recorded";
  return (
    <button type="button" class={main ? "btn main" : "btn"} aria-disabled={busy} onClick={() => void acknowledge(session.session_id, alarm.alarm_id)}>
      <Icon name="check" />
      {state?.state === "sending" ? "Sending…" : state?.state === "failed" ? "Try again" : "Acknowledge"}
      <span class="sr">
        {" "}
        room {session.room}: {asPrinted(alarm.text)}
      </span>
    </button>
  );
}

/** The server's own words when it refused, or ours when it did not answer. A refusal stays when somebody else was
    faster: whoever pressed hears why it was not theirs. */
export function Refusal({ alarm }: { alarm: Alarm }) {
  const unanswered = alarm.state === "acknowledged" ? "" : sent.value[alarm.alarm_id]?.text;
  const text = unanswered || refused.value[alarm.alarm_id];
  if (!text) return null;
  return (
    <p class="refusal" role="status">
      <Icon name="alert" />
      <span>{text}</span>
    </p>
  );
}

/** One row that keeps its place: the most urgent unanswered alarm with its button, the others after it. */
export function Banner() {
  const open = alarmed.value
    .filter(({ alarm }) => alarm.state !== "acknowledged")
    .sort((a, b) => byUrgency(a.alarm, b.alarm));
  const [lead, ...rest] = open;
  return (
    <section class="banner" aria-label="Open alarms">
      {lead ? (
        <>
          <div class="banner-item lead" data-p={lead.alarm.priority}>
            <span class="banner-tag" data-s={lead.alarm.state}>
              <Pri of={lead.alarm.priority} />
              Room {lead.session.room}
            </span>
            <span class="banner-text">
              {asPrinted(lead.alarm.text)}{" "}
              <span class="banner-age">
                {lead.alarm.state === "paused" ? "sound paused, " : lead.alarm.state === "latched" ? "over, not acknowledged, " : "for "}
                <AlarmAge alarm={lead.alarm} />
              </span>
            </span>
            <Refusal alarm={lead.alarm} />
            <span class="grow" />
            <Acknowledge session={lead.session} alarm={lead.alarm} main />
          </div>
          <Rest open={rest} />
        </>
      ) : (
        <Calm />
      )}
    </section>
  );
}

/** What does not fit is counted. `tight`: without the alarms' words, which the cards say as well. */
function Rest({ open, most = 8, tight = open.length > 3 }: { open: typeof alarmed.value; most?: number; tight?: boolean }) {
  return (
    <div class={tight ? "banner-rest tight" : "banner-rest"}>
      {open.slice(0, most).map(({ session, alarm }) => (
        <a key={alarm.alarm_id} class="banner-item" data-p={alarm.priority} href={`/sessions/${session.session_id}`}>
          <span class="banner-tag" data-s={alarm.state}>
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

/** While the server is behind no alarm can be trusted to come: that leads, the open ones follow it. */
export function BehindBanner({ alarms }: { alarms: boolean }) {
  const open = alarms ? alarmed.value.filter(({ alarm }) => alarm.state !== "acknowledged").sort((a, b) => byUrgency(a.alarm, b.alarm)) : [];
  const seconds = useStable(() => {
    const since = silentSince.value;
    return since === null || now.value - since < BEHIND_MS ? null : Math.floor((now.value - since) / 1000);
  }, []);
  return (
    <section class="banner" aria-label="Server behind">
      <div class="lost-bar behind-bar" role="alert">
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
      </div>
      {open.length > 0 && <Rest open={open} most={4} tight />}
    </section>
  );
}

function Calm() {
  const acked = alarmed.value.length;
  const last = over.value;
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
  if (others.length === 0) return null;
  return (
    <div class="elsewhere" role="group" aria-label="Alarms in other rooms">
      {others.slice(0, 4).map(({ session, alarm }) => (
        <a key={alarm.alarm_id} class="chip" data-p={alarm.priority} data-s={shownState(alarm, lost)} href={`/sessions/${session.session_id}`}>
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

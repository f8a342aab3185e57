/* What somebody does about an alarm: acknowledge it, or silence it for two minutes and say why. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { standing } from "../alarms";
import type { BoardSession } from "../board";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { asked, may, now, serverNow } from "../store";
import { asPrinted, PAUSED_FOR } from "../words";
import { Icon } from "./icon";

const PAUSE_MIN = 2;

interface Sent {
  command: api.Command;
  state: "sending" | "recorded" | "failed";
  text: string;
}

/** What is on its way, by alarm: the id stays the same until the server has said yes or no. */
const sent = signal<Readonly<Record<string, Sent>>>({});
const refused = signal<Readonly<Record<string, string>>>({});

async function answer(type: "AcknowledgeAlarm" | "PauseAlarm", session_id: string, alarm_id: string, more: Record<string, unknown> = {}): Promise<void> {
  const before = sent.value[alarm_id];
  if (before?.state === "sending") return;
  const at = serverNow();
  const again = before?.state === "failed" && before.command.type === type ? before.command : null;
  const until = type === "PauseAlarm" ? { until: new Date(at + PAUSE_MIN * 60_000).toISOString() } : {};
  const command = again ?? { type, id: api.uuid(at), at: new Date(at).toISOString(), session_id, alarm_id, ...until, ...more };
  const note = (state: Sent["state"], text = ""): void => {
    sent.value = { ...sent.value, [alarm_id]: { command, state, text } };
  };
  refused.value = { ...refused.value, [alarm_id]: "" };
  note("sending");
  const said = await asked(api.command("session", command)).catch(() => null);
  if (said?.kind === "recorded") return note("recorded");
  if (said?.kind === "unknown") return note("failed", said.text);
  // A refusal is final: the next press is a new command.
  const { [alarm_id]: _, ...rest } = sent.value;
  sent.value = rest;
  const text = said?.kind === "refused" ? said.text : said?.kind === "invalid" ? said.fields.map((f) => f.message).join(" ") : "";
  refused.value = { ...refused.value, [alarm_id]: text };
}

/** The feed says within this time what was recorded. */
const TOLD_WITHIN_MS = 5_000;

/** Sent and not yet answered; or answered, and the feed has not said so yet. */
function busy(alarm: Alarm, type: string): boolean {
  const mine = sent.value[alarm.alarm_id];
  if (mine?.command.type !== type) return false;
  return mine.state === "sending" || (mine.state === "recorded" && serverNow() - Date.parse(mine.command.at) < TOLD_WITHIN_MS);
}

function For({ session, alarm }: { session: BoardSession; alarm: Alarm }) {
  return (
    <span class="sr">
      {" "}
      room {session.room}: {asPrinted(alarm.text)}
    </span>
  );
}

export function Acknowledge({ session, alarm, main }: { session: BoardSession; alarm: Alarm; main: boolean }) {
  if (!may("session", "AcknowledgeAlarm") || alarm.state === "acknowledged") return null;
  const state = sent.value[alarm.alarm_id];
  const mine = state?.command.type === "AcknowledgeAlarm";
  return (
    <button
      type="button"
      class={main ? "btn main" : "btn"}
      aria-disabled={busy(alarm, "AcknowledgeAlarm")}
      onClick={() => !busy(alarm, "AcknowledgeAlarm") && void answer("AcknowledgeAlarm", session.session_id, alarm.alarm_id)}
    >
      <Icon name="check" />
      {mine && state?.state === "sending" ? "Sending…" : mine && state?.state === "failed" ? "Try again" : "Acknowledge"}
      <For session={session} alarm={alarm} />
    </button>
  );
}

/** Two touches: the button, then the reason. While it lasts the same place says so. */
export function Pause({ session, alarm }: { session: BoardSession; alarm: Alarm }) {
  const [choosing, choose] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const state = useStable(() => standing(alarm, now.value), [alarm]);
  useEffect(() => {
    if (choosing) box.current?.querySelector<HTMLElement>("[role=group] button")?.focus();
  }, [choosing]);
  if (!may("session", "PauseAlarm") || state !== "active") return null;
  const leave = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !choosing) return;
    event.stopPropagation();
    choose(false);
    box.current?.querySelector("button")?.focus();
  };
  return (
    <div class="pause" ref={box} onKeyDown={leave}>
      <button type="button" class="btn" aria-expanded={choosing} aria-disabled={busy(alarm, "PauseAlarm")} onClick={() => choose(!choosing)}>
        <Icon name="pause" />
        {busy(alarm, "PauseAlarm") ? "Sending…" : `Pause ${PAUSE_MIN} min`}
        <For session={session} alarm={alarm} />
      </button>
      {choosing && (
        <div class="reasons" role="group" aria-label="Silence it, why?">
          {Object.entries(PAUSED_FOR).map(([cause, words]) => (
            <button
              key={cause}
              type="button"
              class="btn"
              onClick={() => {
                choose(false);
                void answer("PauseAlarm", session.session_id, alarm.alarm_id, { cause });
              }}
            >
              {words}
            </button>
          ))}
        </div>
      )}
    </div>
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

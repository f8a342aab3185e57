/* What somebody does about an alarm: acknowledge it, or silence it for two minutes and say why. */
import { useEffect, useRef, useState } from "preact/hooks";
import { standing } from "../alarms";
import type { BoardSession } from "../board";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { may, now, presses } from "../store";
import { asPrinted, PAUSED_FOR } from "../words";
import { Icon } from "./icon";
import { Trouble } from "./trouble";

const PAUSE_MIN = 2;

const answer = (type: "AcknowledgeAlarm" | "PauseAlarm", session: BoardSession, alarm: Alarm, more: Record<string, unknown> = {}): Promise<void> =>
  presses.press(alarm.alarm_id, { type, session_id: session.session_id, alarm_id: alarm.alarm_id, ...more }, (at) =>
    type === "PauseAlarm" ? { until: new Date(at + PAUSE_MIN * 60_000).toISOString() } : {},
  );

const busy = (alarm: Alarm, type: string): boolean => presses.busy(alarm.alarm_id, type);

function For({ session, alarm }: { session: BoardSession; alarm: Alarm }) {
  return (
    <span class="sr">
      {" "}
      room {session.room}: {asPrinted(alarm.text)}
    </span>
  );
}

/** So long a button that came where another may have been takes no touch meant for that. */
const SETTLES_MS = 600;

interface Answered {
  session: BoardSession;
  alarm: Alarm;
  /** An icon with its name for the ear, where there is no room for the word. */
  brief?: boolean;
}

interface Acknowledged extends Answered {
  main?: boolean;
  /** Others take this place: keyed by its alarm. */
  settles?: boolean;
}

export function Acknowledge({ session, alarm, main = false, brief = false, settles = false }: Acknowledged) {
  const [settling, settle] = useState(settles);
  useEffect(() => {
    const soon = setTimeout(() => settle(false), SETTLES_MS);
    return () => clearTimeout(soon);
  }, []);
  if (!may("session", "AcknowledgeAlarm") || alarm.state === "acknowledged") return null;
  const pressed = presses.of(alarm.alarm_id);
  const mine = pressed?.command.type === "AcknowledgeAlarm";
  return (
    <button
      type="button"
      class={main ? "btn main" : "btn"}
      title={brief ? "Acknowledge" : undefined}
      aria-disabled={settling || busy(alarm, "AcknowledgeAlarm")}
      onClick={() => !settling && !busy(alarm, "AcknowledgeAlarm") && void answer("AcknowledgeAlarm", session, alarm)}
    >
      <Icon name="check" />
      <span class={brief ? "sr" : ""}>{mine && pressed.state === "sending" ? "Sending…" : mine && pressed.state === "unknown" ? "Try again" : "Acknowledge"}</span>
      <For session={session} alarm={alarm} />
    </button>
  );
}

/** Two touches: the button, then the reason. While it lasts the same place says so. */
export function Pause({ session, alarm, brief = false }: Answered) {
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
      <button
        type="button"
        class="btn"
        title={brief ? `Pause ${PAUSE_MIN} min` : undefined}
        aria-expanded={choosing}
        aria-disabled={busy(alarm, "PauseAlarm")}
        onClick={() => choose(!choosing)}
      >
        <Icon name="pause" />
        <span class={brief ? "sr" : ""}>{busy(alarm, "PauseAlarm") ? "Sending…" : `Pause ${PAUSE_MIN} min`}</span>
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
                void answer("PauseAlarm", session, alarm, { cause });
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
  const pressed = presses.of(alarm.alarm_id);
  const came = alarm.state === (pressed?.command.type === "PauseAlarm" ? "paused" : "acknowledged");
  const text = pressed?.state === "unknown" && came ? "" : pressed?.text;
  if (!text) return null;
  return (
    <Trouble>{text}</Trouble>
  );
}

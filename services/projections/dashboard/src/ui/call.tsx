/* Somebody in a room wants the nurse: said where the alarms are, in ink and not in their colours, and answered by name. */
import { signal } from "@preact/signals";
import * as api from "../api";
import type { BoardSession } from "../board";
import type { Help, Session } from "../model";
import { useStable } from "../stable";
import { asked, called, may, now, serverNow } from "../store";
import { duration } from "../words";
import { Icon } from "./icon";

export function CallAge({ since }: { since: string }) {
  const text = useStable(() => duration((now.value - Date.parse(since)) / 1000), [since]);
  return <>{text}</>;
}

/** By call: what is on its way, and the server's own word when it said no. */
const sent = signal<Readonly<Record<string, { command: api.Command; busy: boolean; text: string }>>>({});

async function send(key: string, type: "CallHelp" | "AnswerHelp", fields: Record<string, unknown>): Promise<void> {
  const before = sent.value[key];
  if (before?.busy) return;
  const at = serverNow();
  // The same command again while nobody knows whether it was recorded.
  const command = before?.command ?? { type, id: api.uuid(at), at: new Date(at).toISOString(), ...fields };
  sent.value = { ...sent.value, [key]: { command, busy: true, text: "" } };
  const answer = await asked(api.command("session", command)).catch(() => null);
  const { [key]: _, ...rest } = sent.value;
  if (answer?.kind === "unknown") sent.value = { ...rest, [key]: { command, busy: false, text: answer.text } };
  else sent.value = rest;
  if (answer?.kind === "refused") said.value = { ...said.value, [key]: answer.text };
}

const said = signal<Readonly<Record<string, string>>>({});

export const callNurse = (session_id: string): Promise<void> => send(`call ${session_id}`, "CallHelp", { session_id });

/** Why the call is not out, in words; "" when nothing stands against it. */
export const callTrouble = (session_id: string): string => sent.value[`call ${session_id}`]?.text || said.value[`call ${session_id}`] || "";
export const calling = (session_id: string): boolean => sent.value[`call ${session_id}`]?.busy ?? false;

export const standing = (session: Session): boolean => session.state === "open" && session.help !== null && session.help.answered_at === null;

/** "I'm going": for those who may. */
export function Answer({ session, main = false }: { session: BoardSession; main?: boolean }) {
  const help = session.help;
  if (!help || !may("session", "AnswerHelp")) return null;
  const state = sent.value[help.call_id];
  const trouble = state?.text || said.value[help.call_id];
  return (
    <>
      <button
        type="button"
        class={main ? "btn main" : "btn"}
        aria-disabled={state?.busy ?? false}
        onClick={() => void send(help.call_id, "AnswerHelp", { session_id: session.session_id, call_id: help.call_id })}
      >
        <Icon name="check" />
        {state?.busy ? "Sending…" : state?.text ? "Try again" : "I am going"}
        <span class="sr"> to room {session.room}</span>
      </button>
      {trouble && (
        <p class="refusal" role="status">
          <Icon name="alert" />
          <span>{trouble}</span>
        </p>
      )}
    </>
  );
}

/** In the banner's row, before the alarms that are not high. */
export function BannerCalls() {
  return (
    <>
      {called.value.map((session) => (
        <div key={session.session_id} class="banner-item call-item">
          <a class="banner-tag" href={`/sessions/${session.session_id}`}>
            <Icon name="phone" />
            <span>
              <span class="room-word">Room </span>
              {session.room}
            </span>
          </a>
          <span class="banner-text">
            Nurse called{" "}
            <span class="banner-age">
              {session.help?.by_name && `by ${session.help.by_name}, `}
              {session.help && <CallAge since={session.help.at} />}
            </span>
          </span>
          <Answer session={session} main />
        </div>
      ))}
    </>
  );
}

/** In the bar of the other pages. */
export function CallChips({ but }: { but: string }) {
  return (
    <>
      {called.value
        .filter(({ session_id }) => session_id !== but)
        .map(({ session_id, room, help }) => (
          <a key={session_id} class="chip call-chip" href={`/sessions/${session_id}`}>
            <Icon name="phone" />
            <span>
              Room {room}
              <span class="call-words">
                {" "}
                calls {help && <CallAge since={help.at} />}
              </span>
            </span>
          </a>
        ))}
    </>
  );
}

/** In place of a card's phase line. */
export function CardCall({ help }: { help: Help }) {
  return (
    <div class="phase card-call">
      <Icon name="phone" />
      <b>Nurse called</b>
      <span class="since">
        <CallAge since={help.at} />
      </span>
    </div>
  );
}

/** On the session's page, with the button. */
export function OpenCall({ session }: { session: BoardSession }) {
  const help = session.help;
  if (!help || !standing(session)) return null;
  return (
    <section class="open-call" aria-label="The nurse is called">
      <p>
        <Icon name="phone" />
        <b>Nurse called</b> <CallAge since={help.at} />
        {help.by_name && <small>by {help.by_name}</small>}
      </p>
      <Answer session={session} main />
    </section>
  );
}

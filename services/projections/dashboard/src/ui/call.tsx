/* Somebody in a room wants the nurse: said where the alarms are, in ink and not in their colours, and answered by name. */
import { type BoardSession, callsNurse } from "../board";
import type { Help, Session } from "../model";
import { useStable } from "../stable";
import { called, may, now, presses } from "../store";
import { duration } from "../words";
import { Icon } from "./icon";
import { Trouble } from "./trouble";

export function CallAge({ since }: { since: string }) {
  const text = useStable(() => duration((now.value - Date.parse(since)) / 1000), [since]);
  return <>{text}</>;
}

/** A call and its button are new once the last one was answered. */
const callKey = (session: Session): string => `call ${session.session_id} ${session.help?.call_id ?? ""}`;

export const callNurse = (session: Session): Promise<void> => presses.press(callKey(session), { type: "CallHelp", session_id: session.session_id });

/** Why the call is not out, in words; "" when nothing stands against it. */
export const callTrouble = (session: Session): string => presses.of(callKey(session))?.text ?? "";
export const calling = (session: Session): boolean => presses.busy(callKey(session), "CallHelp");

/** "I'm going": for those who may. */
export function Answer({ session, main = false }: { session: BoardSession; main?: boolean }) {
  const help = session.help;
  if (!help || !may("session", "AnswerHelp")) return null;
  const pressed = presses.of(help.call_id);
  const busy = presses.busy(help.call_id, "AnswerHelp");
  return (
    <>
      <button
        type="button"
        class={main ? "btn main" : "btn"}
        aria-disabled={busy}
        onClick={() => !busy && void presses.press(help.call_id, { type: "AnswerHelp", session_id: session.session_id, call_id: help.call_id })}
      >
        <Icon name="check" />
        {busy ? "Sending…" : pressed?.state === "unknown" ? "Try again" : "I am going"}
        <span class="sr"> to room {session.room}</span>
      </button>
      {pressed?.text && (
        <Trouble>{pressed.text}</Trouble>
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
export function CallChip({ session: { session_id, room, help }, out }: { session: BoardSession; out: boolean }) {
  return (
    <a class="chip call-chip" href={`/sessions/${session_id}`} inert={out}>
      <Icon name="phone" />
      <span>
        Room {room}
        <span class="call-words">
          {" "}
          calls {help && <CallAge since={help.at} />}
        </span>
      </span>
    </a>
  );
}

/** At the end of a card's phase line. */
export function CardCall({ help }: { help: Help }) {
  return (
    <span class="card-call">
      <Icon name="phone" />
      <b>Nurse called</b>
      <CallAge since={help.at} />
    </span>
  );
}

/** On the session's page, with the button. */
export function OpenCall({ session }: { session: BoardSession }) {
  const help = session.help;
  if (!help || !callsNurse(session)) return null;
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

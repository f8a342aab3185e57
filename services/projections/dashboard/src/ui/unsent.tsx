/* What was entered and is not sent yet: counted in the bar of every page, listed on demand, shown in its place in the
   timeline. What was refused stays until somebody has read why. */
import { signal } from "@preact/signals";
import { queue } from "../api";
import { lastDose } from "../course";
import type { Session } from "../model";
import type { Entry } from "../queue";
import { me } from "../store";
import { tell } from "../story";
import { clockTime, signed } from "../words";
import { Dialog } from "./dialog";
import { Icon } from "./icon";

/** The event that a command becomes, for its words in the timeline. */
const BECOMES: Record<string, string> = {
  CheckPreDose: "PreDoseChecked",
  RecordObservation: "ObservationRecorded",
  RecordVitals: "VitalRecorded",
  RecordNote: "NoteRecorded",
  RecordAdverseEvent: "AdverseEventRecorded",
  RecordIntervention: "InterventionRecorded",
  RecordIntegration: "Integrated",
};

const words = ({ command }: Entry): string => tell({ type: BECOMES[command.type] ?? command.type, data: command }).text;

const mine = (): Entry[] => queue.entries.value.filter(({ by }) => by === me.value?.staff_id);

const open = signal(false);

export const showUnsent = (): void => {
  open.value = true;
};

/** Whether somebody who signs out leaves entries behind. */
export const leavesUnsent = (): boolean => mine().some(({ state }) => state === "waiting");

export function UnsentTool() {
  const own = mine();
  const others = queue.entries.value.length - own.length;
  if (own.length + others === 0) return null;
  const waiting = own.filter(({ state }) => state === "waiting").length;
  const refused = own.length - waiting;
  const [count, title] = refused > 0 ? [refused, "not recorded"] : waiting > 0 ? [waiting, "not sent yet"] : [others, "of somebody else"];
  return (
    <button type="button" class="tool unsent-tool" data-unsent={refused > 0 ? "refused" : "waiting"} aria-haspopup="dialog" onClick={showUnsent}>
      <Icon name={refused > 0 ? "alert" : "send"} />
      <b>{count}</b>{" "}
      <span>
        {title}
        <small>{refused > 0 ? "touch to read why" : waiting > 0 ? "kept on this device" : "not sent yet"}</small>
      </span>
    </button>
  );
}

export function UnsentList({ signOut }: { signOut(): void }) {
  const own = mine();
  const others = queue.entries.value.length - own.length;
  if (!open.value) return null;
  const close = (): void => {
    open.value = false;
  };
  return (
    <Dialog labelled="unsent-h" escape={close}>
      <div class="d-head">
        <div>
          <h2 id="unsent-h">Entered on this device</h2>
          <p>What waits is sent by itself, once and in this order, at the time when it happened.</p>
        </div>
      </div>
      <div class="form">
        {own.length === 0 && others === 0 && <p>Everything is sent.</p>}
        {own.map((entry) => (
          <Unsent key={entry.command.id} entry={entry} where />
        ))}
        {others > 0 && (
          <p>
            {others === 1 ? "1 entry of somebody else waits" : `${others} entries of somebody else wait`} on this device until they sign in here.
          </p>
        )}
      </div>
      <div class="d-foot">
        <button
          type="button"
          class="btn quiet"
          onClick={() => {
            close();
            signOut();
          }}
        >
          Sign out
        </button>
        <span class="grow" />
        <button type="button" class="btn main" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

const STATES: Record<Entry["state"], string> = { waiting: "Not sent yet", refused: "Not recorded", lost: "Lost" };

function Unsent({ entry, where = false }: { entry: Entry; where?: boolean }) {
  const { state, why, onDisk, command } = entry;
  const time = clockTime(Date.parse(command.at), true);
  return (
    <div class="unsent" data-state={state}>
      <Icon name={state === "waiting" ? "send" : "alert"} />
      <div>
        <b>
          {STATES[state]}
          {where && entry.where && ` · ${entry.where}`}
        </b>
        <span class="what">{words(entry)}</span>
        <small>
          Happened {time}. {state === "waiting" ? (onDisk ? "Kept on this device, sent once when the network is back." : "Kept in this window alone: do not close it. Sent once when the network is back.") : why}
        </small>
      </div>
      {state !== "waiting" && (
        <button type="button" class="btn quiet" onClick={() => void queue.dismiss(command.id)}>
          I have read this
        </button>
      )}
    </div>
  );
}

/** In the timeline of its session, newest first, above what is recorded. */
export function UnsentOf({ session }: { session: Session }) {
  const own = mine().filter(({ command }) => command["session_id"] === session.session_id);
  const dose = lastDose(session);
  return (
    <>
      {[...own].reverse().map((entry) => {
        const at = Date.parse(entry.command.at);
        const minutes = dose && Math.floor((at - Date.parse(dose.at)) / 60_000);
        return (
          <li key={entry.command.id} class="tl-item">
            <time dateTime={entry.command.at}>{clockTime(at)}</time>
            {minutes !== null && <span class="rel">{signed(minutes)}</span>}
            <Unsent entry={entry} />
          </li>
        );
      })}
    </>
  );
}

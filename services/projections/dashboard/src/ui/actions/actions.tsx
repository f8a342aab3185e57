/* Everything that can be recorded of a session: a button each, and the form that is open. */
import { type Signal, signal } from "@preact/signals";
import type { BoardSession } from "../../board";
import { may } from "../../store";
import { Icon, type IconName } from "../icon";
import { NoteForm } from "./note";
import { ObservationForm } from "./observation";
import { VitalsForm } from "./vitals";

export type Action = "vitals" | "observation" | "note";
export type Open = Signal<Action | null>;
export const nothingOpen = (): Open => signal<Action | null>(null);

interface Offer {
  action: Action;
  icon: IconName;
  label: string;
  command: string;
}

const OFFERS: readonly Offer[] = [
  { action: "vitals", icon: "vitals", label: "Vitals by hand", command: "RecordVitals" },
  { action: "observation", icon: "eye", label: "Observation", command: "RecordObservation" },
  { action: "note", icon: "note", label: "Note", command: "RecordNote" },
];

export function Actions({ s, open }: { s: BoardSession; open: Open }) {
  if (s.state !== "open") return null;
  const offered = OFFERS.filter(({ command }) => may("session", command));
  if (offered.length === 0) return null;
  return (
    <section class="acts" aria-label="Record">
      {offered.map(({ action, icon, label }) => (
        <button key={action} type="button" class="act" onClick={() => (open.value = action)}>
          <Icon name={icon} />
          <span>{label}</span>
        </button>
      ))}
    </section>
  );
}

export function OpenForm({ s, open }: { s: BoardSession; open: Open }) {
  const close = (): void => {
    open.value = null;
  };
  switch (open.value) {
    case "vitals":
      return <VitalsForm session={s} close={close} />;
    case "observation":
      return <ObservationForm session={s} close={close} />;
    case "note":
      return <NoteForm session={s} close={close} />;
    case null:
      return null;
  }
}

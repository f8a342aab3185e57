/* Everything that can be recorded of a session: a button each, and the form that is open. */
import type { BoardSession } from "../../board";
import type { Session, SessionDetail, TimelineItem } from "../../model";
import { useStable } from "../../stable";
import { may, now } from "../../store";
import { Icon, type IconName } from "../icon";
import { AbortForm } from "./abort";
import { AdverseEventForm } from "./adverse-event";
import { CorrectForm } from "./correct";
import type { Held } from "./detail";
import { DischargeForm } from "./discharge";
import { DoseForm } from "./dose";
import { InterventionForm } from "./intervention";
import { LimitsForm } from "./limits";
import { MonitorForm } from "./monitor";
import { NoteForm } from "./note";
import { ObservationForm } from "./observation";
import type { OfSession } from "./of";
import { OverrideForm } from "./override";
import { PreDoseForm } from "./pre-dose";
import { ResponsibleForm } from "./responsible";
import { VitalsForm } from "./vitals";

const FORMS = {
  predose: PreDoseForm,
  dose: DoseForm,
  signoff: (of: OfSession) => <DoseForm {...of} signOff />,
  vitals: VitalsForm,
  observation: ObservationForm,
  intervention: InterventionForm,
  adverse: AdverseEventForm,
  note: NoteForm,
  monitor: MonitorForm,
  responsible: ResponsibleForm,
  limits: LimitsForm,
  discharge: DischargeForm,
  abort: AbortForm,
};

export type Opened = { form: keyof typeof FORMS } | { form: "override"; gate: string; why: string } | { form: "correct"; item: TimelineItem; again(): void };

/** A note may be added so long after the end. */
const NOTES_FOR_MS = 24 * 3_600_000;

interface Offer {
  form: keyof typeof FORMS;
  icon: IconName;
  label: string;
  command: string;
}

/** What is offered before all else: somebody answers for the patient, the monitor is on, then check and dose. */
export function nextStep(s: Session, held: Held): keyof typeof FORMS | null {
  if (s.responsible === null) return "responsible";
  if (s.doses.length > 0) return null;
  if (s.devices.length === 0) return "monitor";
  const free = held !== null && s.pre_dose !== null && Object.keys(held).every((gate) => gate.includes("."));
  return free ? "dose" : "predose";
}

function offers(s: BoardSession, detail: SessionDetail | null): Offer[] {
  const dosed = s.doses.length > 0;
  return [
    { form: "vitals", icon: "vitals", label: "Vitals by hand", command: "RecordVitals" },
    { form: "observation", icon: "eye", label: "Observation", command: "RecordObservation" },
    dosed
      ? { form: "dose", icon: "syringe", label: "Booster dose", command: "GiveDose" }
      : { form: "dose", icon: "syringe", label: "Give dose", command: "GiveDose" },
    ...(dosed ? [] : [{ form: "predose", icon: "list", label: "Pre-dose check", command: "CheckPreDose" } as const]),
    { form: "intervention", icon: "plus", label: "Intervention", command: "RecordIntervention" },
    { form: "adverse", icon: "alert", label: "Adverse event", command: "RecordAdverseEvent" },
    { form: "note", icon: "note", label: "Note", command: "RecordNote" },
    { form: "monitor", icon: "monitor", label: s.devices.length > 0 ? "Monitor" : "Attach monitor", command: "AttachDevice" },
    { form: "responsible", icon: "person", label: "Responsible", command: "ChangeResponsible" },
    { form: "limits", icon: "limits", label: "Alarm limits", command: "ChangeLimits" },
    ...(detail?.rules?.dose.second_sign_off ? [{ form: "signoff", icon: "check", label: "Sign a dose off", command: "OverrideGate" } as const] : []),
    { form: "discharge", icon: "door", label: "Discharge", command: "Discharge" },
    { form: "abort", icon: "stop", label: "Stop session", command: "AbortSession" },
  ];
}

export function Actions({ s, detail, held, open }: { s: BoardSession; detail: SessionDetail | null; held: Held; open(what: Opened): void }) {
  const fresh = useStable(() => s.ended_at === null || now.value - Date.parse(s.ended_at) < NOTES_FOR_MS, [s.ended_at]);
  const all = offers(s, detail).filter(({ command }) => may("session", command));
  const offered = s.state === "open" ? all : fresh ? all.filter(({ form }) => form === "note") : [];
  if (offered.length === 0) return null;
  const next = s.state === "open" ? nextStep(s, held) : null;
  return (
    <section class="acts" aria-label="Record">
      {offered.map(({ form, icon, label }) => (
        <button key={form} type="button" class={form === next ? "act main" : "act"} onClick={() => open({ form })}>
          <Icon name={icon} />
          <span>{label}</span>
        </button>
      ))}
    </section>
  );
}

export function OpenForm({ what, ...of }: OfSession & { what: Opened }) {
  if (what.form === "override") return <OverrideForm {...of} gate={what.gate} why={what.why} />;
  if (what.form === "correct") return <CorrectForm {...of} item={what.item} again={what.again} />;
  const Form = FORMS[what.form];
  return <Form {...of} />;
}

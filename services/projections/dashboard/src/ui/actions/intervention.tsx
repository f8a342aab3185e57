/* What was done for the patient. Kinds: clinical reference A3.7, first actions and escalation. */
import { Choice, type Option, Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

export const KINDS: readonly Option[] = [
  { value: "quiet", label: "Quiet, low stimulus" },
  { value: "reassurance", label: "Presence, quiet voice" },
  { value: "stimulate", label: "Stimulated" },
  { value: "reposition", label: "Repositioned" },
  { value: "airway", label: "Airway opened" },
  { value: "oxygen", label: "Oxygen" },
  { value: "suction", label: "Suction" },
  { value: "bag_valve_mask", label: "Bag-valve mask" },
  { value: "lateral_position", label: "Lateral position" },
  { value: "antiemetic", label: "Antiemetic" },
  { value: "antihypertensive", label: "Antihypertensive" },
  { value: "benzodiazepine", label: "Benzodiazepine" },
  { value: "ecg", label: "ECG" },
  { value: "prescriber_called", label: "Prescriber called" },
  { value: "emergency_called", label: "Emergency services called" },
  { value: "other", label: "Other" },
];
const DRUGS = new Set(["antiemetic", "antihypertensive", "benzodiazepine"]);

export function InterventionForm({ s, items, close }: OfSession) {
  const form = useForm({
    id: "intervention",
    recorded: close,
    make(reader) {
      const kind = reader.text("kind", "What was done");
      const named = kind && DRUGS.has(kind) ? "Drug, dose and who ordered it" : kind === "other" ? "What was done, in words," : undefined;
      const text = reader.text("text", named);
      return { type: "RecordIntervention", session_id: s.session_id, kind, ...(text && { text }), ...occurred(reader) };
    },
  });
  const drug = DRUGS.has(form.typed["kind"] ?? "");
  return (
    <FormDialog form={form} title="Intervention" about={<About s={s} />} notice={<Meanwhile s={s} items={items} />} button="Record" wide close={close}>
      <Choice form={form} name="kind" label="What was done" hint="Drugs only by standing order or as the prescriber says." options={KINDS} />
      <div class="two">
        <Words form={form} name="text" label={drug ? "Drug, dose, and who ordered it" : "In words"} rows={3} />
        <When form={form} what="Done" />
      </div>
    </FormDialog>
  );
}

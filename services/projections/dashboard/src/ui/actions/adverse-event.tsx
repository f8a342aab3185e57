/* An adverse event: what, how grave. Categories and severities: World SIVA; clinical reference A3.7. */
import { useState } from "preact/hooks";
import { Choice, type Option, Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

export const CATEGORIES: readonly Option[] = [
  { value: "hypertension", label: "Hypertension, asymptomatic" },
  { value: "hypertensive_emergency", label: "Hypertensive emergency" },
  { value: "desaturation", label: "Desaturation, airway" },
  { value: "laryngospasm", label: "Laryngospasm" },
  { value: "vomiting", label: "Vomiting" },
  { value: "emergence_distress", label: "Emergence distress" },
  { value: "over_sedation", label: "Over-sedation" },
  { value: "chest_pain", label: "Chest pain, arrhythmia" },
  { value: "syncope", label: "Syncope" },
  { value: "seizure", label: "Seizure" },
  { value: "suicidality", label: "Suicidality" },
  { value: "psychosis_mania", label: "Psychosis, mania" },
  { value: "misuse", label: "Misuse, diversion" },
  { value: "urinary_pain", label: "Urinary pain" },
  { value: "other", label: "Other" },
];

/** What is seen beside the patient, in words that need no chart; the others behind "More". */
const SEEN_BESIDE: readonly Option[] = [
  { value: "emergence_distress", label: "Distress, panic" },
  { value: "over_sedation", label: "Cannot be woken" },
  { value: "desaturation", label: "Trouble breathing" },
  { value: "chest_pain", label: "Chest pain" },
  { value: "syncope", label: "Fainted" },
  { value: "seizure", label: "Seizure" },
  { value: "vomiting", label: "Vomiting" },
  { value: "suicidality", label: "Suicidal thoughts" },
  { value: "other", label: "Fell, or something else" },
];
const REST = CATEGORIES.filter(({ value }) => SEEN_BESIDE.every((one) => one.value !== value));

export const SEVERITIES: readonly Option[] = [
  { value: "minimal", label: "Minimal" },
  { value: "minor", label: "Minor" },
  { value: "moderate", label: "Moderate" },
  { value: "sentinel", label: "Sentinel, serious" },
];

export function AdverseEventForm({ s, items, close, beside = false }: OfSession & { beside?: boolean }) {
  const [more, setMore] = useState(!beside);
  const form = useForm({
    id: "adverse",
    recorded: close,
    make(reader) {
      const event = { category: reader.text("category", "What happened"), severity: reader.text("severity", "How grave it was") };
      const text = reader.text("text", event.category === "other" ? "What happened, in words," : undefined);
      return { type: "RecordAdverseEvent", session_id: s.session_id, ...event, ...(text && { text }), ...occurred(reader) };
    },
  });
  return (
    <FormDialog form={form} title={beside ? "Something happened" : "Adverse event"} about={<About s={s} />} notice={<Meanwhile s={s} items={items} />} button="Record" wide close={close}>
      <Choice form={form} name="category" label="What happened" options={!beside ? CATEGORIES : more ? [...SEEN_BESIDE, ...REST] : SEEN_BESIDE} />
      {!more && (
        <p class="actions-row">
          <button type="button" class="btn small" onClick={() => setMore(true)}>
            More
          </button>
        </p>
      )}
      <Choice
        form={form}
        name="severity"
        label="How grave"
        hint="Sentinel: death, lasting harm, or care was escalated beyond the clinic. It raises a high alarm and is a serious adverse event."
        options={SEVERITIES}
      />
      <div class="two">
        <Words form={form} name="text" label="In words" rows={3} />
        <When form={form} what="Happened" />
      </div>
    </FormDialog>
  );
}

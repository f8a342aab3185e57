/* How the patient is: responsiveness, dissociation, nausea, pain, symptoms. */
import { SEEN } from "../../entry-fields";
import { Choice, type Choosing, type Option, upTo } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

/** MOAA/S and its anchors: bmcanesthesiol s12871-022-01788-1, table 2. */
const MOAAS: readonly Option[] = [
  { value: "5", label: "5", note: "Responds readily to name, normal tone" },
  { value: "4", label: "4", note: "Lethargic response to name, normal tone" },
  { value: "3", label: "3", note: "Responds only if name called loudly or repeatedly" },
  { value: "2", label: "2", note: "Responds only to mild prodding or shaking" },
  { value: "1", label: "1", note: "Responds only to painful trapezius squeeze" },
  { value: "0", label: "0", note: "No response to painful squeeze" },
];

/** The codes that the protocols alarm on first, then what is common and less grave. */
const SYMPTOMS: readonly Option[] = [
  { value: "chest_pain", label: "Chest pain" },
  { value: "dyspnoea", label: "Short of breath" },
  { value: "severe_headache", label: "Severe headache" },
  { value: "vision_change", label: "Vision change" },
  { value: "seizure", label: "Seizure" },
  { value: "focal_deficit", label: "Focal deficit" },
  { value: "stridor", label: "Stridor" },
  { value: "syncope", label: "Syncope" },
  { value: "unresponsive", label: "Unresponsive" },
  { value: "vomiting", label: "Vomiting" },
  { value: "dizziness", label: "Dizziness" },
  { value: "anxiety", label: "Anxiety" },
  { value: "agitation", label: "Agitation" },
];

const TO_TEN = { options: upTo(10), scale: true };

/** How each scale is asked, in an entry and in its correction. */
export const SCALES: Readonly<Record<keyof typeof SEEN, Pick<Choosing, "options" | "list" | "scale">>> = {
  moaas: { options: MOAAS, list: true },
  dissociation: TO_TEN,
  nausea: TO_TEN,
  pain: TO_TEN,
};
const NAMES = Object.keys(SCALES) as (keyof typeof SEEN)[];

export function ObservationForm({ s, items, close }: OfSession) {
  const form = useForm({
    id: "observation",
    recorded: close,
    make(reader) {
      const scores = NAMES.map((name) => [name, reader.number(name, name)] as const);
      const symptoms = reader.several("symptoms");
      if (symptoms.length === 0 && scores.every(([, value]) => value === undefined)) reader.refuse("Nothing is entered yet.");
      return { type: "RecordObservation", session_id: s.session_id, ...Object.fromEntries(scores), symptoms, ...occurred(reader) };
    },
  });
  return (
    <FormDialog
      form={form}
      title="Observation"
      hint="Leave empty what you did not look at. Touch again to take back."
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button="Record"
      wide
      close={close}
    >
      <div class="watched">
        <Choice form={form} name="moaas" label={SEEN.moaas.label} {...SCALES.moaas} />
        <div class="stack">
          {NAMES.slice(1).map((name) => (
            <Choice key={name} form={form} name={name} label={SEEN[name].label} {...SCALES[name]} />
          ))}
          <When form={form} what="Seen" />
        </div>
      </div>
      <Choice
        form={form}
        name="symptoms"
        label="Symptoms"
        hint="Chest pain to unresponsive raise a high alarm, whatever the numbers."
        options={SYMPTOMS}
        several
      />
    </FormDialog>
  );
}

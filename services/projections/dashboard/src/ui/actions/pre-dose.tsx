/* The check before the dose: the baseline and the day's questions. A recheck measures again; what was answered a few
   minutes ago is asked again or sent as it was, as the nurse says. */
import type { SessionRules } from "../../events";
import { recheckAt } from "../../gates";
import type { Checked, TimelineItem } from "../../model";
import type { Reader } from "../../reader";
import { now } from "../../store";
import { useStable } from "../../stable";
import { clockTime, duration, number } from "../../words";
import { Choice, Line, YesNo } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

type Question = SessionRules["gates"]["asked"][number];
type Answered = Exclude<keyof Checked, "at" | "by">;

const QUESTIONS: Record<Question, { field: Answered; asks: string }> = {
  ride: { field: "ride_arranged", asks: "Is a ride home arranged?" },
  intoxication: { field: "intoxicated", asks: "Is the patient intoxicated?" },
  pregnancy: { field: "pregnancy_excluded", asks: "Is pregnancy excluded?" },
  suicidality: { field: "suicidal_ideation_new", asks: "New suicidal thoughts (C-SSRS since the last visit)?" },
  urinary_symptoms: { field: "urinary_symptoms", asks: "Urinary symptoms?" },
  drugs_changed: { field: "drugs_changed", asks: "Drugs changed since the last visit?" },
};
const MEASURED = [
  ["systolic", "Systolic", "mmHg", true],
  ["diastolic", "Diastolic", "mmHg", true],
  ["heart_rate", "Heart rate", "/min", true],
  ["spo2", "SpO₂", "%", true],
  ["respiratory_rate", "Respiratory rate", "/min", false],
] as const;
const DAYS_ANSWERS = ["fasting", "hours_fasted", "hours_without_fluids", ...Object.values(QUESTIONS).map(({ field }) => field)] as const;

export function asked(rules: SessionRules | null): Question[] {
  const all = Object.keys(QUESTIONS) as Question[];
  return all.filter((q) => (rules?.gates.asked.includes(q) ?? true) && (q !== "pregnancy" || (rules?.ask_pregnancy ?? true)));
}

export function PreDoseForm({ s, detail, items, close }: OfSession) {
  const rules = detail?.rules ?? null;
  const before = s.pre_dose;
  const again = before !== null && s.doses.length === 0;
  const form = useForm({
    id: "predose",
    recorded: close,
    make(reader) {
      const measured = MEASURED.map(([name, label, , needed]) => [name, reader.number(name, label, needed ? "needed" : "")] as const);
      const answers = again && reader.text("answers", "Whether the questions are asked again") === "same" ? same(before) : answered(reader, rules);
      return { type: "CheckPreDose", session_id: s.session_id, ...Object.fromEntries(measured), ...answers, ...occurred(reader) };
    },
  });
  const gates = rules?.gates;
  const asks = !again || form.typed["answers"] === "anew";
  return (
    <FormDialog
      form={form}
      title={again ? "Pre-dose recheck" : "Pre-dose check"}
      hint={gates && `Up to ${gates.systolic_to}/${gates.diastolic_to} mmHg, SpO₂ from ${gates.spo2_from} %, ${number(gates.food_hours)} h without food, ${number(gates.fluid_hours)} h without fluids.`}
      about={<About s={s} />}
      notice={
        <>
          <RecheckNotice items={items} rules={rules} />
          <Meanwhile s={s} items={items} />
        </>
      }
      button="Record"
      wide
      close={close}
    >
      <div class="five">
        {MEASURED.map(([name, label, unit]) => (
          <Line key={name} form={form} name={name} label={label} unit={unit} max={5} />
        ))}
      </div>
      {again && (
        <Choice
          form={form}
          name="answers"
          label={`The day's questions, answered at ${clockTime(Date.parse(before.at))}`}
          options={[
            { value: "same", label: "Nothing has changed", note: "the answers stand as given" },
            { value: "anew", label: "Ask again" },
          ]}
        />
      )}
      {asks && (
        <>
          <div class="three">
            <YesNo form={form} name="fasting" label="Fasting as told?" />
            <Line form={form} name="hours_fasted" label="Last food" unit="h ago" max={4} />
            <Line form={form} name="hours_without_fluids" label="Last fluids" unit="h ago" max={4} />
          </div>
          <div class="two">
            {asked(rules).map((question) => (
              <YesNo key={question} form={form} name={QUESTIONS[question].field} label={QUESTIONS[question].asks} />
            ))}
          </div>
        </>
      )}
      <When form={form} what="Measured" />
    </FormDialog>
  );
}

const same = (before: Checked): Partial<Checked> => Object.fromEntries(DAYS_ANSWERS.map((name) => [name, before[name] ?? null]));

function answered(reader: Reader, rules: SessionRules | null): Record<string, unknown> {
  return {
    fasting: reader.yes("fasting", "Whether the patient is fasting"),
    hours_fasted: reader.number("hours_fasted", "Hours without food"),
    hours_without_fluids: reader.number("hours_without_fluids", "Hours without fluids"),
    ...Object.fromEntries(asked(rules).map((question) => [QUESTIONS[question].field, reader.yes(QUESTIONS[question].field, "The answer")])),
  };
}

function RecheckNotice({ items, rules }: { items: readonly TimelineItem[]; rules: SessionRules | null }) {
  const at = recheckAt(items, rules);
  const seconds = useStable(() => (at === null ? 0 : Math.max(0, Math.ceil((at - now.value) / 1000))), [at]);
  if (seconds === 0) return null;
  return (
    <div class="meanwhile">
      <p>
        A recheck counts from {clockTime(at ?? 0)} on, in <b>{duration(seconds)}</b>. Measured earlier, it does not release the dose.
      </p>
    </div>
  );
}

/* The check before the dose: the baseline and the day's questions. A recheck measures again; what was answered a few
   minutes ago is asked again or sent as it was, as the nurse says. */
import { boundOf, outside } from "../../bounds";
import { FASTING, MEASURED, OF_THE_DAY } from "../../entry-fields";
import type { SessionRules } from "../../events";
import { beyond, recheckAt } from "../../gates";
import type { Checked, TimelineItem } from "../../model";
import { Reader } from "../../reader";
import { now } from "../../store";
import { useStable } from "../../stable";
import { clockTime, duration, number } from "../../words";
import { Choice, Line, YesNo } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

type Question = SessionRules["gates"]["asked"][number];

const DAYS_ANSWERS = ["fasting", "hours_fasted", "hours_without_fluids", ...Object.values(OF_THE_DAY).map(([field]) => field)] as const;
const measures = Object.entries(MEASURED);
const bound = (field: string) => boundOf("PreDoseChecked", field);

export function asked(rules: SessionRules | null): Question[] {
  const all = Object.keys(OF_THE_DAY) as Question[];
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
      const measured = measures.map(([name, { label }]) => [name, reader.number(name, label, name === "respiratory_rate" ? "" : "needed")] as const);
      const answers = again && reader.text("answers", "The answer") === "same" ? same(before) : answered(reader, rules);
      return { type: "CheckPreDose", session_id: s.session_id, ...Object.fromEntries(measured), ...answers, ...occurred(reader) };
    },
  });
  const gates = rules?.gates;
  const asks = !again || form.typed["answers"] === "anew";
  const typed = new Reader(form.typed);
  // half a number is none yet: the 9 of 97 holds nothing
  const said = (name: string): number | undefined => (outside(form.typed[name] ?? "", bound(name) ?? {}, "") ? undefined : typed.number(name, ""));
  const held = gates ? beyond({ systolic: said("systolic"), diastolic: said("diastolic"), spo2: said("spo2") }, gates) : [];
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
      foot={gates && held.length > 0 && <b>{`Holds the dose: ${held.join(", ")}. Measure again ${gates.recheck_after_min} min later.`}</b>}
      wide
      close={close}
    >
      <div class="five">
        {measures.map(([name, asks]) => (
          <Line key={name} form={form} name={name} {...asks} bound={bound(name)} max={5} />
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
            <YesNo form={form} name="fasting" {...FASTING.fasting} />
            <Line form={form} name="hours_fasted" {...FASTING.hours_fasted} bound={bound("hours_fasted")} max={4} />
            <Line form={form} name="hours_without_fluids" {...FASTING.hours_without_fluids} bound={bound("hours_without_fluids")} max={4} />
          </div>
          <div class="two">
            {asked(rules).map((question) => (
              <YesNo key={question} form={form} name={OF_THE_DAY[question][0]} label={OF_THE_DAY[question][1]} />
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
    fasting: reader.yes("fasting", "The answer"),
    hours_fasted: reader.number("hours_fasted", "Hours without food"),
    hours_without_fluids: reader.number("hours_without_fluids", "Hours without fluids"),
    ...Object.fromEntries(asked(rules).map((question) => [OF_THE_DAY[question][0], reader.yes(OF_THE_DAY[question][0], "The answer")])),
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

/* Alarm limits for this patient alone, inside the hard bounds that the server holds. */
import { boundOf } from "../../bounds";
import type { Band, Limits } from "../../events";
import { number } from "../../words";
import { Line, Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

const SIGNALS = [
  ["spo2", "SpO₂", "%"],
  ["systolic", "Systolic", "mmHg"],
  ["diastolic", "Diastolic", "mmHg"],
  ["heart_rate", "Heart rate", "/min"],
  ["respiratory_rate", "Respiratory rate", "/min"],
] as const;
const SIDES = ["low", "high"] as const;

interface Limit {
  name: string;
  signal: (typeof SIGNALS)[number][0];
  index: number;
  side: (typeof SIDES)[number];
  label: string;
  unit: string;
  value: number;
}

/** Each number of the limits as they are, to be changed one by one. */
const limitsOf = (limits: Limits): Limit[] =>
  SIGNALS.flatMap(([signal, called, unit]) =>
    limits[signal].flatMap((band: Band, index) =>
      SIDES.flatMap((side) => {
        const value = band[side];
        const label = `${called} ${side === "low" ? "under" : "over"}, ${band.priority}`;
        return value === null ? [] : [{ name: `${signal}-${index}-${side}`, signal, index, side, label, unit, value }];
      }),
    ),
  );

export function LimitsForm({ s, items, close }: OfSession) {
  const known = limitsOf(s.limits);
  const form = useForm({
    id: "limits",
    recorded: close,
    make(reader) {
      const limits = structuredClone(s.limits);
      let changed = 0;
      for (const { name, signal, index, side, label } of known) {
        const value = reader.number(name, label);
        const band = limits[signal][index];
        if (value === undefined || !band) continue;
        band[side] = value;
        changed += 1;
      }
      if (changed === 0) reader.refuse("No limit is changed yet.");
      return { type: "ChangeLimits", session_id: s.session_id, limits, reason: reader.text("reason", "The reason") };
    },
  });
  return (
    <FormDialog
      form={form}
      title="Alarm limits for this patient"
      hint="Empty keeps what is. The clinic's hard bounds cannot be widened."
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button="Change limits"
      icon="limits"
      wide
      close={close}
    >
      <div class="three">
        {known.map(({ name, signal, label, unit, value }) => (
          <Line key={name} form={form} name={name} label={`${label}: now ${number(value)}`} unit={unit} bound={boundOf("VitalRecorded", signal)} max={5} />
        ))}
      </div>
      <Words form={form} name="reason" label="Reason" rows={2} />
    </FormDialog>
  );
}

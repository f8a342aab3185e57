/* Vitals by hand. */
import type { Signal } from "../../model";
import { Line } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

const FIELDS: readonly { signal: Signal; name: string; unit: string }[] = [
  { signal: "systolic", name: "Systolic", unit: "mmHg" },
  { signal: "diastolic", name: "Diastolic", unit: "mmHg" },
  { signal: "pulse_rate", name: "Pulse", unit: "/min" },
  { signal: "spo2", name: "SpO₂", unit: "%" },
  { signal: "respiratory_rate", name: "Respiratory rate", unit: "/min" },
  { signal: "temperature", name: "Temperature", unit: "°C" },
];

export function VitalsForm({ s, items, close }: OfSession) {
  const form = useForm({
    id: "vitals",
    recorded: close,
    make(reader) {
      const signals: Partial<Record<Signal, number>> = {};
      for (const { signal, name } of FIELDS) {
        const value = reader.number(signal, name);
        if (value !== undefined) signals[signal] = value;
      }
      const at = occurred(reader);
      if (Object.keys(signals).length + Object.keys(reader.wrong).length === 0) reader.refuse("Nothing is entered yet.");
      return { type: "RecordVitals", session_id: s.session_id, signals, ...at };
    },
  });
  return (
    <FormDialog form={form} title="Vitals by hand" hint="Leave empty what you did not measure." about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />} button="Record" close={close}>
      <div class="two">
        {FIELDS.map(({ signal, name, unit }) => (
          <Line key={signal} form={form} name={signal} label={name} unit={unit} max={8} />
        ))}
      </div>
      <When form={form} what="Measured" />
    </FormDialog>
  );
}

/* Vitals by hand. */
import { boundOf } from "../../bounds";
import { type Asks, TYPED } from "../../entry-fields";
import type { Signal } from "../../model";
import { Line } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

const FIELDS = Object.entries(TYPED) as [Signal, Asks][];

export function VitalsForm({ s, items, close }: OfSession) {
  const form = useForm({
    id: "vitals",
    recorded: close,
    make(reader) {
      const signals: Partial<Record<Signal, number>> = {};
      for (const [signal, { label }] of FIELDS) {
        const value = reader.number(signal, label);
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
        {FIELDS.map(([signal, { label, unit }]) => (
          <Line key={signal} form={form} name={signal} label={label} unit={unit} bound={boundOf("VitalRecorded", signal)} max={8} />
        ))}
      </div>
      <When form={form} what="Measured" />
    </FormDialog>
  );
}

/* A wrong entry is corrected by a new one: it stays in the timeline, struck through, with who corrected it and why. */
import { useMemo } from "preact/hooks";
import { entries, replaced, standing } from "../../correcting";
import type { TimelineItem } from "../../model";
import { tell } from "../../story";
import { clockTime } from "../../words";
import { Choice, Line, Words, YesNo } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

export function CorrectForm({ s, items, close, item }: OfSession & { item: TimelineItem }) {
  const { id, data } = standing(item);
  const fields = useMemo(() => entries(item.type, data), [item]);
  const form = useForm({
    id: "correct",
    recorded: close,
    make(reader) {
      const how = fields.length > 0 ? reader.text("how", "What is to be done") : "withdraw";
      const reason = reader.text("reason", "The reason");
      const command = { type: "CorrectEntry", of: "session", of_id: s.session_id, event_id: id, reason };
      if (how !== "replace") return command;
      const changes = new Map<string, unknown>();
      for (const { name, label, value } of fields) {
        const field = name.replace(".", "-");
        const said = typeof value === "number" ? reader.number(field, label) : typeof value === "boolean" ? reader.yes(field) : reader.text(field);
        if (said !== undefined) changes.set(name, said);
      }
      if (changes.size === 0) reader.refuse("Nothing is changed yet.");
      return { ...command, replacement: replaced({ ...data, at: item.at }, changes) };
    },
  });
  const replacing = form.typed["how"] === "replace";
  return (
    <FormDialog
      form={form}
      title="Correct an entry"
      hint={`${clockTime(Date.parse(item.at))}, ${item.by_name ?? "somebody"}`}
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button={replacing ? "Correct" : "Withdraw"}
      close={close}
    >
      <p class="held-why">{tell({ type: item.type, data }).text}</p>
      {fields.length > 0 && (
        <Choice
          form={form}
          name="how"
          label="What was wrong"
          options={[
            { value: "replace", label: "Something in it" },
            { value: "withdraw", label: "All of it: withdraw" },
          ]}
        />
      )}
      {replacing && (
        <div class="two">
          {fields.map(({ name, label, value }) => {
            const field = { form, name: name.replace(".", "-"), label: `${label}, was ${typeof value === "boolean" ? (value ? "yes" : "no") : value}` };
            return typeof value === "boolean" ? <YesNo key={name} {...field} /> : <Line key={name} {...field} unit={typeof value === "number" ? "" : undefined} max={4000} />;
          })}
        </div>
      )}
      <Words form={form} name="reason" label="Why" hint="Stands in the timeline beside the entry, which stays, struck through." rows={2} />
    </FormDialog>
  );
}

/* A wrong entry is corrected by a new one: it stays in the timeline, struck through, with who corrected it and why. */
import { useMemo } from "preact/hooks";
import { asItStands, fieldsOf, replaced } from "../../correcting";
import { SITES } from "../../dosing";
import type { TimelineItem } from "../../model";
import { tell } from "../../story";
import { clockTime, timeNear } from "../../words";
import { Choice, type Choosing, Line, Words, YesNo } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import { CATEGORIES, SEVERITIES } from "./adverse-event";
import { KINDS } from "./intervention";
import { SCALES } from "./observation";
import type { OfSession } from "./of";

/** What is chosen, not typed, by entry and field: as the form that makes the entry has it. */
const CHOSEN: Record<string, Pick<Choosing, "options" | "list" | "scale">> = {
  "Dosed.dose.site": { options: SITES },
  "AdverseEventRecorded.category": { options: CATEGORIES },
  "AdverseEventRecorded.severity": { options: SEVERITIES },
  "InterventionRecorded.kind": { options: KINDS },
  ...Object.fromEntries(Object.entries(SCALES).map(([scale, asked]) => [`ObservationRecorded.${scale}`, asked])),
};

export function CorrectForm({ s, items, again, close, item }: OfSession & { item: TimelineItem; again(): void }) {
  const { id, at, data } = asItStands(item);
  const fields = useMemo(() => fieldsOf(item.type, data), [item]);
  const form = useForm({
    id: "correct",
    recorded() {
      again(); // of a session that left the board no frame tells that a reading was corrected
      close();
    },
    make(reader) {
      const reason = reader.text("reason", "The reason");
      const command = { type: "CorrectEntry", of: "session", of_id: s.session_id, event_id: id, reason };
      if (reader.text("how") !== "replace") return command;
      const changes = new Map<string, unknown>();
      for (const { name, label, kind } of fields) {
        const field = name.replace(".", "-");
        const said = kind === "number" ? reader.number(field, label) : kind === "yes or no" ? reader.yes(field) : reader.text(field);
        if (said !== undefined) changes.set(name, said);
      }
      const time = reader.text("at");
      const moved = time ? timeNear(time, at) : at;
      if (Number.isNaN(moved)) reader.wrong["at"] = "This is no time.";
      else if (changes.size === 0 && moved === at) reader.refuse("Nothing is changed yet.");
      else return { ...command, replacement: replaced({ at: item.at, ...data, ...(moved !== at && { at: new Date(moved).toISOString() }) }, changes) };
      return command;
    },
  });
  const how = fields.length > 0 ? form.typed["how"] : "withdraw";
  const replacing = how === "replace";
  return (
    <FormDialog
      form={form}
      title="Correct an entry"
      hint={`${clockTime(at)}, ${item.by_name ?? "somebody"}`}
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button={how === "withdraw" ? "Withdraw" : "Correct"}
      blocked={how ? "" : "Choose what was wrong."}
      close={close}
    >
      <p class="held-why">{tell({ type: item.type, data }).text}</p>
      {fields.length > 0 && (
        <Choice
          form={form}
          name="how"
          label="What was wrong"
          options={[
            { value: "replace", label: "A value, or its time" },
            { value: "withdraw", label: "All of it: withdraw" },
          ]}
        />
      )}
      {replacing && (
        <div class="two">
          {fields.map(({ name, label, unit = "", bound, kind, value }) => {
            const choice = CHOSEN[`${item.type}.${name}`];
            const chosen = choice?.options.find((one) => one.value === String(value))?.label;
            const was = typeof value === "boolean" ? (value ? "yes" : "no") : typeof value === "number" ? `${value} ${unit}`.trimEnd() : value;
            const field = { form, name: name.replace(".", "-"), label, hint: value === null ? "Was not entered. Empty leaves it so." : `Was ${chosen ?? was}. Empty keeps it.` };
            if (choice) return <Choice key={name} {...field} {...choice} />;
            return kind === "yes or no" ? <YesNo key={name} {...field} /> : <Line key={name} {...field} unit={kind === "number" ? unit : undefined} bound={bound} max={4000} />;
          })}
          <Line form={form} name="at" label="When it was" hint={`Was ${clockTime(at)}. Empty keeps it.`} type="time" />
        </div>
      )}
      <Words form={form} name="reason" label="Why" hint="Stands in the timeline beside the entry, which stays, struck through." rows={2} />
    </FormDialog>
  );
}

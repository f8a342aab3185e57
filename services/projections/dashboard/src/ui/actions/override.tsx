/* A prescriber lets a gate pass, with a reason that stays on the record. */
import { useEffect, useState } from "preact/hooks";
import type { BoardSession } from "../../board";
import { DAY, LEAVING } from "../../gates";
import { may } from "../../store";
import { Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

/** A gate's name as the command has it: `ride`, `dose.amount`, `discharge.stay`. */
export const calledGate = (gate: string): string => {
  const [of, point] = gate.split(".");
  return (point === undefined ? DAY[gate] : of === "discharge" ? LEAVING[point] : "This amount") ?? gate;
};

/** Inside another form: a button, then a reason, then it is recorded by itself. */
export function OverrideHere({ s, gate }: { s: BoardSession; gate: string }) {
  const [open, setOpen] = useState(false);
  const form = useForm({
    id: `over-${gate.replace(".", "-")}`,
    recorded: () => setOpen(false),
    make: (reader) => ({ type: "OverrideGate", session_id: s.session_id, gate, reason: reader.text("reason", "The reason") }),
  });
  useEffect(() => {
    if (open) document.getElementById(`${form.id}-reason`)?.focus();
  }, [open]);
  if (!may("session", "OverrideGate")) return null;
  if (!open) {
    return (
      <button type="button" class="btn small" onClick={() => setOpen(true)}>
        Override
        <span class="sr"> {calledGate(gate)}</span>
      </button>
    );
  }
  return (
    <div class="own-line stack">
      <Words form={form} name="reason" label="Why it may pass all the same" rows={2} />
      {form.wrong[""] && <p class="refusal">{form.wrong[""]}</p>}
      <div class="pair">
        <button type="button" class="btn" onClick={() => setOpen(false)}>
          Leave it
        </button>
        <button type="button" class="btn" aria-disabled={form.state === "sending"} onClick={() => void form.submit()}>
          {form.state === "sending" ? "Recording…" : form.state === "unknown" ? "Try again" : "Override this"}
        </button>
      </div>
    </div>
  );
}

export function OverrideForm({ s, items, close, gate, why }: OfSession & { gate: string; why: string }) {
  const form = useForm({
    id: "override",
    recorded: close,
    make: (reader) => ({ type: "OverrideGate", session_id: s.session_id, gate, reason: reader.text("reason", "The reason") }),
  });
  return (
    <FormDialog form={form} title={`Override: ${calledGate(gate)}`} about={<About s={s} />} notice={<Meanwhile s={s} items={items} />} button="Override" close={close}>
      <p class="held-why">{why}</p>
      <Words form={form} name="reason" label="Why it may pass all the same" hint="Stands in the record with your name." rows={3} />
    </FormDialog>
  );
}

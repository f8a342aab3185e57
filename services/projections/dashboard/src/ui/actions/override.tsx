/* A prescriber lets a gate pass, with a reason that stays on the record. */
import { useEffect, useState } from "preact/hooks";
import type { BoardSession } from "../../board";
import { DAY, LEAVING, type Point } from "../../gates";
import { may } from "../../store";
import { Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

/** A gate's name as the command has it: `ride`, `dose.amount`, `discharge.stay`. */
const calledGate = (gate: string): string => {
  const [of, point] = gate.split(".");
  return (point === undefined ? DAY[gate] : of === "discharge" ? LEAVING[point as Point] : "This amount") ?? gate;
};

interface Here {
  s: BoardSession;
  gate: string;
  /** What holds it; null when nothing does, or when that is not known right now. */
  held: string | null;
}

/** Inside another form: a button, then a reason, then it is recorded by itself. A reason that somebody writes stays until
    it is recorded or left, whatever is heard of the gate meanwhile. */
export function OverrideHere({ s, gate, held }: Here) {
  const [open, setOpen] = useState(false);
  if (open) return <Reason s={s} gate={gate} close={() => setOpen(false)} />;
  if (!held || !may("session", "OverrideGate")) return null;
  return (
    <button type="button" class="btn small" onClick={() => setOpen(true)}>
      Override
      <span class="sr"> {calledGate(gate)}</span>
    </button>
  );
}

function Reason({ s, gate, close }: Pick<Here, "s" | "gate"> & { close(): void }) {
  const form = useForm({
    id: `over-${gate.replace(".", "-")}`,
    recorded: close,
    make: (reader) => ({ type: "OverrideGate", session_id: s.session_id, gate, reason: reader.text("reason", "The reason") }),
  });
  useEffect(() => document.getElementById(`${form.id}-reason`)?.focus(), []);
  return (
    <div class="own-line stack">
      <Words form={form} name="reason" label="Why it may pass all the same" rows={2} />
      {form.wrong[""] && <p class="refusal">{form.wrong[""]}</p>}
      <div class="pair">
        <button type="button" class="btn" onClick={close}>
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

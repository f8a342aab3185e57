/* Stops the session for good: the reason is asked, and the decision once more. */
import { Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";

export function AbortForm({ s, items, close }: OfSession) {
  const form = useForm({
    id: "abort",
    recorded: close,
    asks: true,
    make: (reader) => ({ type: "AbortSession", session_id: s.session_id, reason: reader.text("reason", "The reason") }),
  });
  return (
    <FormDialog
      form={form}
      title="Stop session"
      hint="Ends it without a discharge. A patient who goes home well is discharged instead."
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button={form.state === "open" ? "Stop session…" : "Stop the session"}
      icon="stop"
      question={
        <>
          <p>
            <strong>
              Stop the session of {s.label} in room {s.room}?
            </strong>
          </p>
          <p>“{form.typed["reason"]}”</p>
          <p>KAP stops watching this patient: its alarms end with it, and the monitor is detached. Nobody can open it again.</p>
        </>
      }
      close={close}
    >
      <Words form={form} name="reason" label="Reason" rows={3} />
    </FormDialog>
  );
}

/* A note: free text, sealed with the patient's own key. */
import { Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, Meanwhile, occurred, When } from "./about";
import type { OfSession } from "./of";

export function NoteForm({ s, items, close }: OfSession) {
  const form = useForm({
    id: "note",
    recorded: close,
    make: (reader) => ({ type: "RecordNote", session_id: s.session_id, text: reader.text("text", "The note"), ...occurred(reader) }),
  });
  return (
    <FormDialog form={form} title="Note" about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />} button="Record" close={close}>
      <Words form={form} name="text" label="Note" rows={6} />
      <When form={form} what="Happened" />
    </FormDialog>
  );
}

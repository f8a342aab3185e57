/* A note: free text, sealed with the patient's own key. */
import type { Session } from "../../model";
import { Words } from "../fields";
import { FormDialog, useForm } from "../form";
import { About, occurred, When } from "./about";

export function NoteForm({ session, close }: { session: Session; close(): void }) {
  const form = useForm({
    id: "note",
    recorded: close,
    make: (reader) => ({ type: "RecordNote", session_id: session.session_id, text: reader.text("text", "The note"), ...occurred(reader) }),
  });
  return (
    <FormDialog form={form} title="Note" about={<About session={session} />} button="Record" close={close}>
      <Words form={form} name="text" label="Note" rows={6} />
      <When form={form} what="Happened" />
    </FormDialog>
  );
}

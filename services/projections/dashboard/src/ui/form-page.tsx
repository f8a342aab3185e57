/* A form that is a page of its own: the kit's form without a dialog around it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { DISCARD, type Form, useLeaving } from "./form";
import { Icon } from "./icon";

interface Props {
  form: Form;
  button: string;
  /** Where to go without recording. */
  cancel: string;
  blocked?: string;
  foot?: string;
  children: ComponentChildren;
}

export function FormBody({ form, button, cancel, blocked = "", foot, children }: Props) {
  const busy = form.state === "sending";
  const [leaving, ask] = useLeaving(form);
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), [leaving]);
  return (
    <form
      class="panel form-page"
      noValidate
      aria-busy={busy}
      onSubmit={(event) => {
        event.preventDefault();
        if (leaving) ask(null);
        else if (!blocked || form.state === "unknown") void form.submit();
      }}
    >
      <fieldset class="form-fields" disabled={form.state !== "open"}>
        {children}
      </fieldset>
      {form.wrong[""] && (
        <div class="verdict bad" role="status">
          <Icon name="alert" />
          <span>{form.wrong[""]}</span>
        </div>
      )}
      {leaving ? (
        <div class="form-foot">
          <p role="status">{DISCARD}</p>
          <button type="button" class="btn quiet" onClick={leaving}>
            Discard
          </button>
          <button type="button" class="btn main" ref={keep} onClick={() => ask(null)}>
            Keep
          </button>
        </div>
      ) : (
        <div class="form-foot">
          <p>{form.state === "unknown" ? "Trying again sends the same entry, once." : blocked || foot}</p>
          <a class="btn quiet" href={cancel}>
            Cancel
          </a>
          <button type="submit" class="btn main" aria-disabled={busy || blocked !== ""}>
            {busy ? "Recording…" : form.state === "unknown" ? "Try again" : button}
          </button>
        </div>
      )}
    </form>
  );
}

/* The form of every command: what was typed stays until the server has said that it is recorded, its refusals stand
   beside their field, and trying again sends the same command once. Fields are in fields.tsx. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { Reader, type Typed } from "../reader";
import { asked, serverNow } from "../store";
import { Dialog } from "./dialog";
import { Icon, type IconName } from "./icon";

/** What is wrong, by field; "" is the form as a whole. */
export type Wrong = Readonly<Record<string, string>>;

/** A command as a form makes it: the kit adds its id, and its time where the form says none. */
export interface Draft {
  type: string;
  at?: string;
  [field: string]: unknown;
}

export interface Form {
  id: string;
  typed: Typed;
  wrong: Wrong;
  state: "open" | "asking" | "sending" | "unknown";
  set(name: string, value: string): void;
  /** Each field says its name, so that a refusal finds the field that it belongs to. */
  has(name: string): void;
  refuse(wrong: Wrong): void;
  submit(): Promise<void>;
  back(): void;
}

interface Options {
  /** Unique on the page: the beginning of the fields' ids. */
  id: string;
  service?: api.Service;
  /** The command from what was typed; what `reader` finds wrong stops it. */
  make(reader: Reader): Draft;
  /** Asked before it is sent: what will be recorded, once more, in words. */
  asks?: boolean;
  recorded(): void;
}

export function useForm({ id, service = "session", make, asks = false, recorded }: Options): Form {
  const [typed, setTyped] = useState<Typed>({});
  const [wrong, setWrong] = useState<Wrong>({});
  const [state, setState] = useState<Form["state"]>("open");
  const names = useRef(new Set<string>());
  /** The same until the server has said that nothing was recorded, so that trying again is harmless. */
  const command = useRef<api.Command | null>(null);
  const timed = useRef(false);
  /** Not a state: a second press may come before the first is drawn. */
  const sending = useRef(false);

  const refuse = (found: Wrong): void => {
    command.current = null;
    setWrong(found);
    setState("open");
    const first = [...names.current].find((name) => found[name]);
    if (first) requestAnimationFrame(() => document.getElementById(`${id}-${first}`)?.focus());
  };

  const send = async (ready: api.Command): Promise<void> => {
    command.current = ready;
    sending.current = true;
    setState("sending");
    const answer = await asked(api.command(service, ready)).catch(() => null);
    // What is kept until the network is back is shown by the page as not sent yet. Either way the form is over.
    if (answer?.kind === "recorded" || answer?.kind === "kept") return recorded();
    sending.current = false;
    if (!answer || answer.kind === "unknown") {
      setWrong({ "": answer?.text ?? "You are signed out. Sign in again." });
      return setState("unknown");
    }
    refuse(answer.kind === "refused" ? { "": answer.text } : beside(answer.fields, names.current));
  };

  const submit = async (): Promise<void> => {
    if (sending.current) return;
    if (command.current && state === "unknown") return send(command.current);
    if (command.current && state === "asking") {
      // What was asked took its time: it happens now.
      const at = new Date(serverNow()).toISOString();
      return send(timed.current ? command.current : { ...command.current, at });
    }
    const reader = new Reader(typed);
    const draft = make(reader);
    if (Object.keys(reader.wrong).length > 0) return refuse(reader.wrong);
    setWrong({});
    const now = serverNow();
    const ready = { id: api.uuid(now), at: new Date(now).toISOString(), ...draft };
    if (!asks) return send(ready);
    command.current = ready;
    timed.current = draft.at !== undefined;
    setState("asking");
  };

  return {
    id,
    typed,
    wrong,
    state,
    refuse,
    submit,
    set(name, value) {
      setTyped((before) => ({ ...before, [name]: value }));
      if (wrong[name]) setWrong({ ...wrong, [name]: "" });
    },
    has: (name) => void names.current.add(name),
    back() {
      command.current = null;
      setState("open");
    },
  };
}

/** The server's problems beside their fields; what belongs to none stands at the form, with its name. */
function beside(problems: readonly { field: string; message: string }[], names: ReadonlySet<string>): Wrong {
  const found: Record<string, string> = {};
  for (const { field, message } of problems) {
    const part = [field, ...field.split(".").reverse()].find((name) => names.has(name)) ?? "";
    const said = part ? message : `${field}: ${message}`;
    found[part] = found[part] ? `${found[part]} ${said}` : said;
  }
  return found;
}

interface DialogProps {
  form: Form;
  title: string;
  hint?: ComponentChildren;
  /** Whose record it is, at the upper right. */
  about?: ComponentChildren;
  button: string;
  icon?: IconName;
  /** What the confirmation says; the form has `asks`. */
  question?: ComponentChildren;
  foot?: ComponentChildren;
  /** Above everything: what happened meanwhile. */
  notice?: ComponentChildren;
  wide?: boolean;
  /** Why it cannot be sent now. */
  blocked?: string;
  close(): void;
  children?: ComponentChildren;
}

export function FormDialog({ form, title, hint, about, button, icon, question, foot, notice, wide, blocked, close, children }: DialogProps) {
  const [leaving, setLeaving] = useState(false);
  const touched = Object.values(form.typed).some(Boolean);
  const busy = form.state === "sending";
  const asking = form.state === "asking" || (busy && question !== undefined);
  const main = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (leaving || form.state !== "open") main.current?.focus();
  }, [leaving, form.state]);
  const leave = (): void => {
    if (busy) return;
    if (form.state === "asking") form.back();
    else if (leaving) setLeaving(false);
    else if (touched) setLeaving(true);
    else close();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (leaving) setLeaving(false);
    else if (!blocked || form.state === "unknown") void form.submit();
  };
  const words = { open: button, asking: button, sending: "Recording…", unknown: "Try again" }[form.state];
  return (
    <Dialog labelled={`${form.id}-h`} wide={wide === true} escape={leave}>
      <form onSubmit={submit} noValidate aria-busy={busy}>
        <div class="d-head">
          <div>
            <h2 id={`${form.id}-h`}>{title}</h2>
            {hint && <p>{hint}</p>}
          </div>
          {about && <div class="who-big">{about}</div>}
        </div>
        {notice}
        <fieldset class="d-body" disabled={form.state !== "open"} hidden={asking}>
          {children}
        </fieldset>
        {asking && <div class="d-ask">{question}</div>}
        {form.wrong[""] && (
          <div class="verdict-row">
            <div class="verdict bad" role="status">
              <Icon name="alert" />
              <span>{form.wrong[""]}</span>
            </div>
          </div>
        )}
        {leaving ? (
          <div class="d-foot">
            <p role="status">Nothing is recorded yet. Discard what you entered?</p>
            <button type="button" class="btn quiet" onClick={close}>
              Discard
            </button>
            <button type="submit" class="btn main" ref={main}>
              Keep
            </button>
          </div>
        ) : (
          <div class="d-foot">
            <p>{form.state === "unknown" ? "Trying again sends the same entry, once." : blocked || foot}</p>
            <button type="button" class="btn quiet" disabled={busy} onClick={form.state === "unknown" ? close : leave}>
              {form.state === "asking" ? "Back" : form.state === "unknown" ? "Close" : "Cancel"}
            </button>
            <button type="submit" class="btn main" ref={main} aria-disabled={busy || Boolean(blocked)}>
              {icon && <Icon name={icon} />}
              {words}
            </button>
          </div>
        )}
      </form>
    </Dialog>
  );
}

/* The form of every command: what was typed stays until the server has said that it is recorded, its refusals stand
   beside their field, and trying again sends the same command once. Fields are in fields.tsx. */
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { Reader, type Typed } from "../reader";
import { hold } from "../route";
import { asked, serverNow } from "../store";
import { Dialog } from "./dialog";
import { Icon, type IconName } from "./icon";

/** Less than this of a form is an edge, not a field. */
const BELOW_PX = 16;

/** What is wrong, by field; "" is the form as a whole. */
export type Wrong = Readonly<Record<string, string>>;

/** A command as a form makes it: the kit adds its id, and its time where the form says none. */
export interface Draft {
  type: string;
  at?: string;
  [field: string]: unknown;
}

/** Why what was typed cannot be; null: it can. */
export type Misfit = (said: string) => string | null;

export interface Form {
  id: string;
  typed: Typed;
  /** Something was typed that would be lost. */
  touched: boolean;
  wrong: Wrong;
  state: "open" | "asking" | "sending" | "unknown";
  set(name: string, value: string): void;
  /** Each field says its name, so that a refusal finds the field that it belongs to, and what it cannot be. */
  has(name: string, misfit?: Misfit): void;
  /** The field is left: what it cannot be is said now, not after everything else is filled in. */
  left(name: string): void;
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
  /** Whether it is asked before it is sent: what will be recorded, once more, in words. */
  asks?: boolean | ((ready: Draft) => boolean);
  /** What was chosen before the form was opened; never a clinical value. */
  given?: Typed;
  /** Whose draft it is, of what: what is typed outlives the form in this window's memory, until it is recorded. */
  draft?: string;
  recorded(): void;
}

const drafts = new Map<string, Typed>();

export function useForm({ id, service = "session", make, asks = false, given = {}, draft, recorded }: Options): Form {
  const [typed, setTyped] = useState<Typed>(() => (draft && drafts.get(draft)) || given);
  const [wrong, setWrong] = useState<Wrong>({});
  const [state, setState] = useState<Form["state"]>("open");
  const names = useRef(new Map<string, Misfit | undefined>());
  /** The same until the server has said that nothing was recorded, so that trying again is harmless. */
  const command = useRef<api.Command | null>(null);
  const timed = useRef(false);
  /** Not a state: a second press may come before the first is drawn. */
  const sending = useRef(false);

  const misfits = (name: string): string | null => names.current.get(name)?.(typed[name] ?? "") ?? null;

  const refuse = (found: Wrong): void => {
    command.current = null;
    setWrong(found);
    setState("open");
    const first = [...names.current.keys()].find((name) => found[name]);
    if (first) requestAnimationFrame(() => document.getElementById(`${id}-${first}`)?.focus());
  };

  const send = async (ready: api.Command): Promise<void> => {
    command.current = ready;
    sending.current = true;
    setState("sending");
    const answer = await asked(api.command(service, ready)).catch(() => null);
    // What is kept until the network is back is shown by the page as not sent yet. Either way the form is over.
    if (answer?.kind === "recorded" || answer?.kind === "kept") {
      if (draft) drafts.delete(draft);
      return recorded();
    }
    sending.current = false;
    if (!answer || answer.kind === "unknown") {
      setWrong({ "": answer?.text ?? "You are signed out. Sign in again." });
      return setState("unknown");
    }
    refuse(answer.kind === "refused" ? ofFields(answer.points, names.current) ?? { "": answer.text } : beside(answer.fields, names.current));
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
    for (const name of names.current.keys()) {
      const why = misfits(name);
      if (why && document.getElementById(`${id}-${name}`)) reader.wrong[name] ??= why;
    }
    if (Object.keys(reader.wrong).length > 0) return refuse(reader.wrong);
    setWrong({});
    const now = serverNow();
    const ready = { id: api.uuid(now), at: new Date(now).toISOString(), ...draft };
    if (!(typeof asks === "function" ? asks(ready) : asks)) return send(ready);
    command.current = ready;
    timed.current = draft.at !== undefined;
    setState("asking");
  };

  return {
    id,
    typed,
    touched: Object.entries(typed).some(([name, said]) => said !== (given[name] ?? "")),
    wrong,
    state,
    refuse,
    submit,
    set(name, value) {
      setTyped((before) => {
        const now = { ...before, [name]: value };
        if (draft) drafts.set(draft, now);
        return now;
      });
      if (wrong[name]) setWrong({ ...wrong, [name]: "" });
    },
    has: (name, misfit) => void names.current.set(name, misfit),
    left(name) {
      const why = misfits(name);
      if (why) setWrong((before) => ({ ...before, [name]: why }));
    },
    back() {
      command.current = null;
      setState("open");
    },
  };
}

const sentence = (said: string): string => said.charAt(0).toUpperCase() + (said.endsWith(".") ? said.slice(1) : `${said.slice(1)}.`);

/** A refusal of single fields that the form shows. */
function ofFields(points: Wrong | undefined, names: ReadonlyMap<string, unknown>): Wrong | null {
  const refused = Object.keys(points ?? {});
  return points && refused.length > 0 && refused.every((name) => names.has(name)) ? points : null;
}

/** The server's problems beside their fields; what belongs to none stands at the form, with its name. */
function beside(problems: readonly { field: string; message: string }[], names: ReadonlyMap<string, unknown>): Wrong {
  const found: Record<string, string> = {};
  for (const { field, message } of problems) {
    const part = [field, ...field.split(".").reverse()].find((name) => names.has(name)) ?? "";
    const said = part ? sentence(message) : `${field}: ${message}`;
    found[part] = found[part] ? `${found[part]} ${said}` : said;
  }
  return found;
}

/** What of a box lies below its edge, by the name of its first field there; null: nothing does. */
function useBelow(): { box: RefObject<HTMLFieldSetElement | null>; below: string | null } {
  const box = useRef<HTMLFieldSetElement>(null);
  const [below, setBelow] = useState<string | null>(null);
  useEffect(() => {
    const self = box.current;
    if (!self) return;
    const look = (): void => {
      const edge = self.getBoundingClientRect().bottom;
      const cut = self.scrollHeight - self.clientHeight - self.scrollTop > BELOW_PX;
      const names = cut ? [...self.querySelectorAll(".field > label, legend, .label")] : [];
      const first = names.find((name) => name.getBoundingClientRect().bottom > edge);
      setBelow(cut ? (first?.textContent ?? "").split(":")[0]?.trim() ?? "" : null);
    };
    look();
    self.addEventListener("scroll", look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(self);
    const fields = new MutationObserver(look);
    fields.observe(self, { childList: true, subtree: true });
    return () => {
      self.removeEventListener("scroll", look);
      sizes.disconnect();
      fields.disconnect();
    };
  }, []);
  return { box, below };
}

/** While something is typed nobody leaves without a word: by Back or a link the form's own, by a reload the browser's.
    The first of the pair is what is asked about; null: nothing is. */
export function useLeaving(form: Form): [(() => void) | null, (leave: (() => void) | null) => void] {
  const [leaving, setLeaving] = useState<(() => void) | null>(null);
  const ask = (leave: (() => void) | null): void => setLeaving(() => leave);
  // With the first letter, not a frame after it.
  useLayoutEffect(() => {
    if (!form.touched) return;
    const stay = (event: Event): void => event.preventDefault();
    addEventListener("beforeunload", stay);
    const free = hold(ask);
    return () => {
      removeEventListener("beforeunload", stay);
      free();
    };
  }, [form.touched]);
  return [leaving, ask];
}

export const DISCARD = "Nothing is recorded yet. Discard what you entered?";

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
  const [leaving, ask] = useLeaving(form);
  const { box, below } = useBelow();
  const busy = form.state === "sending";
  const asking = form.state === "asking" || (busy && question !== undefined);
  const main = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (leaving || form.state !== "open") main.current?.focus();
  }, [leaving, form.state]);
  const leave = (): void => {
    if (busy) return;
    if (form.state === "asking") form.back();
    else if (leaving) ask(null);
    else if (form.touched) ask(close);
    else close();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (leaving) ask(null);
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
        <fieldset class="d-body" disabled={form.state !== "open"} hidden={asking} ref={box}>
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
            <p role="status">{DISCARD}</p>
            <button type="button" class="btn quiet" onClick={leaving}>
              Discard
            </button>
            <button type="submit" class="btn main" ref={main}>
              Keep
            </button>
          </div>
        ) : (
          <div class="d-foot">
            {below !== null && (
              // For the eye: the keyboard and a screen reader come to every field by themselves.
              <button type="button" class="btn more-below" tabIndex={-1} aria-hidden="true" onClick={() => box.current?.scrollBy({ top: box.current.clientHeight * 0.8 })}>
                <Icon name="down" />
                <span>More below{below && `: ${below}`}</span>
              </button>
            )}
            <p>{form.state === "unknown" ? "Trying again sends the same entry, once." : blocked ? <b>{blocked}</b> : foot}</p>
            <button type="button" class="btn quiet" disabled={busy} onClick={form.state === "unknown" ? close : leave}>
              {form.state === "asking" ? "Back" : form.state === "unknown" ? "Close" : "Cancel"}
            </button>
            <button type="submit" class="btn main" ref={main} aria-disabled={busy || (Boolean(blocked) && form.state !== "unknown")}>
              {icon && <Icon name={icon} />}
              {words}
            </button>
          </div>
        )}
      </form>
    </Dialog>
  );
}

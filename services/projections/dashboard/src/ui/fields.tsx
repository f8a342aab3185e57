/* Fields of a form. Every one begins empty; a choice that was touched by mistake is taken back by touching it again. */
import type { ComponentChildren } from "preact";
import { type Bound, outside } from "../bounds";
import type { Form, Misfit } from "./form";
import { Icon } from "./icon";

interface Field {
  form: Form;
  name: string;
  label: string;
  hint?: string;
}

function Refused({ form, name }: { form: Form; name: string }) {
  const why = form.wrong[name];
  if (!why) return null;
  return (
    <p class="refusal" id={`${form.id}-${name}-why`}>
      <Icon name="alert" />
      <span>{why}</span>
    </p>
  );
}

/** What a control says of itself: its name, and why it was refused. */
function control(form: Form, name: string, hint: string | undefined, misfit?: Misfit) {
  form.has(name, misfit);
  const about = [hint && `${form.id}-${name}-hint`, form.wrong[name] && `${form.id}-${name}-why`].filter(Boolean).join(" ");
  return { id: `${form.id}-${name}`, name, "aria-invalid": Boolean(form.wrong[name]), "aria-describedby": about || undefined };
}

/** The label above, the hint and a refusal below. */
function Labelled({ form, name, label, hint, look = "input", children }: Field & { look?: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={`${form.id}-${name}`}>{label}</label>
      <div class={form.wrong[name] ? `${look} refused` : look}>{children}</div>
      <Hint form={form} name={name}>
        {hint}
      </Hint>
      <Refused form={form} name={name} />
    </div>
  );
}

function Hint({ form, name, children }: { form: Form; name: string; children: string | undefined }) {
  return children ? (
    <p class="hint" id={`${form.id}-${name}-hint`}>
      {children}
    </p>
  ) : null;
}

interface Typed extends Field {
  unit?: string | undefined;
  /** What its number can be. */
  bound?: Bound | undefined;
  type?: "text" | "password" | "date" | "time";
  max?: number;
}

/** One line; a number when it has a unit. */
export function Line({ unit, bound, type = "text", max = 200, ...field }: Typed) {
  const { form, name, hint } = field;
  const misfit = bound && ((said: string) => outside(said, bound, unit ?? ""));
  return (
    <Labelled {...field}>
      <input
        {...control(form, name, hint, misfit)}
        type={type as "text" /* Preact's types part them by the role that they may have */}
        inputMode={unit === undefined ? "text" : "decimal"}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={max}
        value={form.typed[name] ?? ""}
        onInput={(event) => form.set(name, event.currentTarget.value)}
        onBlur={() => form.left(name)}
      />
      {unit && <span>{unit}</span>}
    </Labelled>
  );
}

/** Free text: sealed, and read by staff alone. */
export function Words({ rows = 4, ...field }: Field & { rows?: number }) {
  const { form, name, hint } = field;
  return (
    <Labelled {...field} look="input words">
      <textarea
        {...control(form, name, hint)}
        rows={rows}
        maxLength={4000}
        value={form.typed[name] ?? ""}
        onInput={(event) => form.set(name, event.currentTarget.value)}
      />
    </Labelled>
  );
}

export interface Option {
  value: string;
  label: string;
  /** Said under the label: an anchor, what something means. */
  note?: string;
  disabled?: boolean;
  /** Can be chosen, and seldom is what is wanted. */
  faint?: boolean;
}

export interface Choosing extends Field {
  options: readonly Option[];
  several?: boolean;
  /** One under the other: for labels with notes. */
  list?: boolean;
  /** Side by side, all of one width: a scale's numbers. */
  scale?: boolean;
  aside?: ComponentChildren;
}

export function Choice({ form, name, label, hint, options, several = false, list = false, scale = false, aside }: Choosing) {
  const { id, ...said } = control(form, name, hint);
  const chosen = (form.typed[name] ?? "").split(" ").filter(Boolean);
  const pick = (value: string): void => {
    const others = several ? chosen.filter((one) => one !== value) : [];
    form.set(name, chosen.includes(value) ? others.join(" ") : [...others, value].join(" "));
  };
  return (
    <fieldset class="field" role={several ? "group" : "radiogroup"} aria-labelledby={`${id}-label`} aria-describedby={said["aria-describedby"]}>
      <legend class="label" id={`${id}-label`}>
        {label}
      </legend>
      {aside}
      <div class={list ? "options list" : scale ? "options numbers" : "options"}>
        {options.map((option, i) => (
          <label key={option.value} class="option" data-on={chosen.includes(option.value) || undefined} data-faint={option.faint || undefined}>
            <input
              type={several ? "checkbox" : "radio"}
              id={i === 0 ? id : undefined}
              name={`${form.id}-${name}`}
              value={option.value}
              disabled={option.disabled}
              checked={chosen.includes(option.value)}
              onClick={() => pick(option.value)}
            />
            <span>{option.label}</span>
            {option.note && <small>{option.note}</small>}
          </label>
        ))}
      </div>
      <Hint form={form} name={name}>
        {hint}
      </Hint>
      <Refused form={form} name={name} />
    </fieldset>
  );
}

const YES_NO: readonly Option[] = [
  { value: "yes", label: "Yes" },
  { value: "no", label: "No" },
];

export function YesNo(field: Field & { aside?: ComponentChildren }) {
  return <Choice {...field} options={YES_NO} />;
}

/** A scale of whole numbers, touched rather than typed. */
export const upTo = (to: number): readonly Option[] => Array.from({ length: to + 1 }, (_, n) => ({ value: String(n), label: String(n) }));

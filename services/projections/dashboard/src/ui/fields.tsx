/* Fields of a form. Every one begins empty; a choice that was touched by mistake is taken back by touching it again. */
import type { ComponentChildren } from "preact";
import type { Form } from "./form";
import { Icon } from "./icon";

interface Field {
  form: Form;
  name: string;
  label: string;
  hint?: string;
}

export function Refused({ form, name }: { form: Form; name: string }) {
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
function control(form: Form, name: string, hint: string | undefined) {
  form.has(name);
  const about = [hint && `${form.id}-${name}-hint`, form.wrong[name] && `${form.id}-${name}-why`].filter(Boolean).join(" ");
  return { id: `${form.id}-${name}`, name, "aria-invalid": Boolean(form.wrong[name]), "aria-describedby": about || undefined };
}

function Hint({ form, name, children }: { form: Form; name: string; children: string | undefined }) {
  return children ? (
    <p class="hint" id={`${form.id}-${name}-hint`}>
      {children}
    </p>
  ) : null;
}

/** One line; a number when it has a unit. */
export function Line({ form, name, label, hint, unit, type = "text", max = 200 }: Field & { unit?: string; type?: "text" | "password"; max?: number }) {
  return (
    <div class="field">
      <label for={`${form.id}-${name}`}>{label}</label>
      <div class={form.wrong[name] ? "input refused" : "input"}>
        <input
          {...control(form, name, hint)}
          {...(type === "password" ? { type } : { type: "text" as const })}
          inputMode={unit === undefined ? "text" : "decimal"}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          maxLength={max}
          value={form.typed[name] ?? ""}
          onInput={(event) => form.set(name, event.currentTarget.value)}
        />
        {unit && <span>{unit}</span>}
      </div>
      <Hint form={form} name={name}>
        {hint}
      </Hint>
      <Refused form={form} name={name} />
    </div>
  );
}

/** Free text: sealed, and read by staff alone. */
export function Words({ form, name, label, hint, rows = 4 }: Field & { rows?: number }) {
  return (
    <div class="field">
      <label for={`${form.id}-${name}`}>{label}</label>
      <div class={form.wrong[name] ? "input words refused" : "input words"}>
        <textarea
          {...control(form, name, hint)}
          rows={rows}
          maxLength={4000}
          value={form.typed[name] ?? ""}
          onInput={(event) => form.set(name, event.currentTarget.value)}
        />
      </div>
      <Hint form={form} name={name}>
        {hint}
      </Hint>
      <Refused form={form} name={name} />
    </div>
  );
}

export interface Option {
  value: string;
  label: string;
  /** Said under the label: an anchor, what something means. */
  note?: string;
  disabled?: boolean;
}

interface Choosing extends Field {
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
          <label key={option.value} class="option" data-on={chosen.includes(option.value) || undefined}>
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
export function Scale({ from = 0, to, ...field }: Field & { from?: number; to: number }) {
  const options = Array.from({ length: to - from + 1 }, (_, i) => ({ value: String(from + i), label: String(from + i) }));
  return <Choice {...field} options={options} scale />;
}

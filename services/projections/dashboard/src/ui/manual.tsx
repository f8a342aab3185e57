/* Vitals by hand: plain fields, nothing prefilled; what was typed stays until the server has said that it is recorded. */
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import type { Session, Signal } from "../model";
import { asked, serverNow } from "../store";
import { Icon } from "./icon";

const FIELDS: readonly { signal: Signal; name: string; unit: string }[] = [
  { signal: "systolic", name: "Systolic", unit: "mmHg" },
  { signal: "diastolic", name: "Diastolic", unit: "mmHg" },
  { signal: "pulse_rate", name: "Pulse", unit: "/min" },
  { signal: "spo2", name: "SpO₂", unit: "%" },
  { signal: "respiratory_rate", name: "Respiratory rate", unit: "/min" },
  { signal: "temperature", name: "Temperature", unit: "°C" },
];

type Errors = Partial<Record<Signal | "form", string>>;

/** "signals.systolic.value" → systolic. */
function fieldOf(path: string): Signal | "form" {
  return FIELDS.find(({ signal }) => path.split(".").includes(signal))?.signal ?? "form";
}

export function ManualDialog({ session, close }: { session: Session; close(): void }) {
  const dialog = useRef<HTMLElement>(null);
  const first = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<Partial<Record<Signal, string>>>({});
  const [errors, setErrors] = useState<Errors>({});
  const [state, setState] = useState<"open" | "sending" | "unknown">("open");
  /** Stays the same until the server has said that nothing was recorded, so that trying again is harmless. */
  const command = useRef<api.Command | null>(null);

  useEffect(() => {
    const before = document.activeElement;
    first.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (state === "sending") return;
    if (!command.current) {
      const signals: Partial<Record<Signal, number>> = {};
      const wrong: Errors = {};
      for (const { signal, name } of FIELDS) {
        const said = (typed[signal] ?? "").trim().replace(",", ".");
        if (!said) continue;
        if (/^\d+(\.\d+)?$/.test(said)) signals[signal] = Number(said);
        else wrong[signal] = `${name} must be a number. You entered ${said}.`;
      }
      if (Object.keys(signals).length === 0 && Object.keys(wrong).length === 0) wrong.form = "Nothing is entered yet.";
      setErrors(wrong);
      if (Object.keys(wrong).length > 0) return;
      const at = serverNow();
      command.current = { type: "RecordVitals", id: api.uuid(at), at: new Date(at).toISOString(), session_id: session.session_id, signals };
    }
    setState("sending");
    const answer = await asked(api.command("session", command.current)).catch(() => null);
    if (answer?.kind === "recorded" || answer?.kind === "kept") return close();
    if (!answer || answer.kind === "unknown") {
      setErrors({ form: answer?.text ?? "You are signed out. Sign in again." });
      setState("unknown");
      return;
    }
    command.current = null;
    setState("open");
    if (answer.kind === "refused") return setErrors({ form: answer.text });
    const beside: Errors = {};
    for (const { field, message } of answer.fields) {
      const key = fieldOf(field);
      beside[key] = beside[key] ? `${beside[key]} ${message}` : message;
    }
    setErrors(beside);
  };

  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && state !== "sending") close();
    if (event.key !== "Tab" || !dialog.current) return;
    const stops = [...dialog.current.querySelectorAll<HTMLElement>("input, button")];
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (document.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
  };

  return (
    <div class="veil">
      <section class="dialog narrow" role="dialog" aria-modal="true" aria-labelledby="manual-h" ref={dialog} onKeyDown={keys}>
        <form onSubmit={(event) => void send(event)} noValidate>
          <div class="d-head">
            <div>
              <h2 id="manual-h">Vitals by hand</h2>
              <p>Leave empty what you did not measure.</p>
            </div>
            <div class="who-big">
              <b>Room {session.room}</b>
              <p>{session.label}</p>
            </div>
          </div>
          <div class="form pairs">
            {FIELDS.map(({ signal, name, unit }, i) => (
              <div key={signal} class="field">
                <label for={`manual-${signal}`}>{name}</label>
                <div class={errors[signal] ? "input refused" : "input"}>
                  <input
                    ref={i === 0 ? first : undefined}
                    id={`manual-${signal}`}
                    name={signal}
                    inputMode="decimal"
                    autocomplete="off"
                    value={typed[signal] ?? ""}
                    readOnly={state !== "open"}
                    aria-invalid={errors[signal] !== undefined}
                    aria-describedby={errors[signal] ? `manual-${signal}-why` : undefined}
                    onInput={(event) => setTyped({ ...typed, [signal]: event.currentTarget.value })}
                  />
                  <span>{unit}</span>
                </div>
                {errors[signal] && (
                  <p class="refusal" id={`manual-${signal}-why`}>
                    <Icon name="alert" />
                    <span>{errors[signal]}</span>
                  </p>
                )}
              </div>
            ))}
          </div>
          {errors.form && (
            <div class="verdict-row">
              <div class="verdict bad" role="alert">
                <Icon name="alert" />
                <span>{errors.form}</span>
              </div>
            </div>
          )}
          <div class="d-foot">
            <p>{state === "unknown" ? "Trying again sends the same entry, once." : "The time is when you press Record."}</p>
            <button type="button" class="btn quiet" disabled={state === "sending"} onClick={close}>
              {state === "unknown" ? "Close" : "Cancel"}
            </button>
            <button type="submit" class="btn main" aria-disabled={state === "sending"}>
              {state === "sending" ? "Recording…" : state === "unknown" ? "Try again" : "Record"}
            </button>
          </div>
        </form>
      </section>
    </div>
  );
}

/* A second person checks this dose: they read vial, volume and name, and give their own user name and password here. The
   check is for this dose alone, once, within a minute. */
import { useState } from "preact/hooks";
import * as api from "../../api";
import type { Dose } from "../../model";
import { asked, now } from "../../store";
import { useStable } from "../../stable";
import { duration } from "../../words";
import { Line } from "../fields";
import type { Form } from "../form";
import { Icon } from "../icon";

export interface Check {
  name: string;
  /** When it ends, this screen's clock. */
  until: number;
  /** The token, when it is for this dose. */
  of(dose: Dose): string | null;
  /** Whether there was one for another dose. */
  other(dose: Dose): boolean;
  take(dose: Dose, check: api.DoseCheck): void;
}

export function useSecondCheck(): Check {
  const [check, setCheck] = useState<{ dose: string; token: string; name: string; until: number } | null>(null);
  const key = (dose: Dose): string => JSON.stringify(dose);
  return {
    name: check?.name ?? "",
    until: check?.until ?? 0,
    of: (dose) => (check && check.dose === key(dose) ? check.token : null),
    other: (dose) => check !== null && check.dose !== key(dose),
    take: (dose, { token, name, expires_in_s }) => setCheck({ dose: key(dose), token, name, until: now.peek() + expires_in_s * 1000 }),
  };
}

const useLeft = (until: number): number => useStable(() => Math.max(0, Math.ceil((until - now.value) / 1000)), [until]);

export function CheckCountdown({ check }: { check: Check }) {
  const left = useLeft(check.until);
  if (!check.name) return null;
  return <b>{left > 0 ? `, valid for ${duration(left)}` : ", but the check is older than a minute: go back and check again"}</b>;
}

interface Props {
  form: Form;
  session_id: string;
  dose: Dose | null;
  check: Check;
  needed: boolean;
}

export function SecondCheck({ form, session_id, dose, check, needed }: Props) {
  const [busy, setBusy] = useState(false);
  const left = useLeft(check.until);
  const given = dose && check.of(dose) && left > 0;
  const send = async (): Promise<void> => {
    if (!dose || busy) return;
    setBusy(true);
    const answer = await asked(api.checkDose(session_id, dose, form.typed["username"] ?? "", form.typed["password"] ?? "")).catch(() => "You are signed out. Sign in again.");
    setBusy(false);
    form.set("password", "");
    if (typeof answer === "string") return form.refuse({ password: answer });
    form.set("username", "");
    check.take(dose, answer);
  };
  const enter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the dose is not sent from here
    void send();
  };
  return (
    <div class="second">
      <span class="label">
        <b>Second check</b>
        {needed ? ", which the protocol demands: somebody else reads vial, volume and name, and signs here" : ", which the protocol leaves to you: somebody else reads it, and signs here"}
      </span>
      {given ? (
        <p class="verdict" role="status">
          <Icon name="check" />
          <span>
            Checked by {check.name}, valid for <b>{duration(left)}</b>
          </span>
        </p>
      ) : (
        <>
          {check.name && <p class="hint">{left === 0 ? "The check is older than a minute: check again." : "The dose was changed after it was checked: check again."}</p>}
          <div class="second-row" onKeyDown={enter}>
            <Line form={form} name="username" label="Their user name" max={64} />
            <Line form={form} name="password" label="Their password" type="password" max={256} />
            <button type="button" class="btn" aria-disabled={!dose || busy} onClick={() => void send()}>
              {busy ? "Checking…" : "Check"}
            </button>
          </div>
          {!dose && <p class="hint">Enter the dose first: the check is for this dose alone.</p>}
        </>
      )}
    </div>
  );
}

/* The way in. */
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { afterSignIn } from "../places";
import { go } from "../route";
import { arm } from "../sound";
import { farewell, signedIn } from "../store";
import { Icon } from "./icon";

export function SignInPage() {
  const [refusal, setRefusal] = useState("");
  const [busy, setBusy] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  const [ended] = useState(() => new URLSearchParams(location.search).has("ended"));
  useEffect(() => name.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    void arm(); // the browser lets a page sound that was touched
    setBusy(true);
    setRefusal("");
    const answer = await api.signIn(name.current?.value.trim() ?? "", password.current?.value ?? "");
    setBusy(false);
    if (typeof answer === "string") {
      setRefusal(answer);
      password.current?.select();
      return;
    }
    signedIn(answer);
    const asked = new URLSearchParams(location.search);
    go(afterSignIn(asked.get("to"), asked.get("of"), answer.staff_id), true);
  };

  return (
    <div class="page">
      <main class="sign-in">
        <form class="panel" onSubmit={(event) => void submit(event)}>
          <h1>
            <span class="mark">KAP</span>
            <small>Live monitoring of ketamine sessions</small>
          </h1>
          {(ended || farewell.value) && (
            <p class="verdict" role="status">
              <Icon name={ended ? "clock" : "person"} />
              <span>
                {farewell.value || "Your sign-in has ended."} {ended && "Alarms go on at the bedside monitors; sign in to see the rooms again."}
              </span>
            </p>
          )}
          <div class="field">
            <label for="username">User name</label>
            <div class="input">
              <input ref={name} id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck={false} required />
            </div>
          </div>
          <div class="field">
            <label for="password">Password</label>
            <div class={refusal ? "input refused" : "input"}>
              <input
                ref={password}
                id="password"
                name="password"
                type="password"
                autocomplete="current-password"
                required
                aria-invalid={refusal !== ""}
                aria-describedby={refusal ? "refusal" : undefined}
              />
            </div>
            {refusal && (
              <p class="refusal" id="refusal" role="status">
                <Icon name="alert" />
                <span>{refusal}</span>
              </p>
            )}
          </div>
          <button class="btn main" type="submit" aria-disabled={busy}>
            {busy ? "Signing in…" : "Sign in"}
          </button>
        </form>
      </main>
      <footer class="foot">
        <p class="duty">
          <Icon name="monitor" />
          <b>Secondary display.</b> <span>The bedside monitor is the primary alarm.</span>
        </p>
      </footer>
    </div>
  );
}

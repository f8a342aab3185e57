/* Signing out ends the sound of alarms here: nobody does it by touching their own name. */
import { signal } from "@preact/signals";
import * as api from "../api";
import { me, signedOut } from "../store";
import { Dialog } from "./dialog";
import { leavesUnsent, showUnsent } from "./unsent";

const asking = signal(false);

/** Whoever leaves entries behind sees them first. */
export function askSignOut(): void {
  if (leavesUnsent()) showUnsent();
  else asking.value = true;
}

/** Without the network too: main.tsx tells the server later. */
export function signOut(): void {
  asking.value = false;
  void api
    .signOut()
    .catch((error: unknown) => console.info("The server has not heard that somebody signed out", error))
    .then((another) => signedOut(false, another ? "You are signed out. In another window of this browser somebody else is signed in, and stays so." : ""));
}

export function SignOutQuestion() {
  if (!asking.value || !me.value) return null;
  const stay = (): void => {
    asking.value = false;
  };
  return (
    <Dialog labelled="sign-out-h" escape={stay}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          signOut();
        }}
      >
        <div class="d-head">
          <div>
            <h2 id="sign-out-h">Sign out {me.value.name}?</h2>
            <p>Alarms will not sound on this screen.</p>
          </div>
        </div>
        <div class="d-foot">
          <p />
          <button type="button" class="btn quiet" onClick={stay}>
            Stay
          </button>
          <button type="submit" class="btn main">
            Sign out
          </button>
        </div>
      </form>
    </Dialog>
  );
}

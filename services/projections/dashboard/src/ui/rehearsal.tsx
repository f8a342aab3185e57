/* What the server would say to a command now: asked while a form is open, so that nobody has to try their way through it. */
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { asked, serverNow } from "../store";
import type { Draft } from "./form";

const SETTLED_MS = 250;
const AGAIN_MS = 15_000;

/** Asked anew when the draft or the session's record changes, and as time goes on. Null: nothing is known (any more).
    `about`: what was said stands while this is the same, until the next answer; of another amount, or another act, nothing
    was said yet. */
export function useRehearsal(draft: Draft | null, position: number, about: string): api.Answer | null {
  const [answer, setAnswer] = useState<{ about: string; said: api.Answer | null } | null>(null);
  const body = draft && JSON.stringify(draft);
  useEffect(() => {
    if (body === null) return setAnswer(null);
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const ask = async (): Promise<void> => {
      const now = serverNow();
      const command = { id: api.uuid(now), at: new Date(now).toISOString(), ...(JSON.parse(body) as Draft) };
      const said = await asked(api.rehearse("session", command)).catch(() => null);
      if (stopped) return;
      setAnswer({ about, said });
      timer = setTimeout(() => void ask(), AGAIN_MS);
    };
    timer = setTimeout(() => void ask(), SETTLED_MS);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [body, position, about]);
  return answer && body !== null && answer.about === about ? answer.said : null;
}

/** The points that hold; null while they are not known, empty when nothing does. */
export function pointsOf(answer: api.Answer | null): Readonly<Record<string, string>> | null {
  if (answer?.kind === "recorded") return {};
  if (answer?.kind === "refused") return answer.points ?? { "": answer.text };
  if (answer?.kind === "invalid") return { "": answer.fields.map(({ message }) => message).join(" ") };
  return null;
}

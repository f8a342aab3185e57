/* One session as a page shows it: live while it is on the board, afterwards read once from the history. */
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { BoardSession } from "../board";
import * as queries from "../queries";
import { useStable } from "../stable";
import { asked, ids, loaded, sessionOf } from "../store";
import { whyOf } from "../words";

interface One {
  session: ReadonlySignal<BoardSession | null>;
  /** The same; while it leaves the board and is read, as it was last: what is being written about it stays. */
  s: BoardSession | null;
  live: boolean;
  failed: string;
}

export function useOneSession(id: string): One {
  const past = useMemo(() => signal<BoardSession | null>(null), [id]);
  const [failed, setFailed] = useState("");
  const live = useStable(() => ids.value.includes(id) || sessionOf(id).value !== null, [id]);
  const known = loaded.value;
  useEffect(() => {
    if (!known || live) return;
    asked(queries.session(id)).then(
      (session) => {
        past.value = { ...session, latest: {}, trend: {}, heard: {} };
      },
      (error: unknown) => setFailed(whyOf(error)),
    );
  }, [id, known, live]);
  const session = live ? sessionOf(id) : past;
  const last = useRef<BoardSession | null>(null);
  const s = session.value ?? last.current;
  last.current = s;
  return { session, s, live, failed };
}

/* A page's own reading over HTTP: what was read stays while it cannot be read anew, and the page says so. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Failed } from "./api";
import { asked } from "./store";
import { whyOf } from "./words";

const RETRY_MS = 5_000;
const EVERY_MS = 15_000;
/** A read model follows the log: what was just recorded may come a moment later. */
const AGAIN_MS = [150, 300, 600, 1_000, 2_000, 4_000];

export interface Read<T> {
  data: T | null;
  failed: string;
  again(): void;
  /** Reads until the answer is another than now: something was recorded. */
  changed(): void;
}

/** It is read anew every `every` ms while somebody looks, and when somebody comes back to it: others record too. What is the
    same is not drawn anew. `patient`: it may not be there yet. */
export function useRead<T>(ask: () => Promise<T>, inputs: readonly unknown[], every = EVERY_MS, patient = false): Read<T> {
  const [state, setState] = useState<{ data: T | null; failed: string }>({ data: null, failed: "" });
  const [round, setRound] = useState(0);
  const shown = useRef("");
  const expecting = useRef(false);
  useEffect(() => {
    shown.current = "";
    setState({ data: null, failed: "" });
  }, inputs);
  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (ms: number, attempt: number): void => {
      timer = setTimeout(() => (document.hidden ? later(ms, attempt) : void read(attempt)), ms);
    };
    const read = async (attempt: number): Promise<void> => {
      const next = AGAIN_MS[attempt];
      timer = undefined;
      try {
        const data = await asked(ask());
        if (stopped) return;
        const said = JSON.stringify(data);
        const same = said === shown.current;
        shown.current = said;
        setState((before) => (same && !before.failed ? before : { data, failed: "" }));
        if (expecting.current && same && next !== undefined) return later(next, attempt + 1);
        expecting.current = false;
        later(every, 0);
      } catch (error) {
        if (stopped) return;
        if (patient && !shown.current && next !== undefined && error instanceof Failed) return later(next, attempt + 1);
        setState((before) => ({ ...before, failed: whyOf(error) }));
        later(RETRY_MS, AGAIN_MS.length);
      }
    };
    // Without a timer it is being read already.
    const look = (): void => {
      if (document.hidden || timer === undefined) return;
      clearTimeout(timer);
      void read(0);
    };
    void read(0);
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      stopped = true;
      clearTimeout(timer);
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [...inputs, round]);
  return {
    ...state,
    again: () => setRound((n) => n + 1),
    changed() {
      expecting.current = true;
      setRound((n) => n + 1);
    },
  };
}

/* What the forms of a session need beside the board: read anew when its record has grown. */
import { useEffect, useState } from "preact/hooks";
import type { BoardSession } from "../../board";
import type { Dose, SessionDetail } from "../../model";
import * as queries from "../../queries";
import { asked, may } from "../../store";
import type { Draft } from "../form";
import { pointsOf, useRehearsal } from "../rehearsal";

const RETRY_MS = 3_000;

export function useDetail(s: BoardSession | null): SessionDetail | null {
  const [detail, setDetail] = useState<SessionDetail | null>(null);
  const id = s?.state === "open" ? s.session_id : null;
  const position = s?.record_position ?? 0;
  useEffect(() => {
    if (!id) return setDetail(null);
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const read = (): void =>
      void asked(queries.session(id)).then(
        (found) => {
          if (!stopped) setDetail(found);
        },
        () => {
          if (!stopped) timer = setTimeout(read, RETRY_MS);
        },
      );
    read();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [id, position]);
  return detail;
}

export const drugOf = (s: BoardSession): Dose["drug"] => (s.route === "spravato" ? "esketamine" : "ketamine");

/** A dose of 1 mg is asked about, not given: what the day's gates hold, they hold for any dose. */
export const anyDose = (s: BoardSession): Draft => ({
  type: "GiveDose",
  session_id: s.session_id,
  additional: s.doses.length > 0,
  dose: { drug: drugOf(s), route: s.route, milligrams: 1 },
});

const leaving = (s: BoardSession): Draft => ({ type: "Discharge", session_id: s.session_id, instructions_given: false });

/** What holds the dose before it is given, and the discharge after; null when it is not known. */
export type Held = Readonly<Record<string, string>> | null;

export function useHeld(s: BoardSession | null): Held {
  const dosed = s !== null && s.doses.length > 0;
  const asks = s !== null && s.state === "open" && may("session", dosed ? "Discharge" : "GiveDose");
  return pointsOf(useRehearsal(asks ? (dosed ? leaving(s) : anyDose(s)) : null, s?.record_position ?? 0, `${s?.session_id} ${dosed ? "leaving" : "dose"}`));
}

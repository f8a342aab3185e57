/* The course line: height is the expected effect on this route, light is past, the triangle is the dose, the bar is now. */
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { BoardSession } from "../board";
import { courseLine, lastDose, minutesSince, phaseOf, ROUTES } from "../course";
import { useStable } from "../stable";
import { now } from "../store";
import type { Help } from "../model";
import { stepOf } from "../views";
import { clockTime, number } from "../words";
import { CardCall } from "./call";

interface Of {
  session: ReadonlySignal<BoardSession | null>;
}

/** The steps that a course line can show. */
const STEP_MS = 10_000;

interface PhaseProps extends Of {
  /** Stands after the amount. */
  warning?: string;
  /** Stands after the dose's time, which a narrow card leaves out. */
  more?: string;
  /** Somebody calls the nurse: in the dose's place. */
  call?: Help | null;
  /** The patient's, while it is asked for: in the dose's place, too. */
  name?: string | null;
}

export function Phase({ session, warning, more = "", call, name }: PhaseProps) {
  const view = useStable(() => {
    const s = session.value;
    if (!s) return null;
    const minutes = minutesSince(s, now.value);
    const ended = s.state === "open" ? null : s.state === "aborted" ? "Stopped" : "Discharged";
    const at = ended ? clockTime(Date.parse(s.ended_at ?? s.opened_at)) : null;
    return {
      phase: ended ?? phaseOf(s.expected, minutes),
      minutes: ended || minutes === null ? null : Math.max(0, Math.floor(minutes)),
      at,
      amount: amountOf(s),
      dosedAt: dosedAt(s),
    };
  }, [session]);
  if (!view) return null;
  return (
    <div class="phase">
      <span class="phase-name">{view.phase}</span>
      <span class="since">
        {view.at}
        {view.minutes !== null && (
          <>
            +{view.minutes}
            <small> min</small>
          </>
        )}
      </span>
      {call ? <CardCall help={call} /> : name ? <span class="dosing named">{name}</span> : <span class="dosing">
        <span>
          {view.amount}
          {warning && ` · ${warning}`}
        </span>
        {view.dosedAt && (
          <span>
            {" · "}
            {view.dosedAt}
            {more}
          </span>
        )}
      </span>}
    </div>
  );
}

/** "IM 60 mg"; with a booster "IM 60 + 20 mg". */
function amountOf(session: BoardSession): string {
  const last = lastDose(session);
  if (!last) return `${ROUTES[session.route]}, not dosed`;
  return `${ROUTES[last.dose.route]} ${session.doses.map((d) => number(d.dose.milligrams)).join(" + ")} mg`;
}

function dosedAt(session: BoardSession): string {
  const last = lastDose(session);
  return last ? clockTime(Date.parse(last.at)) : "";
}

export function Course({ session, names = false }: Of & { names?: boolean }) {
  const facts = useStable(() => {
    const s = session.value;
    return s && { expected: s.expected, doses: s.doses, ended: s.ended_at, route: s.route, systolic: s.latest.systolic?.at ?? 0, moaas: s.moaas_at, dissociation: s.dissociation_at };
  }, [session]);
  const at = useStable(() => stepOf(session.value?.session_id ?? "0", now.value, STEP_MS), [session]);
  const line = useMemo(() => {
    const s = session.peek();
    return s && courseLine(s, minutesSince(s, at));
  }, [facts, at]);
  const route = facts?.route;
  if (!line || !route) return null;
  const here = line.zones.find((zone) => zone.here)?.name;
  const missed = line.ticks.filter(({ kind }) => kind === "missed").map(({ minute }) => minute);
  return (
    <div class="course" role="img" aria-label={`Expected course, ${ROUTES[route]}: ${line.now === null ? "not dosed yet" : here}${missed.length ? `; checks missed: ${missed.join(", ")} min` : ""}`}>
      <div class="course-line">
        <svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
          {line.pieces.map((piece) => (
            <polygon key={`${piece.kind}${piece.points.slice(0, 8)}`} class={piece.kind} points={piece.points} />
          ))}
          {line.cuts.map((x) => (
            <line key={x} class="cut" x1={x} x2={x} y1="0" y2="100" />
          ))}
        </svg>
        {line.doses.length === 0 && <i class="dose planned" style={{ left: `${line.zones[1]?.left ?? 0}%` }} />}
        {line.doses.map((left, i) => (
          <i key={i} class="dose" style={{ left: `${left}%` }} />
        ))}
        {line.now !== null && <i class="now" style={{ left: `${line.now}%` }} />}
      </div>
      <div class="ticks" aria-hidden="true">
        {line.ticks.map((tick) => (
          <i key={tick.left} class={`tick ${tick.kind}`} style={{ left: `${tick.left}%` }} />
        ))}
      </div>
      {names && (
        <div class="course-names" aria-hidden="true">
          {line.zones.map((zone) => (
            <span key={zone.name} class={zone.here ? "at" : ""} style={{ left: `${zone.left}%`, width: `${zone.width}%` }}>
              {zone.name}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}

/* One value with its age, source, direction and trend; withdrawn, it says why and what it last was. */
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Kind } from "../alarms";
import { type BoardSession, TREND_STEP_MS } from "../board";
import { useStable } from "../stable";
import { health, now } from "../store";
import { SPARK } from "../trend";
import { signalOf, stepOf, trendView, type ValueView, valueView } from "../views";
import { Arrow, Icon } from "./icon";

interface Of {
  session: ReadonlySignal<BoardSession | null>;
  kind: Kind;
}

export function Value({ session, kind, spark = true }: Of & { spark?: boolean }) {
  const view = useStable(() => session.value && valueView(session.value, kind, now.value, health.value), [session, kind]);
  if (!view) return null;
  const state = view.state === "none" ? "gone" : view.state;
  return (
    <div class={`v v-${kind}`} data-state={state} data-alarm={view.alarm ?? undefined} data-signal={kind}>
      <div class="v-h">
        <span class="v-name">{view.name}</span>
        <span class="v-unit">{view.unit}</span>
        {view.delta && <span class="delta">Δ {view.delta}</span>}
        {view.questionable && <span class="delta">uncertain</span>}
        <Age view={view} />
      </div>
      <div class="v-n">
        <Figure view={view} />
        {state === "gone" ? <Last view={view} /> : <Arrow to={view.direction} />}
      </div>
      {spark && <Spark session={session} kind={kind} state={view.state} />}
    </div>
  );
}

function Figure({ view }: { view: ValueView }) {
  return (
    <span class="num">
      {view.first}
      {view.second !== null && (
        <>
          <span class="slash">/</span>
          {view.second}
        </>
      )}
    </span>
  );
}

function Age({ view }: { view: ValueView }) {
  if (view.state === "none") return <span class="v-age why">no reading</span>;
  if (view.state === "gone") return <span class="v-age why">{view.cause}</span>;
  return (
    <span class="v-age">
      {view.source === "hand" ? <Icon name="pencil" label="entered by hand" /> : <Icon name="monitor" label="from the monitor" />}
      {view.age}
    </span>
  );
}

function Last({ view }: { view: ValueView }) {
  if (!view.last) return null;
  return (
    <p class="v-last">
      last <b>{view.last}</b>
      <br />
      {view.lastAt}
    </p>
  );
}

function Spark({ session, kind, state }: Of & { state: ValueView["state"] }) {
  // Not its points: a new one waits for the session's next step.
  const at = useStable(() => {
    const s = session.value;
    return s && { edge: stepOf(s.session_id, now.value, TREND_STEP_MS) + TREND_STEP_MS, signal: signalOf(s, kind) };
  }, [session, kind]);
  const gone = state === "gone";
  const view = useMemo(() => {
    const s = session.peek();
    return s && at && trendView(s, kind, at.edge, gone);
  }, [session, kind, at, gone]);
  if (!view) return null;
  const { width, height } = SPARK;
  return (
    <div class="v-s">
      <svg class={view.bars ? "spark bars" : "spark"} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {view.limit !== null && <line class="lim" x1="0" x2={width} y1={view.limit} y2={view.limit} />}
        {view.end !== null && <rect class="gone" x={view.end} y="2" width={Math.max(0, width - view.end)} height={height - 4} />}
        {view.path && <path d={view.path} />}
        {view.tip && <path class="tip" d={view.tip} />}
        {view.bars?.map((bar, i) => (
          <line key={bar.x} class={i === (view.bars?.length ?? 0) - 1 ? "last" : ""} x1={bar.x} x2={bar.x} y1={bar.top} y2={bar.bottom} />
        ))}
      </svg>
    </div>
  );
}

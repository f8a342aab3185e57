/* The chart of all vitals on one time axis, with the current values beside their lanes. */
import type { ReadonlySignal } from "@preact/signals";
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { STARS } from "../alarms";
import type { BoardSession } from "../board";
import { standing } from "../correcting";
import { lastDose } from "../course";
import { panned, type Span, zoomed } from "../gesture";
import { addReadings, gapAfter, joined, limitWords, measured, nearest, rangeWithin, since, type Tracks, tracksOf } from "../lanes";
import type { TimelineItem } from "../model";
import { type Layout, Plot, type Scene } from "../plot";
import * as queries from "../queries";
import { useStable } from "../stable";
import { asked, feedLost, health, now, onReadings, serverNow } from "../store";
import { alarmSpans, marks, observations, saidAt } from "../story";
import { theme } from "../theme";
import { clockTime, number, signed, whyOf } from "../words";
import { Icon, type IconName } from "./icon";
import { TableHead } from "./page";
import { NotRead } from "./trouble";
import { Value } from "./value";

const MIN = 60_000;
const RETRY_MS = 10_000;
/** After the last movement of a finger or the wheel: then the history in this view's own detail is asked for. */
const SETTLED_MS = 180;
/** Live readings that outlast a fresh history. */
const KEPT_MS = 10 * MIN;
const NEAR_PX = 7;
const SPANS = [
  ["15 min", 15 * MIN],
  ["50 min", 50 * MIN],
  ["All", null],
] as const;

const STEPS: readonly (readonly [string, IconName, (shown: Span, all: Span) => Span])[] = [
  ["Earlier", "back", (shown, all) => panned(shown, (shown.from - shown.to) / 2, all)],
  ["Later", "next", (shown, all) => panned(shown, (shown.to - shown.from) / 2, all)],
  ["Farther", "minus", (shown, all) => zoomed(shown, (shown.from + shown.to) / 2, 2, all)],
  ["Closer", "plus", (shown, all) => zoomed(shown, (shown.from + shown.to) / 2, 0.5, all)],
];

interface View {
  span: number | null;
  /** What somebody looks back at; null follows now. */
  fixed: Span | null;
}

interface History {
  tracks: Tracks;
  resolution: number;
  /** Live readings that came since; merged into `tracks` for drawing. */
  live: Tracks;
  failed: string;
}

const noHistory = (): History => ({ tracks: {}, resolution: 1, live: {}, failed: "" });

/** From when to when the chart shows, with some room after now for what is expected. */
function windowOf(view: View, session: BoardSession, at: number): Span {
  if (view.fixed) return view.fixed;
  const end = session.ended_at ? Date.parse(session.ended_at) : at;
  if (view.span === null) {
    const from = Date.parse(session.opened_at) - MIN;
    return { from, to: end + Math.max(MIN, (end - from) * 0.06) };
  }
  return { from: end - view.span * 0.82, to: end + view.span * 0.18 };
}

/** All that there is to look at. */
const wholeOf = (session: BoardSession, at: number): Span => windowOf({ span: null, fixed: null }, session, at);

export function Chart({ session, items }: { session: ReadonlySignal<BoardSession | null>; items: readonly TimelineItem[] }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [layout, setLayout] = useState<Layout>({ lanes: [], observations: null });
  const cursor = useMemo(() => signal<number | null>(null), []);
  const view = useMemo(() => signal<View>({ span: 50 * MIN, fixed: null }), []);
  const history = useMemo(() => signal<History>(noHistory()), []);
  const retry = useRef<ReturnType<typeof setTimeout> | null>(null);
  const [table, setTable] = useState(false);
  const [loading, setLoading] = useState(true);
  const settled = useRef<ReturnType<typeof setTimeout> | null>(null);
  /** Counts what was asked for: an answer that a later one overtook is of another view, and would leave gaps in this. */
  const turn = useRef(0);
  const id = session.value?.session_id ?? "";

  const load = useMemo(
    () => async (): Promise<void> => {
      const s = session.peek();
      if (!s) return;
      const { from, to } = windowOf(view.peek(), s, serverNow());
      const margin = (to - from) * 0.5;
      const mine = ++turn.current;
      setLoading(true);
      try {
        const asking = queries.vitals(id, Math.max(from - margin, Date.parse(s.opened_at) - MIN), Math.min(to + margin, serverNow() + MIN), Math.min(5_000, Math.max(600, (box.current?.clientWidth ?? 900) * 2)));
        const series = await asked(asking);
        if (mine !== turn.current) return;
        const live = history.peek().live;
        history.value = { tracks: joined(tracksOf(series), live), resolution: series.resolution_s, live, failed: "" };
      } catch (error) {
        if (mine !== turn.current) return;
        // What came live is still drawn: history and live values fail apart.
        history.value = { ...history.peek(), failed: whyOf(error) };
        retry.current ??= setTimeout(() => {
          retry.current = null;
          if (plot.current) void load();
        }, RETRY_MS);
      }
      setLoading(false);
    },
    [id],
  );

  /** What was typed may count no more, and the history says whether it does. */
  const afresh = (): void => {
    history.value = { ...history.peek(), live: measured(history.peek().live) };
    void load();
  };
  const look = (fixed: Span): void => {
    view.value = { ...view.peek(), fixed };
    if (settled.current) clearTimeout(settled.current);
    settled.current = setTimeout(() => void load(), SETTLED_MS);
  };
  const choose = (span: number | null): void => {
    view.value = { span, fixed: null };
    void load();
  };

  useEffect(() => {
    if (!box.current) return;
    const made = new Plot(box.current, {
      look,
      all: () => (session.peek() ? wholeOf(session.peek() as BoardSession, serverNow()) : { from: 0, to: MIN }),
      now: () => choose(view.peek().span),
      cursor: (t) => {
        cursor.value = t;
      },
      layout: setLayout,
    });
    plot.current = made;
    const observer = new ResizeObserver(() => made.resize());
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    void load();
    // Now and then afresh: live samples are finer than the chart needs and must not pile up.
    const again = setInterval(() => {
      // The newest stay: the history may be behind, and its end is not a gap.
      history.value = { ...history.peek(), live: since(history.peek().live, serverNow() - KEPT_MS) };
      void load();
    }, 10 * MIN);
    const stop = onReadings(id, (readings) => {
      if (readings.length === 0) return afresh();
      const h = history.peek();
      addReadings(h.live, readings);
      addReadings(h.tracks, readings);
    });
    return () => {
      clearInterval(again);
      stop();
      turn.current += 1;
      for (const timer of [retry, settled]) {
        if (timer.current) clearTimeout(timer.current);
        timer.current = null;
      }
    };
  }, [id]);

  // The history tells a correction: what was typed is in it, and what came live holds the wrong value still.
  const corrections = items.filter((item) => item.type === "VitalRecorded" && item.correction).map(standing).join();
  useEffect(() => {
    if (!corrections) return;
    afresh();
  }, [corrections]);

  useEffect(() => plot.current?.retheme(), [theme.value, feedLost.value]);

  const told = useMemo(
    () => ({ alarms: alarmSpans(items), marks: marks(items), moaas: observations(items, "moaas"), dissociation: observations(items, "dissociation") }),
    [items],
  );
  const second = useStable(() => Math.floor(now.value / 1000), []);
  const s = session.value;
  const { tracks, resolution, failed } = history.value;
  const lost = health.value.lostSince;
  const live = lost === null && health.value.behind === null;
  useEffect(() => {
    if (!s) return;
    const at = lost ?? serverNow();
    const scene: Scene = {
      ...told,
      ...windowOf(view.value, s, serverNow()),
      tracks,
      gap: gapAfter(resolution),
      now: s.ended_at ? Date.parse(s.ended_at) : at,
      live: lost === null,
      limits: s.limits,
      baseline: s.pre_dose,
      doses: dosesOf(s),
    };
    plot.current?.show(scene);
  }, [second, s?.record_position, tracks, view.value, told, lost !== null]);

  if (!s) return null;
  const by = (change: (shown: Span, all: Span) => Span) => (): void => look(change(windowOf(view.peek(), s, serverNow()), wholeOf(s, serverNow())));
  const shown = windowOf(view.value, s, serverNow());
  const near = (NEAR_PX / Math.max(1, box.current?.clientWidth ?? 900)) * (shown.to - shown.from);
  return (
    <section class="panel chart" aria-label="Chart">
      <div class="chart-bar">
        <h2>Vitals</h2>
        <Readout session={session} tracks={tracks} cursor={cursor} said={(t) => saidAt(t, near, { ...told, doses: dosesOf(s) }, serverNow())} />
        <span class="grow" />
        <span class="seg look-steps" role="group" aria-label="Look back, look closer">
          {STEPS.map(([name, icon, change]) => (
            <button key={name} type="button" title={name} onClick={by(change)}>
              <Icon name={icon} label={name} />
            </button>
          ))}
        </span>
        <span class="seg" role="group" aria-label="Time shown">
          {SPANS.map(([name, span]) => (
            <button key={name} type="button" aria-pressed={!view.value.fixed && view.value.span === span} onClick={() => choose(span)}>
              {name}
            </button>
          ))}
        </span>
        {view.value.fixed ? (
          <button type="button" class="live-pill back" onClick={() => choose(view.value.span)}>
            Back to now
          </button>
        ) : (
          <span class="live-pill" data-live={live && !s.ended_at}>{s.ended_at ? `Ended ${clockTime(Date.parse(s.ended_at))}` : live ? "Following now" : "Not live"}</span>
        )}
        <button type="button" class="icon-text" aria-pressed={table} onClick={() => setTable(!table)}>
          <Icon name="table" />
          <span>Table</span>
        </button>
      </div>
      {failed && <NotRead what="The history" why={failed} look="history-failed" again={() => void load()} />}
      <div class="chart-body">
        {table && <VitalsTable session={s} tracks={tracks} until={second * 1000} />}
        <div
          class="plot"
          ref={box}
          hidden={table}
          tabIndex={0}
          role="group"
          aria-roledescription="chart"
          aria-busy={loading}
          aria-label={`Vitals of room ${s.room}. Arrow keys look back, plus and minus look closer, Home follows now. The table holds the same figures.`}
        />
        <Rail session={session} layout={layout} />
      </div>
    </section>
  );
}

function Rail({ session, layout }: { session: ReadonlySignal<BoardSession | null>; layout: Layout }) {
  const limits = session.value?.limits;
  return (
    <div class="rail">
      {layout.lanes.map((lane) => (
        <div key={lane.kind} class="rail-cell" style={{ top: `${lane.top}px`, height: `${lane.height}px` }}>
          <Value session={session} kind={lane.kind} spark={false} />
          {limits && lane.height > 96 && <LimitsOf said={limitWords(limits, lane.kind)} />}
        </div>
      ))}
    </div>
  );
}

function LimitsOf({ said }: { said: ReturnType<typeof limitWords> }) {
  if (said.length === 0) return <span class="limits">no limits</span>;
  return (
    <span class="limits">
      <span class="sr">Alarms: </span>
      {said.map(({ priority, words }) => (
        <span key={priority} title={`Alarm of ${priority} priority`}>
          <b aria-hidden="true">{STARS[priority]}</b>
          <span class="sr">{priority} priority</span> {words}
        </span>
      ))}
    </span>
  );
}

const dosesOf = (s: BoardSession): Scene["doses"] =>
  s.doses.map((d) => ({ at: Date.parse(d.at), text: `${number(d.dose.milligrams)} mg${d.additional ? " booster" : ""}` }));

interface ReadoutOf {
  session: ReadonlySignal<BoardSession | null>;
  tracks: Tracks;
  cursor: ReadonlySignal<number | null>;
  said(t: number): string[];
}

/** What the lines say under the cursor, and the marks beside it. */
function Readout({ session, tracks, cursor, said }: ReadoutOf) {
  const t = cursor.value;
  const s = session.value;
  if (t === null || !s) return <div class="readout" />;
  const dose = lastDose(s);
  const minutes = dose && Math.round((t - Date.parse(dose.at)) / MIN);
  const say = (signal: keyof Tracks, within: number): string => {
    const sample = nearest(tracks[signal], t, within);
    return sample ? number(Math.round(sample.value * 10) / 10) : "–";
  };
  const pulse = tracks.pulse_rate?.length ? "pulse_rate" : "heart_rate";
  const cuff = nearest(tracks.systolic, t, 4 * MIN);
  return (
    <div class="readout" aria-hidden="true">
      <span class="t">
        {minutes !== null && <b>{signed(minutes)} min </b>}
        {clockTime(t)}
      </span>
      <span class="v-spo2">
        <b>{say("spo2", 10_000)}</b>
      </span>
      <span class="v-pulse">
        <b>{say(pulse, 10_000)}</b>
      </span>
      <span class="v-bp">
        <b>{cuff ? `${say("systolic", 4 * MIN)}/${say("diastolic", 4 * MIN)}` : "–"}</b>
      </span>
      <span class="v-resp">
        <b>{say("respiratory_rate", 10_000)}</b>
      </span>
      <span class="said">{said(t).join(" · ")}</span>
    </div>
  );
}

/** The same figures as text, a row a minute, newest first: the least and the greatest of each, as an extreme is what matters. */
function VitalsTable({ session, tracks, until }: { session: BoardSession; tracks: Tracks; until: number }) {
  const end = session.ended_at ? Date.parse(session.ended_at) : until;
  const dose = lastDose(session);
  const pulse = tracks.pulse_rate?.length ? "pulse_rate" : "heart_rate";
  const rows = [];
  const first = Math.min(...Object.values(tracks).map((track) => track[0]?.t ?? end));
  for (let t = Math.floor(end / MIN) * MIN; t >= first - MIN && rows.length < 480; t -= MIN) {
    const say = (signal: keyof Tracks): string => {
      const range = rangeWithin(tracks[signal], t, t + MIN);
      return range ? [...new Set([range.low, range.high].map((value) => number(Math.round(value))))].join("–") : "";
    };
    const row = [say("spo2"), say(pulse), say("systolic") && `${say("systolic")}/${say("diastolic") || "–"}`, say("respiratory_rate")];
    rows.push({ t, row, rel: dose ? Math.round((t - Date.parse(dose.at)) / MIN) : null });
  }
  return (
    <div class="plot vitals-table" tabIndex={0} role="region" aria-label="Vitals, a row a minute">
      <table>
        <TableHead of={["Time", "After dose", "SpO₂ %", "Pulse /min", "BP mmHg", "Resp /min"]} />
        <tbody>
          {rows.map(({ t, row, rel }) => (
            <tr key={t}>
              <th scope="row">{clockTime(t)}</th>
              <td>{rel === null ? "" : `${signed(rel)} min`}</td>
              {row.map((cell, i) => (
                <td key={i}>{cell || "–"}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

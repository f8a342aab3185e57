/* The whole session's vitals as a drawing that prints: lines, not pixels, and black on white where it counts. */
import { type Kind, KIND_OF, STARS } from "../alarms";
import { alarmTags, gapAfter, gapsOf, limitLines, type Placed, place, type Sample } from "../lanes";
import type { Signal } from "../model";
import { alarmsTold, standing } from "../record";
import { marks } from "../story";
import { LOOK } from "../views";
import { pressures } from "../vitals-told";
import { clockTime, number } from "../words";
import { minutesFrom, type PaperRecord } from "./paper";

const MIN = 60_000;
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP] = [680, 410, 34, 8, 34, 7];
const SCALES = 34;
const BOTTOM = 30;

export function PaperChart({ record }: { record: PaperRecord }) {
  const { session: s, items, tracks, resolution, readAt } = record;
  const from = Date.parse(s.opened_at);
  const end = s.ended_at ? Date.parse(s.ended_at) : readAt;
  const to = Math.max(end, from + 10 * MIN);
  const x = (t: number): number => LEFT + ((t - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const gap = gapAfter(resolution);
  const shown = new Set((Object.entries(KIND_OF) as [Signal, Kind][]).filter(([signal]) => (tracks[signal]?.length ?? 0) > 0).map(([, kind]) => kind));
  const lanes = place(tracks, shown, TOP, HEIGHT - TOP - BOTTOM - SCALES - GAP, GAP);
  const bottom = HEIGHT - BOTTOM;
  const doses = standing(items, "Dosed");
  const zero = doses[0]?.at ?? null;
  const step = [5, 10, 15, 30, 60, 120].find((m) => ((WIDTH - LEFT - RIGHT) * m * MIN) / (to - from) >= 48) ?? 240;
  const origin = zero ?? from;
  const ticks: number[] = [];
  for (let t = origin + Math.ceil((from - origin) / (step * MIN)) * step * MIN; t <= to; t += step * MIN) ticks.push(t);
  const alarms = alarmsTold(items).filter((alarm) => !alarm.late);
  const tags = alarmTags(
    alarms.map((alarm) => ({ priority: alarm.priority, from: x(alarm.onset), to: x(Math.min(alarm.cleared ?? end, end)) })),
    LEFT,
    WIDTH - RIGHT,
  );
  return (
    <figure class="paper-chart">
      <div class="paper-table" role="region" aria-label="Vitals chart" tabIndex={0}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label="Vitals of the whole session; the tables hold the figures.">
        <defs>
          <pattern id="paper-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <line x1="0" x2="0" y1="0" y2="6" class="hatch" />
          </pattern>
        </defs>
        {ticks.map((t) => (
          <g key={t}>
            <line class="grid" x1={x(t)} x2={x(t)} y1={TOP} y2={bottom} />
            <text x={x(t)} y={bottom + 12} text-anchor="middle">
              {zero === null ? "" : t === zero ? "dose" : minutesFrom(zero, t)}
            </text>
            <text x={x(t)} y={bottom + 24} text-anchor="middle" class="quiet">
              {clockTime(t)}
            </text>
          </g>
        ))}
        {lanes.map((lane) => (
          <Lane key={lane.kind} lane={lane} record={record} x={x} gap={gap} from={from} end={end} />
        ))}
        <Scales record={record} x={x} y={bottom - SCALES} />
        {marks(items).map((mark) => (
          <g key={`${mark.at}${mark.text}`}>
            <line class="mark" x1={x(mark.at)} x2={x(mark.at)} y1={TOP} y2={bottom} />
            <rect class="dot" x={x(mark.at) - 3.5} y={TOP - 4} width="7" height="7" />
          </g>
        ))}
        {tags.map(({ parts, tag, priority, count }) => (
          <g key={tag.from}>
            {parts.map((part, i) => (
              <rect key={i} class={`alarm ${part.priority}`} x={part.from} y="14" width={Math.max(2, part.to - part.from)} height="14" />
            ))}
            <rect class={`alarm ${priority}`} x={tag.from} y="14" width={tag.to - tag.from} height="14" />
            <text class={`stars ${priority}`} x={tag.from + 4} y="26">
              {STARS[priority]}
              {count > 1 && ` ${count}`}
            </text>
          </g>
        ))}
        {doses.map((dose) => (
          <g key={dose.id}>
            <line class="dose" x1={x(dose.at)} x2={x(dose.at)} y1="10" y2={bottom} />
            <path class="dot" d={`M${x(dose.at) - 5} 2h10l-5 8z`} />
            <text class="strong" x={x(dose.at) + 8} y="10">
              {number(dose.data.dose.milligrams)} mg
            </text>
          </g>
        ))}
      </svg>
      </div>
      <figcaption>
        ▼ dose. Bars above: alarms from onset to end, *** high, ** medium, * low, with their number where several stand together. ■ intervention or adverse event. Hatched: no readings. Dashed: alarm limit. □ entered by hand. {zero === null ? "" : "Minutes count from the first dose."}
      </figcaption>
    </figure>
  );
}

interface LaneProps {
  lane: Placed;
  record: PaperRecord;
  x(t: number): number;
  gap: number;
  from: number;
  end: number;
}

function Lane({ lane, record, x, gap, from, end }: LaneProps) {
  const { tracks, session } = record;
  const y = (v: number): number => lane.top + lane.height - ((v - lane.low) / (lane.high - lane.low)) * lane.height;
  const look = LOOK[lane.kind];
  const limits = limitLines(session.limits, lane.kind).filter(({ value }) => value > lane.low && value < lane.high);
  const drawn = lane.kind === "bp" ? [] : lane.lines.map((signal) => ({ signal, track: tracks[signal] ?? [] }));
  const main = drawn.find(({ track }) => track.length > 0)?.track.filter((s) => !s.hand) ?? [];
  const last = main[main.length - 1]?.t;
  const gaps = [...gapsOf(main, gap), ...(last !== undefined && end - last > gap ? [[last, end] as const] : [])];
  return (
    <g>
      <rect class="frame" x={LEFT} y={lane.top} width={WIDTH - LEFT - RIGHT} height={lane.height} />
      {gaps.map(([a, b]) => (
        <rect key={a} fill="url(#paper-hatch)" x={x(a)} y={lane.top} width={Math.max(1, x(b) - x(a))} height={lane.height} />
      ))}
      {lane.ticks
        .filter((tick) => tick > lane.low && tick < lane.high)
        .map((tick) => (
          <g key={tick}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(tick)} y2={y(tick)} />
            <text class="quiet" x={LEFT - 4} y={y(tick) + 3.5} text-anchor="end">
              {tick}
            </text>
          </g>
        ))}
      {limits.map((line) => (
        <line key={line.text} class="limit" x1={LEFT} x2={WIDTH - RIGHT} y1={y(line.value)} y2={y(line.value)} />
      ))}
      {lane.kind === "bp" && <Pressures record={record} x={x} y={y} />}
      {drawn.map(({ signal, track }) => (
        <Track key={signal} thin={signal === "heart_rate"} track={track.filter((s) => s.t >= from && s.t <= end)} gap={gap} x={x} y={y} />
      ))}
      <Label x={LEFT + 4} y={lane.top + 11} kind="strong">{`${look.name} ${look.unit}`}</Label>
      {main.length === 0 && lane.kind !== "bp" && (
        <text class="quiet" x={LEFT + 90} y={lane.top + 11}>
          no readings of a monitor
        </text>
      )}
    </g>
  );
}

/** A column of the drawing holds many samples: its least and greatest stay, so that no extreme is smoothed away. */
function Track({ track, gap, x, y, thin }: { track: readonly Sample[]; gap: number; x(t: number): number; y(v: number): number; thin: boolean }) {
  let path = "";
  let before: Sample | null = null;
  let column: { at: number; low: number; high: number } | null = null;
  const point = (px: number, value: number, pen: string): string => `${pen}${px.toFixed(1)} ${y(value).toFixed(1)}`;
  for (const sample of track) {
    if (sample.hand) continue;
    const at = Math.round(x(sample.t) * 2) / 2;
    if (!before || sample.t - before.t > gap) {
      path += `${point(at, sample.low, "M")}${point(at, sample.high, "L")}`;
      column = { at, low: sample.low, high: sample.high };
    } else if (!column || at > column.at) {
      path += `${point(at, sample.low, "L")}${sample.high > sample.low ? point(at, sample.high, "L") : ""}`;
      column = { at, low: sample.low, high: sample.high };
    } else if (sample.low < column.low || sample.high > column.high) {
      column = { at, low: Math.min(column.low, sample.low), high: Math.max(column.high, sample.high) };
      path += `${point(at, column.low, "L")}${point(at, column.high, "L")}`;
    }
    before = sample;
  }
  return (
    <g>
      <path class={thin ? "line thin" : "line"} d={path} />
      {track
        .filter((s) => s.hand)
        .map((s) => (
          <rect key={s.t} class="hand" x={x(s.t) - 3} y={y(s.value) - 3} width="6" height="6" />
        ))}
    </g>
  );
}

function Pressures({ record, x, y }: { record: PaperRecord; x(t: number): number; y(v: number): number }) {
  const all = pressures(record.tracks);
  let lettered = -Infinity;
  return (
    <g>
      {all.map(({ at, systolic, diastolic }) => {
        const px = x(at);
        const said = px - lettered >= 19;
        if (said) lettered = px;
        return (
          <g key={at}>
            <line class="line" x1={px} x2={px} y1={y(systolic)} y2={y(diastolic)} />
            <path class="dot" d={`M${px - 3.5} ${y(systolic) - 4}h7l-3.5 5zM${px - 3.5} ${y(diastolic) + 4}h7l-3.5 -5z`} />
            {said && (
              <>
                <Label x={px} y={y(systolic) - 7} kind="small" middle>{String(Math.round(systolic))}</Label>
                <Label x={px} y={y(diastolic) + 14} kind="small" middle>{String(Math.round(diastolic))}</Label>
              </>
            )}
          </g>
        );
      })}
      {all.length === 0 && (
        <text class="quiet" x={LEFT + 90} y={y(190)}>
          no blood pressure on record
        </text>
      )}
    </g>
  );
}

function Scales({ record, x, y }: { record: PaperRecord; x(t: number): number; y: number }) {
  return (
    <g>
      {([["MOAA/S", "moaas", 13], ["Dissoc. 0–10", "dissociation", 29]] as const).map(([name, scale, down]) => (
        <g key={scale}>
          <Label x={LEFT + 4} y={y + down} kind="quiet">{name}</Label>
          {standing(record.items, "ObservationRecorded").flatMap(({ id, at, data }) =>
            data[scale] === null ? [] : [<Label key={id} x={Math.max(x(at), LEFT + 78)} y={y + down} kind="strong" middle>{String(data[scale])}</Label>],
          )}
        </g>
      ))}
    </g>
  );
}

/** Words on a ground of their own, apart from what runs under them. */
function Label({ x, y, kind, middle = false, children }: { x: number; y: number; kind: "strong" | "small" | "quiet"; middle?: boolean; children: string }) {
  const width = children.length * (kind === "small" ? 5.2 : 5.9) + 2;
  return (
    <g>
      <rect class="ground" x={middle ? x - width / 2 : x - 1} y={y - 8} width={width} height="10" />
      <text class={kind} x={x} y={y} text-anchor={middle ? "middle" : "start"}>
        {children}
      </text>
    </g>
  );
}

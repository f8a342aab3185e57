/* Draws the chart: uPlot holds the time axis, the lines and the cursor; lanes, limits, gaps, marks and labels are drawn
   around them in CSS pixels. Lines break at gaps and are never smoothed. */
import uPlot from "uplot";
import { type Kind, KIND_OF, STARS } from "./alarms";
import { gestures, type Span } from "./gesture";
import { alarmTags, gapsOf, type Line, limitLines, type Placed, place, rows, type Sample, scaleOf, type Tracks } from "./lanes";
import type { Limits, Priority, Signal } from "./model";
import type { AlarmSpan, Mark } from "./story";
import { pressures } from "./vitals-told";
import { clockTime, midnight, signed } from "./words";

export interface Scene {
  tracks: Tracks;
  gap: number;
  /** Milliseconds. */
  from: number;
  to: number;
  now: number;
  live: boolean;
  limits: Limits;
  baseline: { systolic: number; diastolic: number; heart_rate: number; spo2: number; respiratory_rate?: number | null } | null;
  doses: { at: number; text: string }[];
  alarms: readonly AlarmSpan[];
  marks: readonly Mark[];
  moaas: readonly { at: number; value: number }[];
  dissociation: readonly { at: number; value: number }[];
}

export interface Layout {
  lanes: readonly Placed[];
  observations: { top: number; height: number } | null;
}

const LEFT = 40;
const RIGHT = 8;
/** Above the lanes a row for the doses, one for the alarms, and the marks on the lanes' edge: none covers another. */
const ALARMS = 20;
const TOP = ALARMS + 28;
const BOTTOM = 40;
const GAP = 8;
const LINES: readonly Signal[] = ["spo2", "pulse_rate", "heart_rate", "respiratory_rate", "etco2", "temperature"];
const COLOURS = ["spo2", "pulse", "bp", "resp", "ink", "ink-2", "ink-3", "line", "edge", "sunken", "surface", "limit", "hatch", "key", "high", "high-ink", "medium", "medium-ink", "low", "low-ink", "stale"] as const;
type Colour = (typeof COLOURS)[number];
const HUE: Record<Kind, Colour> = { spo2: "spo2", pulse: "pulse", bp: "bp", resp: "resp", temp: "ink-2", co2: "ink-2" };
const MIN = 60_000;

export class Plot {
  private readonly u: uPlot;
  private colour = {} as Record<Colour, string>;
  private font = "";
  private lanes: Placed[] = [];
  private observations: Layout["observations"] = null;
  private scene: Scene | null = null;
  private readonly ungesture: () => void;

  constructor(
    private readonly box: HTMLElement,
    private readonly on: { look(span: Span): void; all(): Span; now(): void; cursor(t: number | null): void; layout(layout: Layout): void },
  ) {
    this.readTheme();
    const series = LINES.map((signal): uPlot.Series => {
      const kind = KIND_OF[signal];
      return {
        scale: kind,
        stroke: () => this.colour[this.scene?.live === false ? "stale" : HUE[kind]],
        width: signal === "heart_rate" ? 1 : 2,
        ...(signal === "heart_rate" && { dash: [5, 3] }),
        points: { show: false },
      };
    });
    const scales: uPlot.Scales = { x: { time: false, range: () => [(this.scene?.from ?? 0) / 1000, (this.scene?.to ?? MIN) / 1000] } };
    for (const kind of Object.keys(HUE) as Kind[]) {
      scales[kind] = {
        auto: true,
        range: () => {
          const lane = this.lanes.find((l) => l.kind === kind);
          return lane ? scaleOf({ ...lane, top: lane.top - TOP }, this.height - TOP - BOTTOM) : [0, 1];
        },
      };
    }
    this.u = new uPlot(
      {
        width: Math.max(1, this.width),
        height: Math.max(1, this.height),
        padding: [TOP, RIGHT, BOTTOM, LEFT],
        legend: { show: false },
        axes: [{ show: false }, { show: false }],
        scales,
        series: [{}, ...series],
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
        hooks: {
          drawClear: [() => this.draw((c) => this.under(c))],
          draw: [() => this.draw((c) => this.over(c))],
          setCursor: [(u) => this.on.cursor(u.cursor.left === undefined || u.cursor.left < 0 ? null : u.posToVal(u.cursor.left, "x") * 1000)],
        },
      },
      [[0, 1], ...LINES.map(() => [undefined, undefined])],
      box,
    );
    this.ungesture = gestures(this.u.over, box, {
      span: () => ({ from: this.scene?.from ?? 0, to: this.scene?.to ?? MIN }),
      all: () => this.on.all(),
      // What is shown follows the finger at once; whoever owns the view draws it again with the frame.
      show: (span) => {
        if (this.scene) this.scene = { ...this.scene, ...span };
        this.on.look(span);
      },
      tap: (left) => this.u.setCursor({ left, top: 1 }),
      now: () => this.on.now(),
    });
  }

  show(scene: Scene): void {
    this.scene = scene;
    if (this.hidden) return; // behind the table: the values beside it keep their places
    this.arrange();
    const [times, ...columns] = rows(scene.tracks, LINES, scene.gap);
    // The window's edges as rows without samples: an empty chart has an axis too.
    const data = [[scene.from / 1000, ...times, scene.to / 1000], ...columns.map((c) => [undefined, ...c, undefined])];
    this.u.setData(data as uPlot.AlignedData);
  }

  resize(): void {
    if (this.hidden) return;
    this.arrange();
    this.u.setSize({ width: this.width, height: this.height });
    if (this.scene) this.show(this.scene);
  }

  retheme(): void {
    this.readTheme();
    this.u.redraw(false);
  }

  destroy(): void {
    this.ungesture();
    this.u.destroy();
  }

  private get hidden(): boolean {
    return this.width < 2 || this.height < 2;
  }

  private get width(): number {
    return this.box.clientWidth;
  }

  private get height(): number {
    return this.box.clientHeight;
  }

  private readTheme(): void {
    const style = getComputedStyle(this.box);
    for (const name of COLOURS) this.colour[name] = style.getPropertyValue(`--${name}`).trim();
    this.font = style.fontFamily;
  }

  private arrange(): void {
    const height = this.height > 520 ? 62 : this.height > 400 ? 46 : 0;
    const shown = new Set(LINES.filter((s) => (this.scene?.tracks[s]?.length ?? 0) > 0).map((s) => KIND_OF[s]));
    const free = this.height - TOP - BOTTOM - (height ? height + GAP : 0);
    const lanes = place(this.scene?.tracks ?? {}, shown, TOP, free, GAP);
    const observations = height ? { top: TOP + free + GAP, height } : null;
    const changed = JSON.stringify([lanes, observations]) !== JSON.stringify([this.lanes, this.observations]);
    this.lanes = lanes;
    this.observations = observations;
    if (changed) this.on.layout({ lanes, observations });
  }

  private draw(paint: (c: CanvasRenderingContext2D) => void): void {
    if (!this.scene) return;
    const c = this.u.ctx;
    c.save();
    c.scale(uPlot.pxRatio, uPlot.pxRatio);
    c.textBaseline = "alphabetic";
    paint(c);
    c.restore();
  }

  private x(t: number): number {
    const { from, to } = this.scene as Scene;
    return LEFT + ((t - from) / (to - from)) * (this.width - LEFT - RIGHT);
  }

  private get right(): number {
    return this.width - RIGHT;
  }

  private get bottom(): number {
    const o = this.observations;
    return o ? o.top + o.height : this.height - BOTTOM;
  }

  private text(c: CanvasRenderingContext2D, said: string, x: number, y: number, colour: Colour, align: CanvasTextAlign = "left", bold = false): void {
    c.font = `${bold ? 600 : 400} 12px ${this.font}`;
    c.textAlign = align;
    // A halo of the lane's ground keeps a label apart from what runs under it.
    c.lineJoin = "round";
    c.lineWidth = 4;
    c.strokeStyle = this.colour.sunken;
    if (y > TOP && y < this.bottom && x > LEFT) c.strokeText(said, x, y);
    c.fillStyle = this.colour[colour];
    c.fillText(said, x, y);
  }

  private rule(c: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number, colour: Colour, width = 1, dash: number[] = []): void {
    c.strokeStyle = this.colour[colour];
    c.lineWidth = width;
    c.setLineDash(dash);
    c.beginPath();
    c.moveTo(x1, y1);
    c.lineTo(x2, y2);
    c.stroke();
    c.setLineDash([]);
  }

  private under(c: CanvasRenderingContext2D): void {
    for (const lane of this.lanes) this.lane(c, lane);
    const o = this.observations;
    if (o) {
      c.fillStyle = this.colour.sunken;
      c.fillRect(LEFT, o.top, this.right - LEFT, o.height);
    }
    this.times(c);
  }

  private lane(c: CanvasRenderingContext2D, lane: Placed): void {
    const scene = this.scene as Scene;
    const width = this.right - LEFT;
    const y = (v: number): number => lane.top + lane.height - ((v - lane.low) / (lane.high - lane.low)) * lane.height;
    c.fillStyle = this.colour.sunken;
    c.fillRect(LEFT, lane.top, width, lane.height);
    const lines = limitLines(scene.limits, lane.kind).filter(({ value }) => value > lane.low && value < lane.high);
    const lows = lines.filter((l) => l.side === "low" && !l.text.startsWith("dia")).map((l) => l.value);
    const highs = lines.filter((l) => l.side === "high" && !l.text.startsWith("dia")).map((l) => l.value);
    c.fillStyle = this.colour.limit;
    // A systolic low would shade where diastolic pressures lie.
    if (lows.length > 0 && lane.kind !== "bp") c.fillRect(LEFT, y(Math.max(...lows)), width, lane.top + lane.height - y(Math.max(...lows)));
    if (highs.length > 0) c.fillRect(LEFT, lane.top, width, y(Math.min(...highs)) - lane.top);
    this.hatches(c, lane);
    let last = Infinity;
    for (const tick of lane.ticks) {
      if (tick < lane.low || tick > lane.high || last - y(tick) < 15) continue;
      last = y(tick);
      this.text(c, String(tick), LEFT - 7, y(tick) + 4, "ink-3", "right");
    }
    this.limits(c, lines, lane, y);
    this.baseline(c, lane, y);
    if (lane.kind === "bp") {
      this.pressures(c, y);
    } else for (const signal of lane.lines) this.envelope(c, scene.tracks[signal], lane, y);
  }

  private limits(c: CanvasRenderingContext2D, lines: readonly Line[], lane: Placed, y: (v: number) => number): void {
    let above = -Infinity;
    for (const { value, text } of [...lines].sort((a, b) => b.value - a.value)) {
      this.rule(c, LEFT, y(value), this.right, y(value), "edge", 1, [3, 4]);
      const at = y(value) - 4;
      if (at - above < 14 || at < lane.top + 9) continue;
      above = at;
      this.text(c, text, LEFT + 6, at, "ink-3");
    }
  }

  /** Where nothing came: between two samples, and after the last until now. */
  private hatches(c: CanvasRenderingContext2D, lane: Placed): void {
    const { tracks, gap, from, now } = this.scene as Scene;
    const signal = lane.lines.find((s) => (tracks[s]?.length ?? 0) > 0);
    const track = signal && tracks[signal];
    if (!track) return;
    const sent = track.filter((s) => !s.hand);
    const gaps = gapsOf(sent, gap);
    const last = sent[sent.length - 1]?.t ?? now;
    if (now - last > gap) gaps.push([last, now]);
    for (const [a, b] of gaps) {
      const [x1, x2] = [Math.max(LEFT, this.x(a)), Math.min(this.right, this.x(b))];
      if (b < from || x2 - x1 < 1.5) continue;
      c.save();
      c.beginPath();
      c.rect(x1, lane.top, x2 - x1, lane.height);
      c.clip();
      c.strokeStyle = this.colour.hatch;
      c.lineWidth = 2;
      c.beginPath();
      for (let x = x1 - lane.height; x < x2; x += 9) {
        c.moveTo(x, lane.top + lane.height);
        c.lineTo(x + lane.height, lane.top);
      }
      c.stroke();
      c.restore();
    }
  }

  /** Reduced history keeps its extremes: a line from the least to the greatest in each step. */
  private envelope(c: CanvasRenderingContext2D, track: readonly Sample[] | undefined, lane: Placed, y: (v: number) => number): void {
    const { from, to, gap } = this.scene as Scene;
    if (!track) return;
    c.fillStyle = c.strokeStyle = this.colour[HUE[lane.kind]];
    c.globalAlpha = 0.4;
    c.lineWidth = 1;
    c.beginPath();
    for (const s of track) {
      if (s.high <= s.low || s.t < from || s.t > to) continue;
      c.moveTo(this.x(s.t), y(s.low));
      c.lineTo(this.x(s.t), y(s.high));
    }
    c.stroke();
    c.globalAlpha = 1;
    // A sample with a gap on both sides has no line to be part of.
    track.forEach((s, i) => {
      if (s.hand && s.t >= from && s.t <= to) c.strokeRect(this.x(s.t) - 4, y(s.value) - 4, 8, 8);
      const alone = !s.hand && s.t - (track[i - 1]?.t ?? -Infinity) > gap && (track[i + 1]?.t ?? Infinity) - s.t > gap;
      if (alone && s.t >= from && s.t <= to) this.dot(c, this.x(s.t), y(s.value), 3);
    });
  }

  private dot(c: CanvasRenderingContext2D, x: number, y: number, r: number): void {
    c.beginPath();
    c.arc(x, y, r, 0, 2 * Math.PI);
    c.fill();
  }

  /** Today's own normal, from the check before the dose. */
  private baseline(c: CanvasRenderingContext2D, lane: Placed, y: (v: number) => number): void {
    const base = this.scene?.baseline;
    const value = base && { spo2: base.spo2, pulse: base.heart_rate, bp: base.systolic, resp: base.respiratory_rate, temp: null, co2: null }[lane.kind];
    if (!base || value === null || value === undefined || value < lane.low || value > lane.high) return;
    this.rule(c, LEFT, y(value), this.right, y(value), HUE[lane.kind], 1, [8, 4]);
    const below = y(value) + 14 < lane.top + lane.height;
    this.text(c, `baseline ${value}${lane.kind === "bp" ? `/${base.diastolic}` : ""}`, this.right - 6, below ? y(value) + 14 : y(value) - 5, "ink-2", "right");
  }

  private pressures(c: CanvasRenderingContext2D, y: (v: number) => number): void {
    const { tracks, from, to, live } = this.scene as Scene;
    const w = Math.max(3, Math.min(6, this.width / 220));
    let lettered = -Infinity;
    for (const { at, systolic, diastolic } of pressures(tracks)) {
      if (at < from || at > to) continue;
      const [x, top, bottom] = [this.x(at), y(systolic), y(diastolic)];
      c.fillStyle = c.strokeStyle = this.colour[live ? "bp" : "stale"];
      c.lineWidth = 2;
      c.beginPath();
      c.moveTo(x, top);
      c.lineTo(x, bottom);
      c.stroke();
      c.beginPath();
      c.moveTo(x - w, top - w);
      c.lineTo(x + w, top - w);
      c.lineTo(x, top + w * 0.2);
      c.closePath();
      c.moveTo(x - w, bottom + w);
      c.lineTo(x + w, bottom + w);
      c.lineTo(x, bottom - w * 0.2);
      c.closePath();
      c.fill();
      if (x - lettered < 44 || this.width < 460) continue;
      lettered = x;
      this.text(c, String(Math.round(systolic)), x + w + 3, top + 2, "ink-2");
      this.text(c, String(Math.round(diastolic)), x + w + 3, bottom + 6, "ink-2");
    }
  }

  /** The time axis: minutes after the dose above, the clock below. */
  private times(c: CanvasRenderingContext2D): void {
    const { from, to, now, doses } = this.scene as Scene;
    const perMin = (this.right - LEFT) / ((to - from) / MIN);
    const major = [1, 2, 5, 10, 15, 30, 60, 120, 240].find((step) => step * perMin >= 76) ?? 480;
    const zero = doses[doses.length - 1]?.at;
    const origin = zero ?? midnight(from);
    for (let i = Math.ceil((from - origin) / (major * MIN)); origin + i * major * MIN <= to; i += 1) {
      const t = origin + i * major * MIN;
      const x = this.x(t);
      this.rule(c, x, TOP, x, this.bottom, "line");
      if (Math.abs(x - this.x(now)) < 44 || x > this.right - 18 || x < LEFT + 6) continue;
      const minutes = i * major;
      const said = zero === undefined ? null : minutes === 0 ? "dose" : signed(minutes);
      if (said) this.text(c, said, x, this.bottom + 17, minutes === 0 ? "ink" : "ink-2", "center", minutes === 0);
      this.text(c, clockTime(t), x, this.bottom + (said ? 32 : 17), "ink-3", "center");
    }
  }

  private over(c: CanvasRenderingContext2D): void {
    const { from, to, now, doses, live } = this.scene as Scene;
    for (const { at, text } of doses) {
      if (at < from || at > to) continue;
      const x = this.x(at);
      this.rule(c, x, 14, x, this.bottom, "ink", 1.5);
      c.fillStyle = this.colour.ink;
      c.beginPath();
      c.moveTo(x - 7, 4);
      c.lineTo(x + 7, 4);
      c.lineTo(x, 15);
      c.closePath();
      c.fill();
      this.text(c, text, x + 12, 14, "ink", "left", true);
    }
    for (const mark of this.scene?.marks ?? []) {
      if (mark.at < from || mark.at > to) continue;
      this.rule(c, this.x(mark.at), TOP - 6, this.x(mark.at), this.bottom, "edge");
      this.sign(c, mark.kind, this.x(mark.at), TOP - 6);
    }
    this.spans(c);
    this.scales(c);
    if (now >= from && now <= to) {
      const x = this.x(now);
      this.rule(c, x, ALARMS + 22, x, this.bottom + 4, "ink", 1, [2, 3]);
      this.text(c, live ? "now" : "last", x, this.bottom + 17, "ink", "center", true);
      this.text(c, clockTime(now), x, this.bottom + 32, "ink-3", "center");
    }
    if (live) this.ends(c);
  }

  /** Told apart by shape: a square was done, a diamond happened, a ring was seen. */
  private sign(c: CanvasRenderingContext2D, kind: Mark["kind"], x: number, y: number): void {
    c.fillStyle = kind === "seen" ? this.colour.surface : this.colour.ink;
    c.strokeStyle = this.colour.ink;
    c.lineWidth = 1.5;
    c.beginPath();
    if (kind === "done") c.rect(x - 4, y - 4, 8, 8);
    else if (kind === "seen") c.arc(x, y, 4, 0, 2 * Math.PI);
    else {
      c.moveTo(x, y - 6);
      c.lineTo(x + 6, y);
      c.lineTo(x, y + 6);
      c.lineTo(x - 6, y);
      c.closePath();
    }
    c.fill();
    c.stroke();
  }

  /** A dot where each line ends, while it is fresh. */
  private ends(c: CanvasRenderingContext2D): void {
    const { tracks, now, from, to } = this.scene as Scene;
    for (const lane of this.lanes) {
      for (const signal of lane.lines) {
        const last = tracks[signal]?.[(tracks[signal]?.length ?? 0) - 1];
        if (!last || now - last.t > 8_000 || last.t < from || last.t > to) continue;
        c.fillStyle = this.colour[HUE[lane.kind]];
        const y = lane.top + lane.height - ((last.value - lane.low) / (lane.high - lane.low)) * lane.height;
        this.dot(c, this.x(last.t), y, signal === "heart_rate" ? 2.5 : 4);
      }
    }
  }

  /** Alarms above the lanes from onset to end; shape and asterisks with the colour. */
  private spans(c: CanvasRenderingContext2D): void {
    const { alarms, from, to, now } = this.scene as Scene;
    const seen = alarms.filter((alarm) => (alarm.to ?? now) >= from && alarm.from <= to);
    const end = Math.min(this.right, Math.max(this.x(now), LEFT));
    const placed = seen.map((alarm) => ({ priority: alarm.priority, from: this.x(alarm.from), to: this.x(alarm.to ?? now) }));
    for (const { parts, tag, priority, count } of alarmTags(placed, LEFT, end)) {
      for (const part of parts) this.block(c, part.from, part.to - part.from, part.priority);
      this.block(c, tag.from, tag.to - tag.from, priority);
      c.font = `700 12px ${this.font}`;
      c.textAlign = "left";
      c.fillStyle = this.colour[`${priority}-ink`];
      c.fillText(STARS[priority], tag.from + 5, ALARMS + 16);
      if (count > 1) c.fillText(String(count), tag.from + 29, ALARMS + 14);
    }
  }

  private block(c: CanvasRenderingContext2D, x: number, width: number, priority: Priority): void {
    c.fillStyle = this.colour[priority];
    c.strokeStyle = this.colour.key;
    c.lineWidth = 1;
    c.beginPath();
    c.roundRect(x, ALARMS, width, 20, Math.min(3, width / 2));
    c.fill();
    if (this.colour.key !== "transparent") c.stroke();
  }

  private scales(c: CanvasRenderingContext2D): void {
    const o = this.observations;
    if (!o) return;
    const { moaas, dissociation, from, to } = this.scene as Scene;
    for (const [name, points, share] of [["MOAA/S", moaas, 0.28], ["Dissoc.", dissociation, 0.74]] as const) {
      const y = o.top + o.height * share;
      this.text(c, name, LEFT + 6, y + 4, "ink-3");
      for (const { at, value } of points) {
        if (at < from || at > to) continue;
        const x = Math.max(this.x(at), LEFT + 66);
        c.fillStyle = this.colour.surface;
        c.strokeStyle = this.colour["ink-2"];
        c.lineWidth = 1.5;
        c.beginPath();
        c.roundRect(x - 11, y - 10, 22, 20, 4);
        c.fill();
        c.stroke();
        this.text(c, String(value), x, y + 4.5, "ink", "center", true);
      }
    }
  }
}

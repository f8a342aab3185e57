/* Looking back on a time axis: the arithmetic of zoom and pan, and the wheel, fingers and keys that ask for it. */

export interface Span {
  /** Milliseconds. */
  from: number;
  to: number;
}

const SHORTEST_MS = 60_000;

/** As long as before, within `all`; not shorter than a minute, not longer than `all`. */
function within(all: Span, from: number, length: number): Span {
  const long = Math.min(Math.max(length, SHORTEST_MS), Math.max(SHORTEST_MS, all.to - all.from));
  const start = Math.max(all.from, Math.min(from, all.to - long));
  return { from: start, to: start + long };
}

/** What is under `at` stays under it. `factor` below 1 looks closer. */
export function zoomed(span: Span, at: number, factor: number, all: Span): Span {
  const length = within(all, span.from, (span.to - span.from) * factor);
  const share = (at - span.from) / (span.to - span.from);
  const long = length.to - length.from;
  return within(all, at - share * long, long);
}

export const panned = (span: Span, by: number, all: Span): Span => within(all, span.from + by, span.to - span.from);

export interface Looking {
  span(): Span;
  all(): Span;
  show(span: Span): void;
  /** A touch that moved nothing: show what is there. */
  tap(x: number): void;
  now(): void;
}

const MOVED_PX = 5;
const STEP = 0.25;
const CLOSER = 0.7;

/** `over` is as wide as what `span` shows. Returns what ends it. */
export function gestures(over: HTMLElement, keys: HTMLElement, on: Looking): () => void {
  const fingers = new Map<number, number>();
  let moved = 0;
  const ending = new AbortController();
  const { signal } = ending;

  const time = (x: number): number => {
    const { from, to } = on.span();
    return from + (x / Math.max(1, over.clientWidth)) * (to - from);
  };
  const perPixel = (): number => time(1) - time(0);
  const x = (event: MouseEvent): number => event.clientX - over.getBoundingClientRect().left;
  const spread = (): { middle: number; apart: number } => {
    const [a = 0, b = a] = [...fingers.values()];
    return { middle: (a + b) / 2, apart: Math.max(20, Math.abs(a - b)) };
  };

  over.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      const by = event.deltaMode === 1 ? 16 : 1;
      if (sideways) on.show(panned(on.span(), (event.deltaX || event.deltaY) * by * perPixel(), on.all()));
      else on.show(zoomed(on.span(), time(x(event)), Math.exp(event.deltaY * by * 0.002), on.all()));
    },
    { signal, passive: false },
  );
  over.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      if (fingers.size === 0) moved = 0;
      fingers.set(event.pointerId, x(event));
      over.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  over.addEventListener(
    "pointermove",
    (event) => {
      const before = fingers.get(event.pointerId);
      if (before === undefined) return;
      const was = spread();
      const at = x(event);
      moved += Math.abs(at - before);
      if (moved < MOVED_PX) return;
      const held = time(was.middle);
      fingers.set(event.pointerId, at);
      const is = spread();
      const all = on.all();
      const closer = fingers.size > 1 ? zoomed(on.span(), held, was.apart / is.apart, all) : on.span();
      const shift = ((was.middle - is.middle) / Math.max(1, over.clientWidth)) * (closer.to - closer.from);
      on.show(panned(closer, shift, all));
    },
    { signal },
  );
  const lift = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId)) return;
    if (moved < MOVED_PX && event.type === "pointerup") on.tap(x(event));
  };
  for (const name of ["pointerup", "pointercancel"] as const) over.addEventListener(name, lift, { signal });
  keys.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { from, to } = on.span();
      const middle = (from + to) / 2;
      const step = (to - from) * STEP;
      if (event.key === "ArrowLeft") on.show(panned(on.span(), -step, on.all()));
      else if (event.key === "ArrowRight") on.show(panned(on.span(), step, on.all()));
      else if (event.key === "+" || event.key === "=") on.show(zoomed(on.span(), middle, CLOSER, on.all()));
      else if (event.key === "-") on.show(zoomed(on.span(), middle, 1 / CLOSER, on.all()));
      else if (event.key === "Home" || event.key === "0") on.now();
      else return;
      event.preventDefault();
    },
    { signal },
  );
  return () => ending.abort();
}

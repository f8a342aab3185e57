/* Icons (20 px grid, always beside a word or with a name), the sign of a priority, the arrow of a direction. */
import { STARS } from "../alarms";
import type { Priority } from "../model";
import type { Direction } from "../trend";

const PATHS = {
  monitor: "M3 4h14v10H3zM7 17h6M5.5 9.5h2l1.5-3 2 5 1.2-2h2.3",
  unplugged: "M3 4h14v10H3zM7 17h6M7.5 6.5l5 5M12.5 6.5l-5 5",
  pencil: "M4 16l.8-3.4L13 4.4l2.6 2.6-8.2 8.2zM11.4 6l2.6 2.6",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6v4.2l2.8 1.8",
  person: "M10 3.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 16.5c.6-3 3-4.5 6-4.5s5.4 1.5 6 4.5",
  people: "M7.5 4a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4zM2.5 16c.4-2.9 2.4-4.3 5-4.3s4.6 1.4 5 4.3M12.6 4.2a2.7 2.7 0 0 1 0 5M14.6 12c1.7.6 2.6 2 2.9 4",
  sound: "M3.5 8v4h2.5l4 3.5v-11l-4 3.5zM12.8 7.5a3.5 3.5 0 0 1 0 5M15 5.5a6.3 6.3 0 0 1 0 9",
  pause: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM8.3 7.5v5M11.7 7.5v5",
  mute: "M3.5 8v4h2.5l4 3.5v-11l-4 3.5zM13 8l4 4M17 8l-4 4",
  moon: "M15.5 12.2A6.5 6.5 0 0 1 7.8 4.5a6.5 6.5 0 1 0 7.7 7.7z",
  sun: "M10 6.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4zM10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M4.7 15.3l1.1-1.1M14.2 5.8l1.1-1.1",
  check: "M4 10.5l4 4 8-9",
  back: "M12 4.5L6.5 10l5.5 5.5",
  vitals: "M3 10h3l2-5 3.5 10 2-5H17",
  alert: "M10 3.5l7 12.5H3zM10 8v4M10 13.6v.4",
  door: "M5 16.5v-13h8v13M3 16.5h14M10.5 10v.5",
  table: "M3.5 4.5h13v11h-13zM3.5 8.2h13M3.5 11.8h13M8 4.5v11",
  send: "M10 16V5M5.5 9L10 4.5 14.5 9",
  eye: "M2.5 10c2-3.5 4.5-5 7.5-5s5.5 1.5 7.5 5c-2 3.5-4.5 5-7.5 5s-5.5-1.5-7.5-5zM10 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",
  note: "M5 3.5h7l3 3v10H5zM7.5 8.5h5M7.5 11h5M7.5 13.5h3",
  syringe: "M12.5 3.5l4 4M14.5 5.5l-2 2M11 5l4 4-6 6H5v-4zM5 15l-2 2M8 10l2 2",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  stop: "M7 3.5h6l3.5 3.5v6L13 16.5H7L3.5 13V7z",
  limits: "M3 5.5h14M3 14.5h14M10 5.5v9M7.8 7.5L10 5.3l2.2 2.2M7.8 12.5l2.2 2.2 2.2-2.2",
  list: "M7.5 5.5h9M7.5 10h9M7.5 14.5h9M3.5 5.5h.5M3.5 10h.5M3.5 14.5h.5",
  down: "M4.5 8l5.5 5.5L15.5 8",
  next: "M8 4.5l5.5 5.5-5.5 5.5",
  drop: "M10 3c3 4 4.5 6.3 4.5 8.700a4.5 4.5 0 0 1-9 0C5.5 9.3 7 7 10 3z",
  wind: "M3 8h9a2.2 2.2 0 1 0-2.2-2.5M3 11h12a2.2 2.2 0 1 1-2.2 2.5M3 14h5",
  board: "M3 3.5h6v6H3zM11 3.5h6v6h-6zM3 11.5h6v5H3zM11 11.5h6v5h-6z",
  day: "M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3.5M13 3v3.5",
  phone: "M5 3.5h3l1.5 4-2 1.5a9 9 0 0 0 3.5 3.5l1.5-2 4 1.5v3c0 1-.8 1.5-1.7 1.5C8.6 16 4 11.4 3.5 5.2c0-.9.5-1.7 1.5-1.7z",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM13 13l4 4",
  gap: "M3 6.5c4-3 10-3 14 0M5.5 9.5c2.6-2 6.4-2 9 0M4 3l12 14",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, label }: { name: IconName; label?: string }) {
  return (
    <svg class="i" viewBox="0 0 20 20" {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" })}>
      <path d={PATHS[name]} />
    </svg>
  );
}

const SHAPES: Record<Priority, string> = {
  high: "M8 1l7 13H1z",
  medium: "M8 .8L15.2 8 8 15.2.8 8z",
  low: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z",
};
const SPOKEN: Record<Priority, string> = { high: "High priority alarm", medium: "Medium priority alarm", low: "Low priority alarm" };

/** Shape, asterisks and words carry a priority; colour repeats it. */
export function Pri({ of }: { of: Priority }) {
  return (
    <span class="pri">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[of]} />
      </svg>
      <span aria-hidden="true">{STARS[of]}</span>
      <span class="sr">{SPOKEN[of]}: </span>
    </span>
  );
}

const TURNS: Record<Direction, number> = { up: -90, rise: -45, flat: 0, fall: 45, down: 90 };
const SAID: Record<Direction, string> = { up: "rising fast", rise: "rising", flat: "steady", fall: "falling", down: "falling fast" };

/** Keeps its place when there is no direction to show. */
export function Arrow({ to }: { to: Direction | null }) {
  if (!to) return <span class="dir" />;
  return (
    <svg class="dir" viewBox="0 0 20 20" role="img" aria-label={SAID[to]}>
      <path transform={`rotate(${TURNS[to]} 10 10)`} d="M3 10h13M11 5l5 5-5 5" />
    </svg>
  );
}

/** The pattern that ends a line: drawn once, referred to by every sparkline. */
export function Hatch() {
  return (
    <svg class="sr" width="0" height="0" aria-hidden="true">
      <defs>
        <pattern id="kap-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="7" height="7" fill="var(--raised)" />
          <line x1="0" x2="0" y1="0" y2="7" stroke="var(--edge)" stroke-width="3" />
        </pattern>
      </defs>
    </svg>
  );
}

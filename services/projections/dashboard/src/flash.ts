/* Alarms flash by two attributes of the root, high at 2 Hz and medium at 0.63 Hz, half of the time dark. An endless CSS
   animation of a background would do the same and keep the whole page drawing sixty frames a second. */
import { effect } from "@preact/signals";
import { standing } from "./alarms";
import { stable } from "./stable";
import { alarmed, now } from "./store";

const HALF_MS = { high: 250, medium: 800 } as const;

export function flashAlarms(): void {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const root = document.documentElement.dataset;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const beat = (): void => {
    const now = performance.now();
    const dark = (half: number): boolean => !calm.matches && Math.floor(now / half) % 2 === 1;
    root["high"] = dark(HALF_MS.high) ? "dark" : "lit";
    root["medium"] = dark(HALF_MS.medium) ? "dark" : "lit";
    const left = (half: number): number => half - (now % half);
    timer = setTimeout(beat, Math.min(left(HALF_MS.high), left(HALF_MS.medium)) + 1);
  };
  const flashing = stable(() => alarmed.value.some(({ alarm }) => alarm.priority !== "low" && standing(alarm, now.value) === "active"));
  effect(() => {
    clearTimeout(timer);
    if (flashing.value) beat();
    else root["high"] = root["medium"] = "lit";
  });
}

/* Times and durations as they are read on the screen, in the browser's own zone. */

const pad = (n: number): string => String(n).padStart(2, "0");

/** 14:07, or 14:07:53. */
export function clockTime(ms: number, seconds = false): string {
  const t = new Date(ms);
  return `${pad(t.getHours())}:${pad(t.getMinutes())}${seconds ? `:${pad(t.getSeconds())}` : ""}`;
}

/** 0:42, 12:05, 1:02:10. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const h = Math.floor(s / 3600);
  return h ? `${h}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

/** The age of a value: 2 s, 4 min, 1 h 05. */
export function age(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return `${Math.floor(s / 3600)} h ${pad(Math.floor(s / 60) % 60)}`;
}

/** in 3:02 below ten minutes, in 16 min above. */
export function until(seconds: number): string {
  return seconds < 600 ? `in ${duration(seconds)}` : `in ${Math.floor(seconds / 60)} min`;
}

/** The server writes its alarms in plain letters. */
export const asPrinted = (text: string): string => text.replace(/\bSpO2\b/g, "SpO₂").replace(/\betCO2\b/gi, "etCO₂");

export const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

/* Times and durations as they are read on the screen, in the clinic's zone (the browser's own until it is known). */

const pad = (n: number): string => String(n).padStart(2, "0");

const formats = (timeZone?: string) => {
  const made = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", { ...options, hourCycle: "h23", ...(timeZone && { timeZone }) });
  return {
    zone: timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    minute: made({ hour: "2-digit", minute: "2-digit" }),
    second: made({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: made({ day: "numeric", month: "short", year: "numeric" }),
    month: made({ day: "numeric", month: "short" }),
    weekday: made({ weekday: "long", day: "numeric", month: "long" }),
    parts: made({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    offset: made({ timeZoneName: "shortOffset" }),
  };
};
let format = formats();

/** From here on every time is in the clinic's zone, wherever the browser stands. */
export function inZone(timeZone: string): void {
  format = formats(timeZone);
}

/** 14:07, or 14:07:53. */
export const clockTime = (ms: number, seconds = false): string => (seconds ? format.second : format.minute).format(ms);

/** 22 Nov 2026. */
export const day = (ms: number): string => format.day.format(ms);

/** 22 Nov. */
export const dayInYear = (ms: number): string => format.month.format(ms);

/** Sunday, 22 November. */
export const weekday = (ms: number): string => format.weekday.format(ms);

const DAY_MS = 86_400_000;

/** How far the clinic's zone is ahead of UTC at that moment, ms. */
function ahead(ms: number): number {
  const of = Object.fromEntries(format.parts.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(of["year"] ?? 0, (of["month"] ?? 1) - 1, of["day"], of["hour"], of["minute"], of["second"]);
  return shown - Math.floor(ms / 1000) * 1000;
}

/** The moment that the clinic's clocks show as this many ms since 1970. */
const moment = (shown: number): number => shown - ahead(shown - ahead(shown));

/** Midnight of that moment's day in the clinic; `days` later that day's. */
export function midnight(ms: number, days = 0): number {
  const shown = ms + ahead(ms);
  return moment(shown - (((shown % DAY_MS) + DAY_MS) % DAY_MS) + days * DAY_MS);
}

/** "14:30" of the day that brings it nearest to `near`: an entry of before midnight stays one. NaN when that is no time. */
export function timeNear(time: string, near: number): number {
  const at = momentOf(dateOf(near), time);
  return at - Math.round((at - near) / DAY_MS) * DAY_MS;
}

/** "2026-11-24", "14:30", as they are in the clinic; NaN when that is no time. */
export const momentOf = (date: string, time: string): number => {
  const shown = Date.parse(`${date}T${time}Z`);
  return Number.isNaN(shown) ? NaN : moment(shown);
};

/** 2026-11-24: the day in the clinic, as `momentOf` takes it. */
export const dateOf = (ms: number): string => new Date(ms + ahead(ms)).toISOString().slice(0, 10);

/** The year in the clinic. */
export const yearOf = (ms: number): number => new Date(ms + ahead(ms)).getUTCFullYear();

/** Europe/Vienna (GMT+1): the zone of every time on a page, as it was then. */
export function zoneWords(ms: number): string {
  const offset = format.offset.formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? "";
  return `${format.zone} (${offset})`;
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
export const asPrinted = (text: string): string => text.replace(/\bSpO2\b/g, "SpO₂").replace(/\betCO2\b/gi, "etCO₂").replace(/(?<!\S)-(?=\d)/g, "−");

/** Two decimals at most, and no zero after the last: 1.0 is read as 10. */
export const number = (value: number): string => String(Math.round(value * 100) / 100);

/** As it was drawn up: a volume that is rounded contradicts its dose. */
export const volume = (ml: number): string => `${Number(ml.toFixed(4))} mL`;

/** What went wrong, as it was said. */
export const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Minutes from the dose: +41, 0, −5. */
export const signed = (minutes: number): string => (minutes < 0 ? `−${-minutes}` : minutes === 0 ? "0" : `+${minutes}`);

/** A code as words: charge-nurse, steady_gait. */
export const words = (code: string): string => code.replace(/[_.-]/g, " ");

/** Why an alarm's sound was paused: the code that is recorded, and its words. */
export const PAUSED_FOR: Record<string, string> = {
  "with-patient": "Staff are with the patient",
  "patient-moving": "Patient is moving",
  "sensor-moved": "Sensor is being placed",
  "same-limb": "Cuff on the same arm",
};

/* Times and durations as they are read on the screen, in the clinic's zone (the browser's own until it is known). */

const pad = (n: number): string => String(n).padStart(2, "0");

const formats = (timeZone?: string) => {
  const made = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", { ...options, hourCycle: "h23", ...(timeZone && { timeZone }) });
  return {
    zone: timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    minute: made({ hour: "2-digit", minute: "2-digit" }),
    second: made({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: made({ day: "numeric", month: "short", year: "numeric" }),
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
export const asPrinted = (text: string): string => text.replace(/\bSpO2\b/g, "SpO₂").replace(/\betCO2\b/gi, "etCO₂");

export const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(1));

/** Why an alarm's sound was paused: the code that is recorded, and its words. */
export const PAUSED_FOR: Record<string, string> = {
  "with-patient": "Staff are with the patient",
  "patient-moving": "Patient is moving",
  "sensor-moved": "Sensor is being placed",
  "same-limb": "Cuff on the same arm",
};

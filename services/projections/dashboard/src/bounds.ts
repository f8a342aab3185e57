/* What a number can be at all, by the events' own schema (events.ts is generated), in words for beside its field. Pure. */
import { BOUNDS } from "./events";

export interface Bound {
  from?: number;
  over?: number;
  to?: number;
  under?: number;
  whole?: boolean;
}

/** Of an entry's field: `boundOf("PreDoseChecked", "spo2")`. */
export const boundOf = (entry: string, field: string): Bound | undefined => (BOUNDS as Record<string, Record<string, Bound>>)[entry]?.[field];

/** Why this cannot be; null: it can, or it is no number, which is another matter. */
export function outside(said: string, { from, over, to, under, whole }: Bound, unit: string): string | null {
  const typed = said.trim().replace(",", ".");
  const value = Number(typed);
  if (typed === "" || Number.isNaN(value)) return null;
  if (whole && !Number.isInteger(value)) return `${said.trim()} is not possible here. It should be a whole number.`;
  const fits = value >= (from ?? -Infinity) && value > (over ?? -Infinity) && value <= (to ?? Infinity) && value < (under ?? Infinity);
  if (fits) return null;
  const low = from !== undefined ? `from ${from}` : over !== undefined ? `over ${over}` : "";
  const high = to !== undefined ? `${from !== undefined ? "to" : "up to"} ${to}` : under !== undefined ? `under ${under}` : "";
  return `${said.trim()} is not possible here. It should be ${[low, high].filter(Boolean).join(from !== undefined && to !== undefined ? " " : " and ")} ${unit}`.trimEnd() + ".";
}

/* Which entries can be corrected, and their fields as a form shows them. */
import { type Bound, boundOf } from "./bounds";
import { type Asks, asksFor, YES_NO } from "./entry-fields";
import type { Me, TimelineItem } from "./model";

type Data = Record<string, unknown>;

/** What nobody types in: ids, and what the server adds. */
const NOT_TYPED = new Set(["session_id", "course_id", "patient_id", "alarm_id", "call_id", "event_id", "responsible", "responsible_name", "checked_by", "checked_by_name", "role", "device_id", "not_met", "limits", "gate", "until", "drug", "route"]);
/** Whose replacement would be another act, not another figure: they are withdrawn, and done anew. */
const WITHDRAWN_ONLY = new Set(["DeviceAttached", "DeviceDetached", "ResponsibleChanged", "LimitsChanged", "GateOverridden", "DoseChecked", "DischargeSigned"]);
const NEVER = new Set(["SessionOpened", "HelpCalled", "HelpAnswered", "AlarmAcknowledged", "AlarmPaused", "AlarmRaised", "AlarmCleared", "AlarmEscalated"]);

/** Whom the server would refuse for who they are is not asked; it says the last word, also of what is too old. */
export function correctable(item: TimelineItem, me: Me | null): boolean {
  if (!me || NEVER.has(item.type) || !item.by.startsWith("staff:")) return false;
  if (item.withdrawn && !item.correction?.replacement) return false;
  return me.may.session.includes("CorrectEntry") && (item.by === `staff:${me.staff_id}` || me.role === "prescriber");
}

/** What stands now, and when it happened: the entry, or what took its place. */
export const asItStands = (item: TimelineItem): { id: string; at: number; data: Data } => {
  const replacement = item.correction?.replacement;
  if (!replacement) return { id: item.event_id, at: Date.parse(item.at), data: item.data };
  return { id: String(replacement["id"]), at: Date.parse(String(replacement["at"] ?? item.at)), data: replacement };
};

/** The id of what stands now; null: nothing does any more. */
export const standing = (item: TimelineItem): string | null => (item.withdrawn && !item.correction?.replacement ? null : asItStands(item).id);

export interface Field extends Asks {
  /** "moaas", "dose.milligrams". */
  name: string;
  bound: Bound | undefined;
  kind: "text" | "number" | "yes or no";
  /** null: nobody had answered, or entered it. */
  value: string | number | boolean | null;
}

/** The values within an entry, by the name of their field. */
const PARTS: Record<string, string> = { "dose.": "Dose", "aldrete.": "Aldrete", "signals.": "VitalRecorded" };
const HEAD = new Set(["id", "at", "by", "by_name", "type"]);

export function fieldsOf(type: string, data: Data, prefix = ""): Field[] {
  if (WITHDRAWN_ONLY.has(type)) return [];
  return Object.entries(data).flatMap(([key, value]): Field[] => {
    if (NOT_TYPED.has(key) || (prefix === "" && HEAD.has(key))) return [];
    const name = prefix + key;
    const asks = asksFor(type, name);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || (value === null && asks)) {
      const yes = typeof value === "boolean" || (value === null && YES_NO.has(key));
      const kind = yes ? "yes or no" : typeof value === "number" || (value === null && asks?.unit !== undefined) ? "number" : "text";
      return [{ name, kind, value, ...(asks ?? { label: spoken(key) }), bound: boundOf(PARTS[prefix] ?? type, key) }];
    }
    return typeof value === "object" && value !== null && !Array.isArray(value) ? fieldsOf(type, value as Data, `${name}.`) : [];
  });
}

const SPOKEN: Record<string, string> = { spo2: "SpO₂", text: "In words" };

function spoken(key: string): string {
  const plain = key.replace(/_/g, " ");
  return SPOKEN[key] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

/** The whole entry with what was changed in it. */
export function replaced(data: Data, changes: ReadonlyMap<string, unknown>): Data {
  const copy = structuredClone(data);
  for (const head of HEAD) if (head !== "at") delete copy[head];
  delete copy["responsible_name"];
  for (const [name, value] of changes) {
    const path = name.split(".");
    const last = path.pop() ?? "";
    const within = path.reduce<Data>((at, key) => at[key] as Data, copy);
    within[last] = value;
  }
  return copy;
}

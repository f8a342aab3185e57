/* Which entries can be corrected, and their fields as a form shows them. */
import type { Me, TimelineItem } from "./model";

type Data = Record<string, unknown>;

/** What nobody types in: ids, and what the server adds. */
const NOT_TYPED = new Set(["session_id", "course_id", "patient_id", "alarm_id", "call_id", "event_id", "responsible", "responsible_name", "checked_by", "checked_by_name", "role", "device_id", "not_met", "limits", "gate", "until"]);
/** Whose replacement would be another act, not another figure: they are withdrawn, and done anew. */
const WITHDRAWN_ONLY = new Set(["DeviceAttached", "DeviceDetached", "ResponsibleChanged", "LimitsChanged", "GateOverridden", "DoseChecked", "DischargeSigned"]);
const NEVER = new Set(["SessionOpened", "VitalRecorded", "HelpCalled", "HelpAnswered", "AlarmAcknowledged", "AlarmPaused", "AlarmRaised", "AlarmCleared", "AlarmEscalated"]);

/** The server says the last word; whom it would refuse is not asked. */
export function correctable(item: TimelineItem, me: Me | null): boolean {
  if (!me || item.position === 0 || NEVER.has(item.type) || !item.by.startsWith("staff:")) return false;
  if (item.withdrawn && !item.correction?.replacement) return false;
  return me.may.session.includes("CorrectEntry") && (item.by === `staff:${me.staff_id}` || me.role === "prescriber");
}

/** What stands now: the entry, or what took its place. */
export const standing = (item: TimelineItem): { id: string; data: Data } => {
  const replacement = item.correction?.replacement;
  return replacement ? { id: String(replacement["id"]), data: replacement } : { id: item.event_id, data: item.data };
};

export interface Entry {
  /** "moaas", "dose.milligrams". */
  name: string;
  label: string;
  value: string | number | boolean;
}

const HEAD = new Set(["id", "at", "by", "type"]);

export function entries(type: string, data: Data, prefix = ""): Entry[] {
  if (WITHDRAWN_ONLY.has(type)) return [];
  return Object.entries(data).flatMap(([key, value]): Entry[] => {
    if (NOT_TYPED.has(key) || (prefix === "" && HEAD.has(key))) return [];
    const name = prefix + key;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return [{ name, label: spoken(key), value }];
    return typeof value === "object" && value !== null && !Array.isArray(value) ? entries(type, value as Data, `${name}.`) : [];
  });
}

const SPOKEN: Record<string, string> = {
  moaas: "MOAA/S",
  spo2: "SpO₂",
  milligrams: "Dose, mg",
  concentration_mg_per_ml: "Vial, mg/mL",
  volume_ml: "Volume, mL",
  mg_per_kg: "mg/kg",
  text: "In words",
};

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

/* A session's record as paper tells it: each entry as it stands, and struck through what was corrected. Pure. */
import type {
  AdverseEventRecorded,
  AlarmRaised,
  Discharged,
  DischargeSigned,
  Dosed,
  GateOverridden,
  InterventionRecorded,
  LimitsChanged,
  NoteRecorded,
  ObservationRecorded,
  PreDoseChecked,
  SessionAborted,
  SessionOpened,
} from "./events";
import type { Priority, TimelineItem } from "./model";
import { asPrinted } from "./words";

type Body<T> = Omit<T, "id" | "at" | "by" | "type">;
interface Bodies {
  SessionOpened: Body<SessionOpened>;
  LimitsChanged: Body<LimitsChanged>;
  PreDoseChecked: Body<PreDoseChecked>;
  GateOverridden: Body<GateOverridden>;
  Dosed: Body<Dosed> & { checked_by_name: string | null };
  ObservationRecorded: Body<ObservationRecorded>;
  NoteRecorded: Body<NoteRecorded>;
  AdverseEventRecorded: Body<AdverseEventRecorded>;
  InterventionRecorded: Body<InterventionRecorded>;
  DischargeSigned: Body<DischargeSigned>;
  Discharged: Body<Discharged>;
  SessionAborted: Body<SessionAborted>;
}

export interface Entry<D> {
  id: string;
  at: number;
  /** Who entered it; null when the staff's list does not know. */
  by: string | null;
  data: D;
  /** Set: this entry no longer counts. */
  struck: { at: number; by: string | null; reason: string | null; replaced: boolean } | null;
}

type Items = readonly TimelineItem[];

/** All entries of a kind in the order of time, each corrected one followed by what stands in its place. */
export function entries<K extends keyof Bodies>(items: Items, kind: K): Entry<Bodies[K]>[] {
  return items.filter((item) => item.type === kind).flatMap((item) => versions(item) as unknown as Entry<Bodies[K]>[]);
}

/** The entries that count. */
export function standing<K extends keyof Bodies>(items: Items, kind: K): Entry<Bodies[K]>[] {
  return entries(items, kind)
    .filter((entry) => !entry.struck)
    .sort((a, b) => a.at - b.at);
}

function versions(item: TimelineItem): Entry<Record<string, unknown>>[] {
  const said: Entry<Record<string, unknown>>[] = [];
  let current: { at: string; by: string | null; data: Record<string, unknown> } | null = { at: item.at, by: item.by_name, data: item.data };
  const fixes = item.correction ? [...(item.earlier ?? []), item.correction] : [];
  for (const fix of [...fixes, null]) {
    if (!current) break;
    const struck: Entry<unknown>["struck"] = fix && { at: Date.parse(fix.at), by: fix.by_name, reason: fix.reason, replaced: fix.replacement !== null };
    said.push({ id: `${item.event_id}/${said.length}`, at: Date.parse(current.at), by: current.by, data: current.data, struck });
    const next: Record<string, unknown> | null | undefined = fix?.replacement;
    current = next ? { at: String(next["at"] ?? item.at), by: (next["by_name"] as string | null | undefined) ?? null, data: next } : null;
  }
  return said;
}

export interface AlarmTold {
  id: string;
  priority: Priority;
  text: string;
  technical: boolean;
  late: boolean;
  onset: number;
  raised: number;
  acknowledged: { at: number; by: string | null }[];
  paused: { at: number; by: string | null; until: number }[];
  escalated: { at: number; to: string | null }[];
  cleared: number | null;
}

/** Each alarm with all that was done about it, in the order of their onset. */
export function alarmsTold(items: Items): AlarmTold[] {
  const told = new Map<string, AlarmTold>();
  for (const item of [...items].sort((a, b) => a.position - b.position)) {
    if (item.withdrawn) continue;
    const id = String(item.data["alarm_id"] ?? "");
    const at = Date.parse(item.at);
    if (item.type === "AlarmRaised") {
      const raised = item.data as unknown as Body<AlarmRaised>;
      const { priority, late } = raised;
      told.set(id, { id, priority, text: asPrinted(raised.text), technical: raised.kind === "technical", late, onset: Date.parse(raised.onset), raised: at, acknowledged: [], paused: [], escalated: [], cleared: null });
    }
    const alarm = told.get(id);
    if (!alarm) continue;
    if (item.type === "AlarmAcknowledged") alarm.acknowledged.push({ at, by: item.by_name });
    if (item.type === "AlarmPaused") alarm.paused.push({ at, by: item.by_name, until: Date.parse(String(item.data["until"])) });
    if (item.type === "AlarmEscalated") {
      alarm.escalated.push({ at, to: (item.data["to"] as string | null | undefined) ?? null });
      alarm.priority = item.data["priority"] as Priority;
    }
    if (item.type === "AlarmCleared") alarm.cleared = at;
  }
  return [...told.values()].sort((a, b) => a.onset - b.onset);
}

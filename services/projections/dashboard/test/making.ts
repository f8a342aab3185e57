/* Sessions, readings and frames for the tests. Invented. */
import type { BoardSession } from "../src/board";
import type { Alarm, AlarmFact, Changes, Heartbeat, Session, Signal, Snapshot, VitalRecorded } from "../src/model";

export const NOON = Date.UTC(2026, 10, 24, 12, 0, 0);
export const at = (seconds: number): string => new Date(NOON + seconds * 1000).toISOString();

export const session = (over: Partial<Session> = {}): Session => ({
  session_id: "s1",
  course_id: "c1",
  patient_id: "p1",
  label: "MK 0417",
  number: "0417",
  name: null,
  room: "1",
  route: "intramuscular",
  weight_kg: 80,
  protocol: { name: "default", version: 1, digest: "0".repeat(64) },
  limits: {
    spo2: [{ low: 93, high: null, priority: "medium" }],
    systolic: [],
    diastolic: [],
    heart_rate: [],
    respiratory_rate: [],
    no_data_after_s: 15,
    no_data_priority: "medium",
  },
  expected: { onset_min: 5, peak_min: 20, offset_min: 60, minimum_stay_min: 120, checks_min: [5, 10, 15, 20, 30, 45, 60, 90, 120], moaas_min: [], dissociation_min: [] },
  state: "open",
  opened_at: at(-3600),
  ended_at: null,
  responsible: null,
  responsible_name: null,
  devices: ["M1"],
  pre_dose: null,
  doses: [],
  moaas_at: [],
  dissociation_at: [],
  alarms: [],
  help: null,
  incomplete: false,
  record_position: 10,
  ...over,
});

export const onBoard = (over: Partial<BoardSession> = {}): BoardSession => ({ ...session(), latest: {}, trend: {}, heard: {}, ...over });

export const dosed = (secondsAgo: number): Session["doses"] => [
  {
    event_id: "d1",
    at: at(-secondsAgo),
    by: "staff:1",
    dose: { drug: "ketamine", route: "intramuscular", milligrams: 60, mg_per_kg: null, concentration_mg_per_ml: null, volume_ml: null, lot: null, site: null },
    additional: false,
  },
];

export const reading = (seconds: number, values: Partial<Record<Signal, number>>, over: Partial<VitalRecorded> = {}): VitalRecorded => ({
  type: "VitalRecorded",
  id: `r${seconds}`,
  session_id: "s1",
  device_id: "M1",
  source: "monitor",
  entered_by: null,
  device_time: at(seconds),
  observed_at: at(seconds),
  received_at: at(seconds),
  sent_id: null,
  backfilled: false,
  signals: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, channel: "", quality: "ok" }])),
  ...over,
});

export const alarm = (over: Partial<Alarm> = {}): Alarm => ({
  alarm_id: "a1",
  rule: "spo2.low",
  priority: "high",
  kind: "physiological",
  text: "SpO₂ 88 < 90",
  signal: "spo2",
  value: 88,
  limit: 90,
  device_id: "M1",
  onset: at(0),
  raised_at: at(10),
  late: false,
  state: "active",
  paused_until: null,
  paused_for: null,
  acknowledged_by: null,
  acknowledged_by_name: null,
  acknowledged_at: null,
  escalated: false,
  escalated_to: null,
  latching: false,
  cleared_at: null,
  ...over,
});

const fact = { id: "e1", at: at(10), by: "service:session-monitor", session_id: "s1", alarm_id: "a1" };

export const raised = (over: Partial<Extract<AlarmFact, { type: "AlarmRaised" }>> = {}): AlarmFact => {
  const { alarm_id, rule, priority, kind, text, signal, value, limit, device_id, onset, late } = alarm();
  return { ...fact, type: "AlarmRaised", alarm_id, rule, priority, kind, text, signal, value, limit, device_id, onset, late, latching: false, ...over };
};
export const acknowledged: AlarmFact = { ...fact, type: "AlarmAcknowledged", at: at(20), by: "staff:1" };
export const escalated: AlarmFact = { ...fact, type: "AlarmEscalated", priority: "high", to: null };
export const cleared: AlarmFact = { ...fact, type: "AlarmCleared", at: at(60), late: false };

export const snapshot = (over: Partial<Snapshot> = {}): Snapshot => ({
  type: "snapshot",
  epoch: "e",
  events: 10,
  vitals: 100,
  server_time: at(0),
  sessions: [{ ...session(), latest: {}, trend: {} }],
  ...over,
});

export const changes = (over: Partial<Changes> = {}): Changes => ({
  type: "changes",
  epoch: "e",
  events: 10,
  vitals: 101,
  server_time: at(1),
  readings: [],
  sessions: [],
  alarms: [],
  corrected: [],
  ...over,
});

export const heartbeat = (over: Partial<Heartbeat> = {}): Heartbeat => ({
  type: "heartbeat",
  epoch: "e",
  events: 10,
  vitals: 100,
  server_time: at(1),
  lag_ms: { events: 0, vitals: 0, delivery: null },
  ...over,
});

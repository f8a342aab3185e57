/* What the server sends, by HTTP and by the feed. The events' own shapes come from events.ts. */
import type {
  AlarmAcknowledged,
  AlarmCleared,
  AlarmEscalated,
  AlarmPauseBroken,
  AlarmPaused,
  AlarmRaised,
  Assessed,
  ConsentGiven,
  ConsentWithdrawn,
  CourseClosed,
  Dose,
  ExpectedCourse,
  FindingCleared,
  Limits,
  PreDoseChecked,
  PreparationRecorded,
  Prepared,
  SessionRules,
  VisitPlanned,
  VitalRecorded,
} from "./events";

export type { Dose, ExpectedCourse, Limits, SessionRules, VitalRecorded };
export type Signal = keyof VitalRecorded["signals"];
export type Source = VitalRecorded["source"];
export type Priority = AlarmRaised["priority"];
export type Route = Dose["route"];
export type Role = "nurse" | "therapist" | "prescriber" | "admin" | "wall" | "auditor";

export interface Me {
  staff_id: string;
  username: string;
  name: string;
  role: Role;
  /** When this sign-in ends; null for a wall screen, whose never does. */
  expires: string | null;
  /** The commands that this role may send, by who decides them. */
  may: Record<"intake" | "session" | "integration", readonly string[]>;
  /** The clinic's. */
  timezone: string;
}

export interface Alarm {
  alarm_id: string;
  rule: string;
  priority: Priority;
  kind: "physiological" | "technical";
  text: string;
  signal: string | null;
  value: number | null;
  limit: number | null;
  device_id: string | null;
  onset: string;
  raised_at: string;
  late: boolean;
  state: "active" | "acknowledged" | "paused" | "latched";
  paused_until: string | null;
  /** Why, by its code (words.ts). */
  paused_for: string | null;
  acknowledged_by: string | null;
  acknowledged_by_name: string | null;
  acknowledged_at: string | null;
  escalated: boolean;
  /** Whom the protocol has told, by its code. */
  escalated_to: string | null;
  /** Stays after its condition ended, until somebody acknowledges it. */
  latching: boolean;
  cleared_at: string | null;
}

/** The last call for the nurse, and who goes there. */
export interface Help {
  call_id: string;
  at: string;
  by: string;
  by_name: string | null;
  answered_at: string | null;
  answered_by: string | null;
  answered_by_name: string | null;
}

export interface Session {
  session_id: string;
  course_id: string;
  patient_id: string;
  /** Initials and number; null for the wall. */
  label: string | null;
  number: string | null;
  /** Full name; sent to staff alone. */
  name?: string | null;
  room: string;
  route: Route;
  weight_kg: number | null;
  protocol: { name: string; version: number; digest: string };
  limits: Limits;
  expected: ExpectedCourse;
  state: "open" | "discharged" | "aborted";
  opened_at: string;
  ended_at: string | null;
  responsible: string | null;
  responsible_name: string | null;
  devices: string[];
  pre_dose: Checked | null;
  doses: { event_id: string; at: string; by: string; dose: Dose; additional: boolean }[];
  /** When they were observed, rising. */
  moaas_at: string[];
  dissociation_at: string[];
  alarms: Alarm[];
  help: Help | null;
  incomplete: boolean;
  record_position: number;
}

/** Who entered it, and when it was. */
export interface Entered {
  at: string;
  by: string;
  by_name: string | null;
}

/** One session with what its forms need: what still counts of what was entered. */
export interface SessionDetail extends Session {
  /** The protocol's, as the session began with them; null before protocols had any. */
  rules: SessionRules | null;
  overridden: (Entered & { gate: string; reason: string })[];
  dose_checks: (Entered & { event_id: string; role: "nurse" | "prescriber" | null; dose: Dose })[];
  signed: Partial<Record<"nurse" | "prescriber", Entered>>;
  observations: Partial<Record<"moaas" | "dissociation" | "nausea" | "pain", Entered & { value: number }>>;
}

/** The last check before the dose; null was not answered. */
export type Checked = Pick<PreDoseChecked, "at" | "systolic" | "diastolic" | "heart_rate" | "spo2"> & Partial<Omit<PreDoseChecked, "type" | "id" | "session_id">>;

/** A monitor that was heard, attached or not. */
export interface Device {
  device_id: string;
  name: string;
  session_id: string | null;
  last_seen: string;
  skew_s: number | null;
  signals: Partial<Record<Signal, { value: number; observed_at: string }>>;
  faults: { kind: string; about: string; text: string; first: string; last: string; count: number }[];
  unknown_codes: { code: string; name: string; last: string; count: number }[];
}

export interface Colleague {
  staff_id: string;
  name: string;
  role: Role;
}

/** A signal's last value as the feed sends it. */
export interface Latest {
  value: number;
  quality: "ok" | "questionable";
  channel: string;
  source: Source;
  device_id: string | null;
  entered_by: string | null;
  observed_at: string;
}

/** Milliseconds since 1970 (server's clock), value. */
export type Point = [number, number];

export type AlarmFact = AlarmRaised | AlarmEscalated | AlarmAcknowledged | AlarmPaused | AlarmPauseBroken | AlarmCleared;

interface Positions {
  epoch: string;
  events: number;
  vitals: number;
}

export interface Vitals {
  latest: Partial<Record<Signal, Latest>>;
  trend: Partial<Record<Signal, Point[]>>;
}

export interface Snapshot extends Positions {
  type: "snapshot";
  server_time: string;
  sessions: (Session & Vitals)[];
}

export interface Changes extends Positions {
  type: "changes";
  server_time: string;
  readings: VitalRecorded[];
  sessions: Session[];
  alarms: AlarmFact[];
  corrected: Corrected[];
}

/** A session's vitals as they stand, whole, as readings by hand were withdrawn. */
export interface Corrected extends Vitals {
  session_id: string;
  reading_ids: string[];
}

export interface Heartbeat extends Positions {
  type: "heartbeat";
  server_time: string;
  /** How far each hop is behind. Of the log's: null when the server cannot tell; of delivery: when there was none. */
  lag_ms: { events?: number | null; vitals?: number | null; delivery?: number | null };
}

export interface Resync {
  type: "resync";
  reason: string;
}

export type Frame = Snapshot | Changes | Heartbeat | Resync;
export type Since = Positions;

export interface Correction {
  at: string;
  by_name: string | null;
  reason: string | null;
  replacement: Record<string, unknown> | null;
}

export interface TimelineItem {
  event_id: string;
  position: number;
  type: string;
  at: string;
  recorded_at: string;
  by: string;
  by_name: string | null;
  data: Record<string, unknown>;
  withdrawn: boolean;
  correction: Correction | null;
  /** Corrections before the one that counts. */
  earlier?: Correction[];
}

/** What a session asks to be done afterwards. */
export interface Task {
  task_id: string;
  state: "open" | "answered";
  opened: { kind: string; due: string | null };
  answered: { at: string; answer: string; by_name: string | null; text: string | null } | null;
}

export interface VitalsSeries {
  from: string;
  to: string;
  resolution_s: number;
  signals: Partial<Record<Signal, { t: number[]; min: number[]; mean: number[]; max: number[]; source: Source[] }>>;
}

export type Standing = "hard_stop" | "clearance" | "note";

export interface Rule {
  asks: string;
  standing: Standing;
  source: string;
}

export interface Protocol {
  name: string;
  version: number;
  title: string;
  route: Route;
  eligibility: {
    ages: { minimum: number; young_to: number; old_from: number };
    rules: Record<string, Rule>;
    interacting_drugs: Record<string, Rule>;
  } | null;
}

export interface Clinic {
  rooms: { room: string; title: string }[];
  protocols: Protocol[];
}

export interface Patient {
  patient_id: string;
  number: string | null;
  name: string | null;
  birth_year: number | null;
}

export interface WholePatient extends Patient {
  sex_at_birth: string | null;
  contact: string | null;
  forgotten: boolean;
}

export interface Course {
  course_id: string;
  patient_id: string;
  indication: string;
  state: "open" | "closed";
  opened_at: string;
  assessed: Assessed | null;
  cleared: (FindingCleared & { by_name?: string | null })[];
  consent: ConsentGiven | null;
  consent_withdrawn: ConsentWithdrawn | null;
  preparations: PreparationRecorded[];
  prepared: Prepared | null;
  visits: VisitPlanned[];
  closed: CourseClosed | null;
  record_position: number;
  number: string | null;
  name: string | null;
  birth_year: number | null;
  sex_at_birth: string | null;
  forgotten: boolean | null;
}

export interface WholeCourse extends Course {
  contact: string | null;
  sessions: Session[];
  /** What follows each session. */
  care_plans: { session_id: string; visits_due: string[] }[];
}

export interface Work {
  kind: "visit" | "integration" | "task";
  due: string | null;
  course_id: string | null;
  patient_id: string;
  number: string | null;
  name: string | null;
  /** Of a visit what it is for, of an integration which one. */
  visit?: string | number;
  room?: string | null;
  id?: string;
  task?: string;
  text?: string | null;
  /** The session that a task is about. */
  session_id?: string | null;
}

export interface AlarmOf extends Alarm {
  session_id: string;
  room: string | null;
}

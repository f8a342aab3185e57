/* What the lists and forms read, and in which shape it comes. */
import { query } from "./api";
import type {
  Assessed,
  ConsentGiven,
  ConsentWithdrawn,
  CourseClosed,
  FindingCleared,
  PreparationRecorded,
  Prepared,
  VisitPlanned,
} from "./events";
import type { Alarm, Route, Session } from "./model";

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
  forgotten?: boolean;
}

export interface Course {
  course_id: string;
  patient_id: string;
  indication: string;
  state: "open" | "closed";
  opened_at: string;
  assessed: Assessed | null;
  cleared: FindingCleared[];
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

export const clinic = (): Promise<Clinic> => query("/api/clinic");
export const patients = (search: string): Promise<{ patients: Patient[]; more: boolean }> => query(`/api/patients?search=${encodeURIComponent(search)}`);
export const patient = (id: string): Promise<Patient> => query(`/api/patients/${id}`);
export const courses = (patient_id?: string): Promise<Course[]> => query(patient_id ? `/api/courses?patient_id=${patient_id}` : "/api/courses");
export const course = (id: string): Promise<WholeCourse> => query(`/api/courses/${id}`);
export const worklist = (): Promise<Work[]> => query("/api/worklist");
const since = (ms: number | null): string => (ms === null ? "" : `&since=${encodeURIComponent(new Date(ms).toISOString())}`);
/** Those opened since then, over or not. */
export const sessions = (from: number | null): Promise<Session[]> => query(`/api/sessions?state=all${since(from)}`);
/** Those that began since then, over or not, the newest first. */
export const alarms = (from: number | null): Promise<AlarmOf[]> => query(`/api/alarms?state=all${since(from)}`);

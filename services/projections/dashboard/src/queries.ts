/* Every read over HTTP, a line each; what comes back is told in model.ts. Live values come by the feed. */
import { answered, query } from "./api";
import type { AlarmOf, Clinic, Colleague, Course, Device, Patient, Session, SessionDetail, Task, TimelineItem, VitalsSeries, WholeCourse, WholePatient, Work } from "./model";

const iso = (ms: number): string => encodeURIComponent(new Date(ms).toISOString());

export const session = (id: string): Promise<SessionDetail> => query(`/api/sessions/${id}`);

export interface History {
  items: TimelineItem[];
  /** The history holds every fact up to this position of the log, corrections too. */
  position: number;
}

export async function timeline(id: string): Promise<History> {
  const response = await answered(`/api/sessions/${id}/timeline`);
  return { items: (await response.json()) as TimelineItem[], position: Number(response.headers.get("kap-position")) };
}

export function vitals(id: string, from: number, to: number, points: number): Promise<VitalsSeries> {
  return query(`/api/sessions/${id}/vitals?from=${iso(from)}&to=${iso(to)}&points=${points}`);
}

export const tasks = (id: string): Promise<Task[]> => query(`/api/sessions/${id}/tasks`);
export const devices = (): Promise<Device[]> => query("/api/devices");
export const staff = (): Promise<Colleague[]> => query("/api/staff");
export const clinic = (): Promise<Clinic> => query("/api/clinic");
export const patients = (search: string): Promise<{ patients: Patient[]; more: boolean }> => query(`/api/patients?search=${encodeURIComponent(search)}`);
export const patient = (id: string): Promise<WholePatient> => query(`/api/patients/${id}`);
export const courses = (patient_id: string): Promise<Course[]> => query(`/api/courses?patient_id=${patient_id}`);
export const course = (id: string): Promise<WholeCourse> => query(`/api/courses/${id}`);
export const worklist = (): Promise<Work[]> => query("/api/worklist");
const since = (ms: number | null): string => (ms === null ? "" : `&since=${iso(ms)}`);
/** Those opened since then, over or not. */
export const sessions = (from: number | null): Promise<Session[]> => query(`/api/sessions?state=all${since(from)}`);
/** Those that began since then, over or not, the newest first. */
export const alarms = (from: number | null): Promise<AlarmOf[]> => query(`/api/alarms?state=all${since(from)}`);

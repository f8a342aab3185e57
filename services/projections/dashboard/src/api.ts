/* The HTTP side: who is signed in, queries, and the one way to send a command. */
import { SignedOut } from "./feed";
import type { Colleague, Device, Dose, Me, SessionDetail, Task, TimelineItem, VitalsSeries } from "./model";
import { Queue } from "./queue";

const QUERY_WITHIN_MS = 8_000;
const COMMAND_WITHIN_MS = 10_000;
/** Timed out on the way, too many at once: not a word about the command itself. */
const AGAIN: ReadonlySet<number> = new Set([408, 429]);

/** A query that failed; `message` is the server's own word or ours. */
export class Failed extends Error {}

let actor: string | null = null;

/** Whom this page shows as signed in: the server does nothing that it sends in another's name, who signed in in another
    window of this browser. */
export function actsFor(staff_id: string | null): void {
  actor = staff_id;
}

async function call(path: string, init: RequestInit, within: number): Promise<Response> {
  const headers = { ...init.headers, ...(actor && { "kap-staff": actor }) };
  const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(within), cache: "no-store" });
  if (response.status === 401 && path !== "/api/login") throw new SignedOut();
  return response;
}

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const query = async <T>(path: string, init: RequestInit = {}): Promise<T> => (await (await answered(path, init)).json()) as T;

async function answered(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await call(path, init, QUERY_WITHIN_MS);
  } catch (error) {
    if (error instanceof SignedOut) throw error;
    throw new Failed("The server did not answer.");
  }
  if (!response.ok) throw new Failed((await said(response)).refused ?? `The server answered ${response.status}.`);
  return response;
}

interface Said {
  refused?: string;
  points?: Record<string, string>;
  unavailable?: string;
  invalid?: { field: string; message: string }[];
}

async function said(response: Response): Promise<Said> {
  try {
    return (await response.json()) as Said;
  } catch {
    return {};
  }
}

export const me = (): Promise<Me> => query("/api/me");
export const feedTicket = (): Promise<{ ticket: string; url: string }> => query("/api/feed-ticket", { method: "POST" });
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

export const tasks = (id: string): Promise<Task[]> => query(`/api/sessions/${id}/tasks`);
export const devices = (): Promise<Device[]> => query("/api/devices");
export const staff = (): Promise<Colleague[]> => query("/api/staff");

const LEFT = "kap-left";

/** Somebody signed out and the server may not have heard it: until it has, its cookie is nobody's. */
export function leaving(yes?: boolean): boolean {
  try {
    if (yes === undefined) return localStorage.getItem(LEFT) !== null;
    if (yes) localStorage.setItem(LEFT, "yes");
    else localStorage.removeItem(LEFT);
  } catch {
    console.info("This browser blocks storage: signing out without the network does not outlive the page.");
  }
  return yes === true;
}

export async function signOut(): Promise<void> {
  leaving(true);
  const response = await call("/api/logout", { method: "POST" }, QUERY_WITHIN_MS);
  if (!response.ok) throw new Failed(`The server answered ${response.status}.`);
  leaving(false);
}

export function vitals(id: string, from: number, to: number, points: number): Promise<VitalsSeries> {
  const iso = (ms: number): string => encodeURIComponent(new Date(ms).toISOString());
  return query(`/api/sessions/${id}/vitals?from=${iso(from)}&to=${iso(to)}&points=${points}`);
}

/** Signs in; a sentence when that was refused. */
export async function signIn(username: string, password: string): Promise<Me | string> {
  try {
    const response = await call("/api/login", post({ username, password }), QUERY_WITHIN_MS);
    if (response.ok) {
      leaving(false);
      return (await response.json()) as Me;
    }
    return (await said(response)).refused ?? (response.status === 401 ? "User name or password is wrong." : `The server answered ${response.status}.`);
  } catch {
    return "The server did not answer. Try again.";
  }
}

export type Service = "intake" | "session" | "integration";

export type Answer =
  | { kind: "recorded" }
  /** The network is away: it waits on this device and is sent when that is back (queue.ts). */
  | { kind: "kept" }
  /** `points`: where several things hold, each by the name of its gate. */
  | { kind: "refused"; text: string; points?: Record<string, string> }
  | { kind: "invalid"; fields: { field: string; message: string }[] }
  /** It may have been recorded or not: the same command may be sent again. */
  | { kind: "unknown"; text: string };

export interface Command {
  type: string;
  id: string;
  at: string;
  [field: string]: unknown;
}

async function deliver(path: string, body: Command): Promise<Answer> {
  let response: Response;
  try {
    response = await call(path, post(body), COMMAND_WITHIN_MS);
  } catch (error) {
    if (error instanceof SignedOut) throw error;
    return { kind: "unknown", text: "The server did not answer. It may or may not be recorded; trying again is safe." };
  }
  if (response.ok) return { kind: "recorded" };
  const { refused, points, unavailable, invalid } = await said(response);
  if (invalid?.length) return { kind: "invalid", fields: invalid };
  if (response.status >= 500 || AGAIN.has(response.status)) return { kind: "unknown", text: refused ?? unavailable ?? "The service did not answer. Trying again is safe." };
  return { kind: "refused", text: refused ?? `The server answered ${response.status}.`, ...(points && { points }) };
}

/** What was entered and is not sent yet. */
export const queue = new Queue({ post: (service, body) => deliver(`/api/commands/${service}`, body), now: () => performance.now() });

/** Sends a command. What cannot be sent now is kept, or it is said why not. */
export const command = (service: Service, body: Command): Promise<Answer> => queue.send(service, body);

/** What the answer would be now: decided on the record as it stands, and nothing is recorded. */
export const rehearse = (service: Service, body: Command): Promise<Answer> => deliver(`/api/commands/${service}?dry_run=true`, body);

export interface DoseCheck {
  token: string;
  name: string;
  expires_in_s: number;
}

/** A second person's check of a dose, with their own password; a sentence when it was refused. */
export async function checkDose(session_id: string, dose: Dose, username: string, password: string): Promise<DoseCheck | string> {
  let response: Response;
  try {
    response = await call("/api/dose-check", post({ session_id, dose, username, password }), COMMAND_WITHIN_MS);
  } catch (error) {
    if (error instanceof SignedOut) throw error;
    return "The server did not answer. Try again.";
  }
  if (response.ok) return (await response.json()) as DoseCheck;
  const { refused, invalid } = await said(response);
  return refused ?? invalid?.map(({ message }) => message).join(" ") ?? `The server answered ${response.status}.`;
}

/** A UUIDv7: ordered by time; `crypto.randomUUID` is missing where the page comes by plain HTTP. */
export function uuid(ms: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0, rest = Math.floor(ms); i < 6; i += 1, rest = Math.floor(rest / 256)) bytes[5 - i] = rest % 256;
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

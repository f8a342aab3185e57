/* The way to the server over HTTP: who is signed in, and the one way to send a command. What is read stands in queries.ts. */
import { signal } from "@preact/signals";
import { SignedOut } from "./feed";
import type { Dose, Me } from "./model";
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
  const headers = { ...(actor && { "kap-staff": actor }), ...init.headers };
  const response = await fetch(path, { ...init, headers, signal: AbortSignal.timeout(within), cache: "no-store" });
  if (response.status === 401 && path !== "/api/login") throw new SignedOut((await said(response)).refused);
  return response;
}

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const query = async <T>(path: string, init: RequestInit = {}): Promise<T> => (await (await answered(path, init)).json()) as T;

/** The server's answer, or `Failed` in words. */
export async function answered(path: string, init: RequestInit = {}): Promise<Response> {
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
  position?: number;
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

const LEFT = "kap-left";

/** Who signed out while the server may not have heard it: until it has, the cookie is nobody's, if it still is theirs. */
export function left(who?: string | null): string | null {
  try {
    if (who) localStorage.setItem(LEFT, who);
    else if (who === null) localStorage.removeItem(LEFT);
    else return localStorage.getItem(LEFT);
  } catch {
    console.info("This browser blocks storage: signing out without the network does not outlive the page.");
  }
  return who ?? null;
}

/** Ends the sign-in of whom this page shows, and no other: whether somebody else is signed in in this browser. */
export async function signOut(who = actor): Promise<boolean> {
  left(who);
  const response = await call("/api/logout", { method: "POST", headers: who ? { "kap-staff": who } : {} }, QUERY_WITHIN_MS);
  if (!response.ok) throw new Failed(`The server answered ${response.status}.`);
  left(null);
  return ((await response.json()) as { somebody_else: boolean }).somebody_else;
}

/** Signs in; a sentence when that was refused. */
export async function signIn(username: string, password: string): Promise<Me | string> {
  try {
    const response = await call("/api/login", post({ username, password }), QUERY_WITHIN_MS);
    if (response.ok) {
      left(null);
      return (await response.json()) as Me;
    }
    return (await said(response)).refused ?? (response.status === 401 ? "User name or password is wrong." : `The server answered ${response.status}.`);
  } catch {
    return "The server did not answer. Try again.";
  }
}

export type Service = "intake" | "session" | "integration";

export type Answer =
  | { kind: "recorded"; position?: number }
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
  const { position, refused, points, unavailable, invalid } = await said(response);
  if (response.ok) return { kind: "recorded", ...(position !== undefined && { position }) };
  if (invalid?.length) return { kind: "invalid", fields: invalid };
  if (response.status >= 500 || AGAIN.has(response.status)) return { kind: "unknown", text: refused ?? unavailable ?? "The service did not answer. Trying again is safe." };
  return { kind: "refused", text: refused ?? `The server answered ${response.status}.`, ...(points && { points }) };
}

/** How far the log had come with what this page recorded, by session: no feed says so of one that left the board. */
export const recordedTo = signal<Readonly<Record<string, number>>>({});

async function send(service: Service, body: Command): Promise<Answer> {
  const answer = await deliver(`/api/commands/${service}`, body);
  // Readings have a log of their own, and positions of their own.
  if (answer.kind === "recorded" && answer.position && typeof body["session_id"] === "string" && body.type !== "RecordVitals") {
    recordedTo.value = { ...recordedTo.peek(), [body["session_id"]]: answer.position };
  }
  return answer;
}

/** What was entered and is not sent yet. */
export const queue = new Queue({ post: send, now: () => performance.now() });

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

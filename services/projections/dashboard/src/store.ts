/* What the screen shows, as signals. Frames are folded when they come and published once a drawn frame; a session
   whose part of the board did not change is not touched. */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { byUrgency, heard, heardWith } from "./alarms";
import * as api from "./api";
import { type Board, type BoardSession, callsNurse, fold, highAfter } from "./board";
import { ServerClock } from "./clock";
import { keepOnDisk } from "./disk";
import { Feed, SignedOut } from "./feed";
import { BEHIND_TONE_MS, behindOf, FEED_LOST_MS, type Health, lastHeard } from "./freshness";
import type { Alarm, Frame, Heartbeat, Me, VitalRecorded } from "./model";
import { Presses } from "./press";
import { place } from "./route";
import { armByTouch, silence, sound } from "./sound";
import { asPrinted, inZone } from "./words";

const STALLED_MS = 2_000;
const SHOW_STALL_MS = 20_000;
const SLEPT_MS = 3_000;
const DRAW_EVERY_MS = 100;
const QUIET_MS = 2 * 60_000;

const clock = new ServerClock(performance.now(), Date.now());
let board: Board | null = null;
let heardAt = performance.now();
let lag: Heartbeat["lag_ms"] = {};
let delays: number[] = [];
/** What was folded and is not drawn yet. */
let pending: "gathering" | "drawing" | null = null;
let gathering: ReturnType<typeof setTimeout> | undefined;
let drawn = 0;
let spoken: Board["raised"][number] | undefined;

/** The server's clock as this screen reckons it, ms; stepped four times a second. */
export const now = signal(clock.now(performance.now()));
export const me = signal<Me | null>(null);
export const loaded = signal(false);
/** Sessions on the board, by room. */
export const ids = signal<readonly string[]>([]);
export const health = signal<Health>({ lostSince: null, behind: null });
export const feedLost = computed(() => health.value.lostSince !== null);
/** While the server is behind: when the last value of any monitor was measured. */
export const silentSince = signal<number | null>(null);
/** The high alarms that were raised last, in words; `n` tells two of the same words apart. */
export const announced = signal<{ n: number; text: string } | null>(null);
/** The tone of a lost feed is silent until then, monotonic ms; 0: it is not. */
export const quietUntil = signal(0);
export const over = signal<Board["over"]>(null);
export const tries = signal(0);
/** Reading at the monitor → this screen, ms; the worst of the last second. */
export const delay = signal<number | null>(null);
export const skew = signal(0);
export const stalled = signal<{ ms: number; at: number } | null>(null);
export const alarmed = signal<readonly { session: BoardSession; alarm: Alarm }[]>([]);
/** What somebody has yet to answer, the most urgent first: the bars show these, and every count of alarms counts these. */
export const unanswered = computed(() => alarmed.value.filter(({ alarm }) => alarm.state !== "acknowledged").sort((a, b) => byUrgency(a.alarm, b.alarm)));
/** Where the nurse is called and nobody has answered, the longest waiting first. */
export const called = signal<readonly BoardSession[]>([]);

/** Whether the server's table of permissions lets this role send a command; the server asks again itself. */
export const may = (owner: api.Service, type: string): boolean => me.value?.may[owner].includes(type) ?? false;

/** Whether that is who is signed in here. */
export const isMe = (by: string | null): boolean => by !== null && by === `staff:${me.value?.staff_id}`;

const sessions = new Map<string, Signal<BoardSession>>();
const nobody = signal<BoardSession | null>(null);

export function sessionOf(id: string): ReadonlySignal<BoardSession | null> {
  return sessions.get(id) ?? nobody;
}

/** The server's clock at this very moment. */
export const serverNow = (): number => clock.now(performance.now());

type Listener<T> = (news: readonly T[]) => void;
type Listeners<T> = Map<string, Set<Listener<T>>>;
const readingsHeard: Listeners<VitalRecorded> = new Map();
const correctionsHeard: Listeners<string> = new Map();

function listen<T>(listeners: Listeners<T>, id: string, listener: Listener<T>): () => void {
  const set = listeners.get(id) ?? new Set();
  listeners.set(id, set.add(listener));
  return () => {
    set.delete(listener);
    if (set.size === 0 && listeners.get(id) === set) listeners.delete(id);
  };
}

/** Every reading of one session as it comes; an empty list says that some may have been missed. */
export const onReadings = (id: string, listener: Listener<VitalRecorded>): (() => void) => listen(readingsHeard, id, listener);

/** The ids of one session's readings by hand that count no more, as they are corrected. */
export const onCorrections = (id: string, listener: Listener<string>): (() => void) => listen(correctionsHeard, id, listener);

function take(frame: Frame, at: number): boolean {
  const next = fold(board, frame);
  if (!next) return false;
  board = next;
  heardAt = at;
  if (frame.type !== "resync") clock.heard(Date.parse(frame.server_time), at);
  if (frame.type === "heartbeat") lag = frame.lag_ms;
  if (frame.type === "snapshot") for (const set of readingsHeard.values()) for (const hear of set) hear([]);
  if (frame.type === "changes") {
    for (const reading of frame.readings) {
      if (!reading.backfilled) delays.push(clock.now(at) - Date.parse(reading.observed_at));
    }
    for (const [id, set] of readingsHeard) {
      const mine = frame.readings.filter((r) => r.session_id === id);
      if (mine.length > 0) for (const hear of set) hear(mine);
    }
    for (const { session_id, reading_ids } of frame.corrected) for (const hear of correctionsHeard.get(session_id) ?? []) hear(reading_ids);
  }
  drawSoon(frame.type === "snapshot" || (frame.type === "changes" && frame.alarms.length + frame.sessions.length + frame.corrected.length > 0));
  return true;
}

/** Facts are drawn with the next frame. Readings, of which many come a second, wait for each other: ten drawings a second
    are more than anybody can read. */
function drawSoon(urgent: boolean): void {
  if (pending === "drawing" || (pending === "gathering" && !urgent)) return;
  clearTimeout(gathering);
  const draw = (): void => {
    pending = "drawing";
    requestAnimationFrame(publish);
  };
  const wait = urgent ? 0 : DRAW_EVERY_MS - (performance.now() - drawn);
  if (wait <= 0) return draw();
  pending = "gathering";
  gathering = setTimeout(draw, wait);
}

function publish(): void {
  clearTimeout(gathering);
  pending = null;
  drawn = performance.now();
  if (!board) return;
  const { sessions: all, raised } = board;
  let alarmsChanged = false;
  let callsChanged = false;
  batch(() => {
    for (const [id, session] of Object.entries(all)) {
      const known = sessions.get(id);
      alarmsChanged ||= known?.peek().alarms !== session.alarms || known.peek().room !== session.room;
      callsChanged ||= known?.peek().record_position !== session.record_position;
      if (!known) sessions.set(id, signal(session));
      else if (known.peek() !== session) known.value = session;
    }
    for (const id of sessions.keys()) if (!all[id]) alarmsChanged = callsChanged = sessions.delete(id);
    const order = shown(Object.values(all));
    if (order.join() !== ids.peek().join() || !loaded.peek()) ids.value = order;
    loaded.value = true;
    if (alarmsChanged) {
      alarmed.value = Object.values(all).flatMap((session) =>
        session.alarms.filter((a) => !a.cleared_at || a.state === "latched").map((alarm) => ({ session, alarm })),
      );
    }
    if (callsChanged) {
      const waits = Object.values(all).filter(callsNurse);
      called.value = waits.sort((a, b) => Date.parse(a.help?.at ?? "") - Date.parse(b.help?.at ?? ""));
    }
    const text = highAfter(raised, spoken).map((r) => `High priority alarm. Room ${r.room}: ${asPrinted(r.text)}`).join(" ");
    if (text) announced.value = { n: (announced.peek()?.n ?? 0) + 1, text };
    spoken = raised[raised.length - 1];
    over.value = board?.over ?? null;
  });
}

const rooms = new Intl.Collator("en", { numeric: true });

/** By room; one that ended gives its place up when its room is in use again. */
function shown(all: BoardSession[]): string[] {
  const busy = new Set(all.filter((s) => s.state === "open").map((s) => s.room));
  return all
    .filter((s) => s.state === "open" || !busy.has(s.room))
    .sort((a, b) => rooms.compare(a.room, b.room) || Date.parse(a.opened_at) - Date.parse(b.opened_at))
    .map((s) => s.session_id);
}

const feed = new Feed({
  ticket: api.feedTicket,
  socket: (url, protocol) => new WebSocket(url, protocol),
  now: () => performance.now(),
  random: Math.random,
  take,
  since: () => board && { epoch: board.epoch, events: board.events, vitals: board.vitals },
  signedOut: ({ message }) => signedOut(true, message),
});

api.queue.away = () => me.peek() !== null && health.peek().lostSince !== null;
api.queue.where = ({ session_id }) => {
  const room = typeof session_id === "string" && board?.sessions[session_id]?.room;
  return room ? `Room ${room}` : "";
};

/** What the buttons without a form have sent. */
export const presses = new Presses({
  send: (command) => asked(api.command("session", command)).catch(() => null),
  now: serverNow,
  uuid: api.uuid,
  who: () => me.value?.staff_id ?? null,
});

export function hurry(): void {
  feed.hurry();
  api.queue.hurry();
}

/** Somebody has heard that this screen is lost. */
export function quietly(): void {
  quietUntil.value = performance.now() + QUIET_MS;
}

/** A screen that shows nothing live says that, whatever it heard last. */
function audibly(monotonic: number): void {
  // Beside a patient nothing sounds: the page says so, and the nurses' screens do.
  if (me.peek() === null || place.peek().at === "with") return silence();
  const { lostSince, behind } = health.peek();
  const blind = loaded.peek() && (lostSince !== null || (behind !== null && behind > BEHIND_TONE_MS));
  if (!blind || monotonic > quietUntil.peek()) quietUntil.value = 0;
  const alarms = alarmed.peek().map(({ alarm }) => alarm);
  // The corridor hears a call as those do who may go.
  const call = called.peek().length > 0 && (may("session", "AnswerHelp") || me.peek()?.role === "wall");
  const quiet = quietUntil.peek() > 0;
  sound(blind && !quiet ? "lost" : lostSince !== null ? null : heardWith(call, heard(alarms, now.peek())), monotonic);
}

let ticked = performance.now();
let wall = Date.now();
let second = 0;
/** The first tick after something live was drawn, monotonic ms. */
let liveSince = Infinity;

/** A page that showed nothing live yet was being loaded: nobody took it for the present. */
function stood(ms: number, monotonic: number): void {
  if (monotonic - ms >= liveSince) stalled.value = { ms, at: monotonic };
}

function tick(): void {
  const monotonic = performance.now();
  const date = Date.now();
  api.queue.tick();
  // The monotonic clock may stand still while the machine sleeps; what the screen shows is older than it thinks.
  if (date - wall - (monotonic - ticked) > SLEPT_MS) {
    heardAt = monotonic - FEED_LOST_MS - (date - wall);
    feed.slept();
  }
  if (monotonic - ticked > STALLED_MS) stood(monotonic - ticked, monotonic);
  liveSince = loaded.peek() ? Math.min(liveSince, monotonic) : Infinity;
  ticked = monotonic;
  wall = date;
  feed.tick();
  if (pending && document.hidden) publish();
  batch(() => {
    const time = clock.now(monotonic);
    now.value = time;
    const lostSince = monotonic - heardAt > FEED_LOST_MS ? clock.now(heardAt) : null;
    const lags = [lag.events, lag.vitals];
    const behind = lostSince === null && board ? behindOf(lags, Object.values(board.sessions), time) : null;
    const was = health.peek();
    if (was.lostSince !== lostSince || was.behind !== behind) health.value = { lostSince, behind };
    if (was.lostSince !== null && lostSince === null) api.queue.hurry();
    silentSince.value = behind === null || !board ? null : lastHeard(Object.values(board.sessions));
    tries.value = feed.attempts;
    skew.value = clock.skew(monotonic, date);
    if (stalled.peek() && monotonic - (stalled.peek()?.at ?? 0) > SHOW_STALL_MS) stalled.value = null;
    if (monotonic - second >= 1_000) {
      second = monotonic;
      delay.value = delays.length > 0 ? Math.max(...delays) : null;
      delays = [];
    }
  });
  audibly(monotonic);
}

function watch(): void {
  keepOnDisk(api.queue);
  armByTouch();
  addEventListener("beforeunload", (event) => {
    if (api.queue.entries.peek().some((entry) => entry.by === me.peek()?.staff_id && entry.state !== "lost")) event.preventDefault();
  });
  try {
    const worker = new Worker(new URL("./watch.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<{ tick?: true; stalledMs?: number }>) => {
      if (data.stalledMs) stood(data.stalledMs, performance.now());
      if (!data.tick) return;
      tick();
      worker.postMessage("here");
    };
  } catch (error) {
    console.error("No watchdog: the page ticks by itself", error);
  }
  setInterval(() => {
    if (performance.now() - ticked > 600) tick();
  }, 500);
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    hurry();
    tick();
  });
}

let watching = false;

export function signedIn(who: Me): void {
  inZone(who.timezone);
  me.value = who;
  api.actsFor(who.staff_id);
  api.queue.belongsTo(who.staff_id);
  heardAt = performance.now();
  if (!watching) watch();
  watching = true;
  feed.start();
}

/** What whoever was signed out should know, on the sign-in page. */
export const farewell = signal("");

/** `ended`: nobody asked for it, the sign-in was over. */
export function signedOut(ended: boolean, words: string): void {
  farewell.value = words;
  feed.stop();
  api.actsFor(null);
  api.queue.belongsTo(null);
  board = null;
  batch(() => {
    me.value = null;
    loaded.value = false;
    ids.value = [];
    alarmed.value = [];
    called.value = [];
    announced.value = null;
    over.value = null;
  });
  sessions.clear();
  toSignIn(ended);
}

let toSignIn = (_ended: boolean): void => {};

export function whenSignedOut(go: (ended: boolean) => void): void {
  toSignIn = go;
}

/** Runs a query; a sign-in that ended leads to the sign-in page, whatever else failed is thrown on. */
export async function asked<T>(query: Promise<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    if (error instanceof SignedOut) signedOut(true, error.message);
    throw error;
  }
}

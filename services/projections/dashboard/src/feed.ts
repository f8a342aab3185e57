/* The one socket. It keeps no timers of its own: whoever owns it calls `tick` a few times a second (the watchdog's
   worker does, which the browser does not slow down in a hidden tab), and tests call it with a clock of theirs. */
import type { Frame, Since } from "./model";

export interface FeedWorld {
  /** Asks for a single-use ticket; throws SignedOut when nobody is signed in. */
  ticket(): Promise<{ ticket: string; url: string }>;
  socket(url: string, protocol: string): WebSocket;
  /** Monotonic milliseconds. */
  now(): number;
  random(): number;
  /** Takes a frame in; false when it does not continue what came before. */
  take(frame: Frame, at: number): boolean;
  /** What the board already holds, to go on from there. */
  since(): Since | null;
  signedOut(error: SignedOut): void;
}

export class SignedOut extends Error {}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const CONNECT_WITHIN_MS = 5_000;
const SILENCE_MS = 4_000;
const ALIVE_EVERY_MS = 1_000;
const HUNG_MS = 1_000;

export class Feed {
  /** Tries since the last frame came. */
  attempts = 0;
  private socket: WebSocket | null = null;
  private phase: "stopped" | "waiting" | "connecting" | "open" = "stopped";
  private due = 0;
  private aliveSent = 0;
  private ticked = 0;
  private whole = false;
  /** Counts connections, so that what an abandoned one still says is not listened to. */
  private turn = 0;

  constructor(private readonly world: FeedWorld) {}

  start(): void {
    this.ticked = this.world.now();
    if (this.phase === "stopped") this.connect();
  }

  stop(): void {
    this.leave();
    this.phase = "stopped";
  }

  /** The network is back, or somebody looks at the screen again: do not sit out the pause. */
  hurry(): void {
    if (this.phase === "waiting") this.connect();
  }

  tick(): void {
    const now = this.world.now();
    // This page itself stood still: what came meanwhile is still unread, so the other side is not silent.
    if (this.phase === "open" && now - this.ticked > HUNG_MS) this.due += now - this.ticked;
    this.ticked = now;
    if (this.phase === "waiting" && now >= this.due) this.connect();
    else if ((this.phase === "connecting" || this.phase === "open") && now >= this.due) this.retry();
    if (this.phase === "open" && now - this.aliveSent >= ALIVE_EVERY_MS && this.socket?.readyState === 1) {
      this.aliveSent = now;
      this.socket.send('{"type":"alive"}');
    }
  }

  /** This machine slept: what the socket holds is of another time. */
  slept(): void {
    if (this.phase === "connecting" || this.phase === "open") this.retry(0);
  }

  private connect(): void {
    this.leave();
    const turn = ++this.turn;
    this.phase = "connecting";
    this.due = this.world.now() + CONNECT_WITHIN_MS;
    this.attempts += 1;
    this.world.ticket().then(
      ({ ticket, url }) => {
        if (turn === this.turn) this.open(turn, ticket, url);
      },
      (error: unknown) => {
        if (turn !== this.turn) return;
        if (error instanceof SignedOut) {
          this.stop();
          this.world.signedOut(error);
        } else this.retry();
      },
    );
  }

  private open(turn: number, ticket: string, url: string): void {
    const socket = this.world.socket(url, "kap.feed.1");
    this.socket = socket;
    socket.onopen = () => {
      if (turn !== this.turn) return;
      const since = this.whole ? null : this.world.since();
      socket.send(JSON.stringify({ type: "hello", ticket, ...(since && { since }) }));
    };
    socket.onmessage = (message: MessageEvent) => {
      if (turn === this.turn) this.heard(JSON.parse(String(message.data)) as Frame);
    };
    socket.onclose = () => {
      if (turn === this.turn) this.retry();
    };
  }

  private heard(frame: Frame): void {
    const now = this.world.now();
    if (!this.world.take(frame, now)) {
      this.whole = true;
      this.retry(0);
      return;
    }
    this.whole = false;
    this.attempts = 0;
    this.phase = "open";
    this.due = now + SILENCE_MS;
  }

  private retry(pause?: number): void {
    this.leave();
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, this.attempts - 1));
    this.phase = "waiting";
    // A refusal that repeats must not become a storm: only the first time goes without a pause.
    this.due = this.world.now() + (pause === 0 && this.attempts === 0 ? 0 : longest * (0.5 + this.world.random() / 2));
  }

  private leave(): void {
    this.turn += 1;
    const socket = this.socket;
    this.socket = null;
    if (socket && socket.readyState < 2) socket.close();
  }
}

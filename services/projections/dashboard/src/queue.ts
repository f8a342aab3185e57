/* Entries made while the network is away: kept, shown as not sent yet, sent once and in their order, never dropped.
   Which commands may wait is decided in kept.json, one by one: what was observed may (`keep`, with its fields of free
   text); what decides may not: it is sent `now` or refused, and what needs a `whole` record waits for nothing but asks
   for the kept entries to be sent first. A command's id and time are made when it is entered, so that sending it twice
   records it once, at the time when it happened. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Answer, Command, Service } from "./api";
import RULES from "./kept.json";

export interface Entry {
  /** Order of entry. */
  n: number;
  command: Command;
  service: Service;
  /** Whose it is: another sign-in does not send it. */
  by: string;
  /** "room 3": where it belongs, for who reads the list. */
  where: string;
  state: "waiting" | "refused" | "lost";
  /** Why it was refused, in the server's words; or what became of it. */
  why: string;
  /** Whether it survives a reload of this page. */
  onDisk: boolean;
}

/** Where entries outlive the page. What is written has no free text: that stays in the window's memory. */
export interface Disk {
  load(): Promise<Stored[]>;
  put(entry: Stored): Promise<void>;
  remove(id: string): Promise<void>;
}

export interface Stored {
  id: string;
  entry: Entry;
  /** Fields that were left out. */
  left: string[];
}

export interface QueueWorld {
  /** Sends one command; throws when nobody is signed in any more. */
  post(service: Service, command: Command): Promise<Answer>;
  /** Monotonic milliseconds. */
  now(): number;
}

/** That one browser keeps; beyond it an entry is refused, which its form says. */
export const MOST = 200;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
const LOST_TEXT = "Its text was kept in the memory of a window that was closed or reloaded. Enter it again.";

type Rule = { keep: readonly string[] } | { now: string } | { whole: string };

function ruleOf(service: Service, type: string): Rule {
  const rules: Record<string, Rule> = RULES[service];
  return rules[type] ?? { now: "Try again when the network is back." };
}

export class Queue {
  private readonly known = signal<readonly Entry[]>([]);
  readonly entries: ReadonlySignal<readonly Entry[]> = this.known;
  /** Says that nobody hears us, so that no form waits for an answer that cannot come. */
  away: () => boolean = () => false;
  /** Says where a command belongs. */
  where: (command: Command) => string = () => "";
  private disk: Disk | null = null;
  private user: string | null = null;
  private flushing: Promise<void> | null = null;
  private due = 0;
  private pause = FIRST_PAUSE_MS;

  constructor(private readonly world: QueueWorld) {}

  /** Whose entries are sent from now on; null: nobody's. */
  belongsTo(user: string | null): void {
    this.user = user;
    this.hurry();
  }

  /** This window may keep entries on the disk: what lies there joins what was entered meanwhile. */
  async opened(disk: Disk): Promise<void> {
    const found = await disk.load();
    this.disk = disk;
    const ids = new Set(this.known.peek().map(({ command }) => command.id));
    const before = found.filter(({ id }) => !ids.has(id)).map(({ entry, left }): Entry => (left.length > 0 && entry.state === "waiting" ? { ...entry, state: "lost", why: LOST_TEXT } : entry));
    const first = Math.max(0, ...before.map(({ n }) => n)) + 1;
    const since = this.known.peek().map((entry, i): Entry => ({ ...entry, n: first + i }));
    this.known.value = [...before.sort((a, b) => a.n - b.n), ...since];
    for (const entry of this.known.peek()) if (!entry.onDisk) await this.write(entry);
    this.hurry();
  }

  /** The one way of every command. */
  async send(service: Service, command: Command): Promise<Answer> {
    const rule = ruleOf(service, command.type);
    if ("whole" in rule && this.waiting(service).length > 0) {
      await this.flush();
      const left = this.waiting(service).length;
      if (left > 0) return { kind: "refused", text: `${count(left)} not sent yet and must be recorded before this. ${rule.whole}` };
    }
    if ("keep" in rule && (this.away() || this.waiting(service).length > 0)) {
      const answer = await this.keep(service, command);
      void this.flush();
      return answer;
    }
    let answer: Answer;
    try {
      answer = await this.world.post(service, command);
    } catch (error) {
      if ("keep" in rule) await this.keep(service, command);
      throw error;
    }
    if (answer.kind !== "unknown") return answer;
    if (!("keep" in rule)) return { kind: "unknown", text: `${answer.text} ${"now" in rule ? rule.now : rule.whole}` };
    return this.keep(service, command);
  }

  /** Called a few times a second. */
  tick(): void {
    if (this.world.now() >= this.due && this.waiting().length > 0) void this.flush();
  }

  /** The network seems to be back. */
  hurry(): void {
    this.due = 0;
    this.pause = FIRST_PAUSE_MS;
  }

  /** Sends what waits, each owner's entries in their order; those after one without an answer go on waiting. */
  flush(): Promise<void> {
    this.flushing ??= this.empty().finally(() => {
      this.flushing = null;
    });
    return this.flushing;
  }

  /** Somebody has read what became of it. One that waits cannot be dismissed. */
  async dismiss(id: string): Promise<void> {
    const entry = this.known.peek().find(({ command }) => command.id === id);
    if (entry && entry.state !== "waiting") await this.drop(id);
  }

  private waiting(service?: Service): Entry[] {
    return this.known.peek().filter((e) => e.state === "waiting" && e.by === this.user && (!service || e.service === service));
  }

  private async keep(service: Service, command: Command): Promise<Answer> {
    if (!this.user) return { kind: "unknown", text: "Nobody is signed in: this is not kept." };
    const known = this.known.peek();
    if (known.some((entry) => entry.command.id === command.id)) return { kind: "kept" };
    if (known.length >= MOST) return { kind: "refused", text: `${MOST} entries wait on this device: no more can be kept. Write it down on paper.` };
    const n = Math.max(0, ...known.map((entry) => entry.n)) + 1;
    const entry: Entry = { n, command, service, by: this.user, where: this.where(command), state: "waiting", why: "", onDisk: false };
    this.known.value = [...known, entry];
    this.due = this.world.now() + this.pause;
    await this.write(entry);
    return { kind: "kept" };
  }

  private async empty(): Promise<void> {
    const stuck = new Set<Service>();
    for (let next = this.next(stuck); next; next = this.next(stuck)) {
      const { service, command } = next;
      const user = this.user;
      let answer: Answer;
      try {
        answer = await this.world.post(service, command);
      } catch {
        return; // signed out: it waits for the next sign-in of whose it is
      }
      if (user !== this.user) return;
      if (answer.kind === "recorded") await this.drop(command.id);
      else if (answer.kind === "refused" || answer.kind === "invalid") {
        const why = answer.kind === "refused" ? answer.text : answer.fields.map(({ message }) => message).join(" ");
        await this.change(command.id, { state: "refused", why });
      } else stuck.add(service);
    }
    this.pause = stuck.size > 0 ? Math.min(LONGEST_PAUSE_MS, this.pause * 2) : FIRST_PAUSE_MS;
    this.due = this.world.now() + this.pause;
  }

  private next(stuck: ReadonlySet<Service>): Entry | undefined {
    return this.waiting().find(({ service }) => !stuck.has(service));
  }

  private async change(id: string, change: Partial<Entry>): Promise<void> {
    this.known.value = this.known.peek().map((entry) => (entry.command.id === id ? { ...entry, ...change } : entry));
    const entry = this.known.peek().find(({ command }) => command.id === id);
    if (entry) await this.write(entry);
  }

  private async drop(id: string): Promise<void> {
    this.known.value = this.known.peek().filter(({ command }) => command.id !== id);
    await this.disk?.remove(id).catch((error: unknown) => console.warn("A sent entry could not be taken off the disk; sending it again is harmless", error));
  }

  private async write(entry: Entry): Promise<void> {
    if (!this.disk) return;
    const rule = ruleOf(entry.service, entry.command.type);
    const texts = "keep" in rule ? rule.keep : [];
    const left = texts.filter((field) => entry.command[field] !== undefined && entry.command[field] !== null);
    const command = Object.fromEntries(Object.entries(entry.command).filter(([field]) => !left.includes(field))) as Command;
    const onDisk = left.length === 0;
    try {
      await this.disk.put({ id: command.id, entry: { ...entry, command, onDisk: true }, left });
    } catch (error) {
      console.warn("An entry is kept in this window alone", error);
      return;
    }
    this.known.value = this.known.peek().map((e) => (e.command.id === command.id ? { ...e, onDisk } : e));
  }
}

const count = (n: number): string => (n === 1 ? "1 entry is" : `${n} entries are`);

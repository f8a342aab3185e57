/* A command at the press of one button, without a form. While nobody knows whether it is recorded, the next press sends
   the same command, so that it is recorded once. Not for long: the server answers a command that it knows with its first
   result, and a call made anew an hour later would then call nobody. */
import { signal } from "@preact/signals";
import type { Answer, Command } from "./api";

export interface Pressed {
  command: Command;
  state: "sending" | "recorded" | "unknown" | "refused";
  /** Why it is not recorded, in words. */
  text: string;
  /** Who pressed: the next to sign in begins anew. */
  by: string;
}

export interface PressWorld {
  /** Null: nobody is signed in any more. */
  send(command: Command): Promise<Answer | null>;
  /** The server's clock, ms. */
  now(): number;
  uuid(ms: number): string;
  who(): string | null;
}

type Fields = Record<string, unknown> & { type: string };

const SAME_FOR_MS = 60_000;
/** The feed says within this time what was recorded. */
const TOLD_WITHIN_MS = 5_000;
const MOST = 100;

export class Presses {
  private readonly known = signal<Readonly<Record<string, Pressed>>>({});

  constructor(private readonly world: PressWorld) {}

  of(key: string): Pressed | null {
    const pressed = this.known.value[key];
    return pressed && pressed.by === this.world.who() ? pressed : null;
  }

  /** Sent and not yet answered; or answered, and the feed has not said so yet. */
  busy(key: string, type: string): boolean {
    const mine = this.of(key);
    if (mine?.command.type !== type) return false;
    return mine.state === "sending" || (mine.state === "recorded" && this.world.now() - Date.parse(mine.command.at) < TOLD_WITHIN_MS);
  }

  /** `key`: what the button is about; `counted`: fields that count from the moment of the press. */
  async press(key: string, fields: Fields, counted: (at: number) => Record<string, unknown> = () => ({})): Promise<void> {
    const by = this.world.who();
    const before = this.of(key);
    if (!by || before?.state === "sending") return;
    const now = this.world.now();
    const again = before?.state === "unknown" && now - Date.parse(before.command.at) < SAME_FOR_MS && Object.entries(fields).every(([name, value]) => before.command[name] === value);
    const command: Command = again ? before.command : { id: this.world.uuid(now), at: new Date(now).toISOString(), ...fields, ...counted(now) };
    const note = (state: Pressed["state"], text = ""): void => {
      const { [key]: _, ...others } = this.known.value;
      this.known.value = Object.fromEntries([...Object.entries(others), [key, { command, state, text, by }] as const].slice(-MOST));
    };
    note("sending");
    const answer = await this.world.send(command);
    if (!answer || answer.kind === "unknown") return note("unknown", answer?.text);
    if (answer.kind === "refused") return note("refused", answer.text);
    if (answer.kind === "invalid") return note("refused", answer.fields.map(({ message }) => message).join(" "));
    note("recorded");
  }
}

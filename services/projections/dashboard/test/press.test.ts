/* A press of a button: recorded once, and what is pressed anew is never taken for what was recorded before. */
import { expect, test } from "vitest";
import type { Answer, Command } from "../src/api";
import { Presses } from "../src/press";

class World {
  readonly sent: Command[] = [];
  ms = Date.UTC(2026, 10, 24, 12);
  user: string | null = "ruth";
  answer: Answer = { kind: "recorded" };
  readonly presses = new Presses({
    send: async (command) => {
      this.sent.push(command);
      return this.answer;
    },
    now: () => this.ms,
    uuid: () => `id ${this.sent.length}`,
    who: () => this.user,
  });
  call = (): Promise<void> => this.presses.press("call s1", { type: "CallHelp", session_id: "s1" });
  ids = (): string[] => this.sent.map(({ id }) => id);
}
const UNKNOWN: Answer = { kind: "unknown", text: "No answer." };

test("nobody knows whether it is recorded: the next press sends the same command", async () => {
  const world = new World();
  world.answer = UNKNOWN;
  await world.call();
  expect(world.presses.of("call s1")).toMatchObject({ state: "unknown", text: "No answer." });
  world.answer = { kind: "recorded" };
  await world.call();
  expect(world.ids()).toEqual(["id 0", "id 0"]);
  expect(world.presses.of("call s1")).toMatchObject({ state: "recorded", text: "" });
});

test("an hour later it is another call: the server would answer the old one with its first result", async () => {
  const world = new World();
  world.answer = UNKNOWN;
  await world.call();
  world.ms += 3_600_000;
  await world.call();
  expect(world.ids()).toEqual(["id 0", "id 1"]);
  expect(world.sent[1]?.at).toBe("2026-11-24T13:00:00.000Z");
});

test("another user's press is another command, and another reason too", async () => {
  const world = new World();
  world.answer = UNKNOWN;
  await world.call();
  world.user = "ida";
  expect(world.presses.of("call s1")).toBeNull();
  await world.call();
  const pause = (cause: string) => world.presses.press("a1", { type: "PauseAlarm", cause }, (at) => ({ until: at + 1 }));
  await pause("patient-moving");
  await pause("with-patient");
  await pause("with-patient");
  expect(world.ids()).toEqual(["id 0", "id 1", "id 2", "id 3", "id 3"]);
});

test("what is under way is not sent twice, and a refusal is final", async () => {
  const world = new World();
  world.answer = { kind: "refused", text: "This call was answered." };
  await Promise.all([world.call(), world.call()]);
  expect(world.ids()).toEqual(["id 0"]);
  expect(world.presses.of("call s1")?.text).toBe("This call was answered.");
  await world.call();
  expect(world.ids()).toEqual(["id 0", "id 1"]);
});

test("what is recorded is busy until the feed has had time to say so", async () => {
  const world = new World();
  await world.call();
  expect(world.presses.busy("call s1", "CallHelp")).toBe(true);
  expect(world.presses.busy("call s1", "AnswerHelp")).toBe(false);
  world.ms += 5_000;
  expect(world.presses.busy("call s1", "CallHelp")).toBe(false);
});

test("only the newest presses are kept", async () => {
  const world = new World();
  for (let n = 0; n <= 100; n += 1) await world.presses.press(`a${n}`, { type: "AcknowledgeAlarm" });
  expect(world.presses.of("a0")).toBeNull();
  expect(world.presses.of("a100")).not.toBeNull();
});

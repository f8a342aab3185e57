/* What must never happen: an entry is lost, sent twice, sent out of order, or sent by somebody else. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Answer, Command, Service } from "../src/api";
import { SignedOut } from "../src/feed";
import { type Disk, MOST, Queue, type Stored } from "../src/queue";

/** A browser's storage, in memory: what is put is a copy. */
class Memory implements Disk {
  kept = new Map<string, string>();
  load = async (): Promise<Stored[]> => [...this.kept.values()].map((text) => JSON.parse(text) as Stored);
  put = async (stored: Stored): Promise<void> => void this.kept.set(stored.id, JSON.stringify(stored));
  remove = async (id: string): Promise<void> => void this.kept.delete(id);
}

const NOTHING: Answer = { kind: "unknown", text: "The server did not answer." };
let sent: Command[];
let answers: (command: Command) => Answer | Error;
let clock: number;
let disk: Memory;
let queue: Queue;

function queueOf(user: string | null): Queue {
  const made = new Queue({
    post: async (_: Service, command) => {
      sent.push(command);
      const answer = answers(command);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    now: () => clock,
  });
  made.belongsTo(user);
  return made;
}

const entry = (id: string, type = "RecordVitals", more: Record<string, unknown> = {}): Command => ({ type, id, at: "2026-11-24T12:00:00Z", session_id: "s1", ...more });
const ids = (): string[] => sent.map(({ id }) => id);
const waiting = (q = queue): string[] => q.entries.value.filter(({ state }) => state === "waiting").map(({ command }) => command.id);

beforeEach(async () => {
  [sent, clock, disk] = [[], 0, new Memory()];
  answers = () => ({ kind: "recorded" });
  queue = queueOf("ruth");
  await queue.opened(disk);
});

describe("an entry made while the network is away", () => {
  beforeEach(() => {
    answers = () => NOTHING;
  });

  test("is kept as it was entered, and sent once, in order, when the network is back", async () => {
    expect(await queue.send("session", entry("a"))).toEqual({ kind: "kept" });
    expect(await queue.send("session", entry("b"))).toEqual({ kind: "kept" });
    expect(waiting()).toEqual(["a", "b"]);
    await queue.flush();
    answers = () => ({ kind: "recorded" });
    sent = [];
    await queue.flush();
    await queue.flush();
    expect(sent).toEqual([entry("a"), entry("b")]);
    expect(queue.entries.value).toEqual([]);
    expect(disk.kept.size).toBe(0);
  });

  test("survives a reload", async () => {
    await queue.send("session", entry("a", "RecordVitals", { signals: { systolic: 142 } }));
    await queue.send("session", entry("b"));
    const again = queueOf("ruth");
    await again.opened(disk);
    expect(waiting(again)).toEqual(["a", "b"]);
    answers = () => ({ kind: "recorded" });
    sent = [];
    await again.flush();
    expect(sent).toEqual([entry("a", "RecordVitals", { signals: { systolic: 142 } }), entry("b")]);
  });

  test("is sent by nobody but who made it", async () => {
    await queue.send("session", entry("a"));
    answers = () => ({ kind: "recorded" });
    sent = [];
    queue.belongsTo("lind");
    await queue.flush();
    await queue.send("session", entry("b"));
    expect(ids()).toEqual(["b"]);
    queue.belongsTo("ruth");
    await queue.flush();
    expect(ids()).toEqual(["b", "a"]);
  });

  test("that is refused later stays with the server's words until it was read", async () => {
    await queue.send("session", entry("a"));
    await queue.send("session", entry("b"));
    await queue.flush();
    answers = ({ id }) => (id === "a" ? { kind: "refused", text: "This session has ended." } : { kind: "recorded" });
    await queue.flush();
    expect(queue.entries.value).toMatchObject([{ state: "refused", why: "This session has ended.", command: { id: "a" } }]);
    const again = queueOf("ruth");
    await again.opened(disk);
    expect(again.entries.value).toMatchObject([{ state: "refused", why: "This session has ended." }]);
    await again.dismiss("a");
    expect(again.entries.value).toEqual([]);
    expect(disk.kept.size).toBe(0);
  });

  test("that waits cannot be dismissed", async () => {
    await queue.send("session", entry("a"));
    await queue.dismiss("a");
    expect(waiting()).toEqual(["a"]);
  });

  test("is tried again with longer pauses, and at once when the network says that it is back", async () => {
    await queue.send("session", entry("a"));
    const tries: number[] = [];
    for (sent = []; clock < 60_000; clock += 250) {
      const before = sent.length;
      queue.tick();
      await new Promise((done) => setTimeout(done));
      if (sent.length > before) tries.push(clock);
    }
    expect(tries).toEqual([1_000, 3_000, 7_000, 15_000, 30_000, 45_000]);
    queue.hurry();
    queue.tick();
    expect(sent).toHaveLength(7);
  });

  test("holds up only those for the same service", async () => {
    await queue.send("session", entry("a"));
    await queue.send("integration", entry("b", "RecordMeasure"));
    answers = ({ id }) => (id === "a" ? NOTHING : { kind: "recorded" });
    await queue.flush();
    expect(waiting()).toEqual(["a"]);
  });

  test("is kept at once while this screen hears nothing, so that no form waits, and is tried all the same", async () => {
    let answered = (_: Answer): void => {};
    const slow = new Promise<Answer>((resolve) => {
      answered = resolve;
    });
    const other = new Queue({ post: () => slow, now: () => clock });
    other.belongsTo("ruth");
    other.away = () => true;
    expect(await other.send("session", entry("a"))).toEqual({ kind: "kept" });
    answered({ kind: "recorded" });
    await other.flush();
    expect(other.entries.value).toEqual([]);
  });

  test("is kept when the sign-in ended, and its form hears of it", async () => {
    answers = () => new SignedOut();
    await expect(queue.send("session", entry("a"))).rejects.toThrow(SignedOut);
    expect(waiting()).toEqual(["a"]);
  });

  test("is refused when there is no room for it", async () => {
    for (let i = 0; i < MOST; i += 1) await queue.send("session", entry(`e${i}`));
    expect(await queue.send("session", entry("one more"))).toMatchObject({ kind: "refused", text: expect.stringContaining("on paper") as string });
    expect(queue.entries.value).toHaveLength(MOST);
  });
});

describe("free text", () => {
  const note = entry("a", "RecordNote", { text: "She asks for her sister." });

  beforeEach(async () => {
    answers = () => NOTHING;
    await queue.send("session", note);
  });

  test("is never on the disk, and is sent whole by the window that holds it", async () => {
    expect([...disk.kept.values()].join()).not.toContain("sister");
    expect(queue.entries.value).toMatchObject([{ onDisk: false }]);
    answers = () => ({ kind: "recorded" });
    await queue.flush();
    expect(sent[sent.length - 1]).toEqual(note);
  });

  test("that went with its window is told as lost, and nothing without it is sent", async () => {
    const again = queueOf("ruth");
    await again.opened(disk);
    expect(again.entries.value).toMatchObject([{ state: "lost", why: expect.stringContaining("Enter it again") as string }]);
    sent = [];
    answers = () => ({ kind: "recorded" });
    await again.flush();
    expect(sent).toEqual([]);
    await again.dismiss("a");
    expect(disk.kept.size).toBe(0);
  });
});

describe("what must not be sent later", () => {
  test("is not kept, and says why", async () => {
    answers = () => NOTHING;
    expect(await queue.send("session", entry("a", "GiveDose"))).toMatchObject({ kind: "unknown", text: expect.stringContaining("never sent later by itself") as string });
    expect(queue.entries.value).toEqual([]);
  });

  test("waits for no entry when an alarm is answered", async () => {
    answers = ({ type }) => (type === "RecordVitals" ? NOTHING : { kind: "recorded" });
    await queue.send("session", entry("a"));
    expect(await queue.send("session", entry("b", "AcknowledgeAlarm"))).toEqual({ kind: "recorded" });
  });

  test("is refused while the record that it rests on is not whole", async () => {
    answers = ({ type }) => (type === "RecordVitals" ? NOTHING : { kind: "recorded" });
    await queue.send("session", entry("a"));
    expect(await queue.send("session", entry("b", "GiveDose"))).toMatchObject({ kind: "refused", text: expect.stringContaining("1 entry is not sent yet") as string });
    expect(ids()).not.toContain("b");
    answers = () => ({ kind: "recorded" });
    expect(await queue.send("session", entry("b", "GiveDose"))).toEqual({ kind: "recorded" });
    expect(ids().slice(-2)).toEqual(["a", "b"]);
  });
});

test("a window that gets the disk later puts there what it kept meanwhile, after what lay there", async () => {
  answers = () => NOTHING;
  await queue.send("session", entry("a"));
  const other = queueOf("ruth");
  await other.send("session", entry("b"));
  expect(other.entries.value).toMatchObject([{ onDisk: false }]);
  await other.opened(disk);
  expect(waiting(other)).toEqual(["a", "b"]);
  expect(other.entries.value.every(({ onDisk }) => onDisk)).toBe(true);
  expect(disk.kept.size).toBe(2);
});

test("what the server answers is the answer: nothing is kept", async () => {
  for (const answer of [{ kind: "recorded" }, { kind: "refused", text: "No." }, { kind: "invalid", fields: [] }] as Answer[]) {
    answers = () => answer;
    expect(await queue.send("session", entry("a"))).toEqual(answer);
  }
  expect(queue.entries.value).toEqual([]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CatchUp } from "../src/catch-up";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function follow(answers: (asked: number) => Promise<number>) {
  const seen = { wanted: 0, held: 0, asked: 0, failed: 0 };
  const reader = new CatchUp<number>({
    read: () => answers(++seen.asked),
    whole: (position) => (seen.held = position) >= seen.wanted,
    failed: () => void (seen.failed += 1),
  });
  return { seen, reader };
}

test("a history that lags is asked until it has what is wanted, however long that takes, and then no more", async () => {
  const behind = { until: 60_000, from: Date.now() };
  const { seen, reader } = follow(async () => (Date.now() - behind.from < behind.until ? 1 : 9));
  seen.wanted = 9;
  reader.more();
  await vi.advanceTimersByTimeAsync(50_000);
  expect(seen.held).toBe(1);
  expect(seen.asked).toBeLessThan(13);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(seen.held).toBe(9);
  const asked = seen.asked;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.asked).toBe(asked);
});

test("a record that grows faster than it can be read is shown all the same", async () => {
  const { seen, reader } = follow((asked) => new Promise((done) => setTimeout(() => done(asked), 700)));
  for (let position = 1; position <= 20; position += 1) {
    seen.wanted = position;
    reader.more();
    await vi.advanceTimersByTimeAsync(300);
  }
  expect(seen.held).toBeGreaterThan(2);
});

test("what is wanted while it reads is read after", async () => {
  const { seen, reader } = follow(async (asked) => {
    await new Promise((done) => setTimeout(done, 500));
    return asked === 1 ? 1 : 2;
  });
  seen.wanted = 1;
  reader.more();
  await vi.advanceTimersByTimeAsync(200);
  seen.wanted = 2;
  reader.more();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(seen).toMatchObject({ held: 2, asked: 2 });
});

test("a failure is said and tried again; stopped, nothing is asked", async () => {
  const { seen, reader } = follow(async (asked) => {
    if (asked === 1) throw new Error("away");
    return 5;
  });
  seen.wanted = 5;
  reader.more();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(seen).toMatchObject({ failed: 1, held: 0 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen.held).toBe(5);
  reader.more();
  reader.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(seen.asked).toBe(2);
});

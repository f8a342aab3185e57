/* Full names: shown to who asks, and hidden again by themselves. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { named, nameThem } from "../src/ui/names";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a name is hidden half a minute after somebody asked for it, and asking again begins anew", () => {
  nameThem(true);
  vi.advanceTimersByTime(29_000);
  nameThem(true);
  vi.advanceTimersByTime(29_000);
  expect(named.value).toBe(true);
  vi.advanceTimersByTime(1_000);
  expect(named.value).toBe(false);
});

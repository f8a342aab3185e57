/* A computed view that keeps its identity while it is equal to the one before, so that nobody draws it again. */
import { computed, type ReadonlySignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [ka, kb] = [Object.keys(a), Object.keys(b)];
  return ka.length === kb.length && ka.every((key) => same(a[key as never], b[key as never]));
}

export function stable<T>(make: () => T): ReadonlySignal<T> {
  let last: T | undefined;
  return computed(() => {
    const next = make();
    if (last === undefined || !same(last, next)) last = next;
    return last as T;
  });
}

/** `stable` in a component; `inputs` are what `make` closes over that is not a signal. */
export function useStable<T>(make: () => T, inputs: readonly unknown[]): T {
  return useMemo(() => stable(make), inputs).value;
}

/** In the order that they had when each was seen first: nothing moves under the finger. */
export function useFirstOrder<T>(items: readonly T[], key: (item: T) => string, place: (item: T) => number): T[] {
  const places = useRef(new Map<string, number>());
  for (const item of items) if (!places.current.has(key(item))) places.current.set(key(item), place(item));
  const placed = (item: T): number => places.current.get(key(item)) ?? 0;
  return [...items].sort((a, b) => placed(a) - placed(b) || key(a).localeCompare(key(b), "en", { numeric: true }));
}

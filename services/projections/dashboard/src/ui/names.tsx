/* Full names are shown for a moment, to who asks, and to nobody who comes after. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "./icon";

const SHOWN_MS = 30_000;
export const named = signal(false);
let hiding: ReturnType<typeof setTimeout> | undefined;

export function nameThem(show: boolean): void {
  clearTimeout(hiding);
  named.value = show;
  if (show) hiding = setTimeout(() => nameThem(false), SHOWN_MS);
}

/** Hidden again by itself, and when the page is left. */
export function useNames(): [boolean, () => void] {
  useEffect(() => () => nameThem(false), []);
  return [named.value, () => nameThem(!named.value)];
}

export function NamesSwitch({ look }: { look: string }) {
  const [shown, turn] = useNames();
  return (
    <button type="button" class={look} aria-pressed={shown} onClick={turn}>
      <Icon name="person" />
      {shown ? "Hide names" : "Show names"}
    </button>
  );
}

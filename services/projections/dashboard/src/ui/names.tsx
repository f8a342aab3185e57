/* Full names are shown for a moment, to who asks, and to nobody who comes after. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "./icon";

const SHOWN_MS = 30_000;
export const named = signal(false);
let hiding: ReturnType<typeof setTimeout> | undefined;

function nameThem(show: boolean): void {
  clearTimeout(hiding);
  named.value = show;
  if (show) hiding = setTimeout(() => nameThem(false), SHOWN_MS);
}

export function NamesSwitch({ look }: { look: string }) {
  useEffect(() => () => nameThem(false), []);
  return (
    <button type="button" class={look} aria-pressed={named.value} onClick={() => nameThem(!named.value)}>
      <Icon name="person" />
      {named.value ? "Hide names" : "Show names"}
    </button>
  );
}

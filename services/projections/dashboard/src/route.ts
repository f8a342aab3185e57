/* Where in the page we are, and how one gets elsewhere without loading it anew. */
import { computed, signal } from "@preact/signals";
import { placeOf } from "./places";

export type { PlaceName } from "./places";

const path = signal(location.pathname);

export const place = computed(() => placeOf(path.value));

let here = location.href;

function arrive(): void {
  here = location.href;
  path.value = location.pathname;
}

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  arrive();
  scrollTo(0, 0);
}

type Ask = (leave: () => void) => void;
let asks: Ask | null = null;

/** Until it is let go, whoever would leave this place by Back or a link is asked first; `leave` does it all the same. */
export function hold(ask: Ask): () => void {
  asks = ask;
  return () => {
    if (asks === ask) asks = null;
  };
}

function letGo(leave: () => void): void {
  asks = null;
  leave();
}

/** Ordinary links stay ordinary; a plain click on one of ours changes the place without loading the page anew. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    if (!asks) return arrive();
    // Back has left already: the place is entered again, as it was.
    history.pushState(null, "", here);
    asks(() => letGo(() => history.back()));
  });
  document.addEventListener("click", (click) => {
    if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    const link = click.target instanceof Element ? click.target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.target || link.pathname.startsWith("/api/")) return;
    click.preventDefault();
    if (link.pathname === location.pathname) return;
    if (asks) asks(() => letGo(() => go(link.pathname)));
    else go(link.pathname);
  });
}

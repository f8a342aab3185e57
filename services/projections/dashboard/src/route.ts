/* Where in the page we are, and how one gets elsewhere without loading it anew. */
import { computed, signal } from "@preact/signals";
import { placeOf } from "./places";

export type { PlaceName } from "./places";

const path = signal(location.pathname);

export const place = computed(() => placeOf(path.value));

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  path.value = location.pathname;
  scrollTo(0, 0);
}

/** Ordinary links stay ordinary; a plain click on one of ours changes the place without loading the page anew. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    path.value = location.pathname;
  });
  document.addEventListener("click", (click) => {
    if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    const link = click.target instanceof Element ? click.target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.target || link.pathname.startsWith("/api/")) return;
    click.preventDefault();
    if (link.pathname !== location.pathname) go(link.pathname);
  });
}

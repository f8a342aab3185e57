/* A dialog under the top bar: it takes the focus, keeps it, and gives it back. Escape asks to close. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const STOPS = "input:enabled, textarea:enabled, select:enabled, a[href], button:enabled, [tabindex='0']";

/** The radio buttons of a question are one stop. */
const groupOf = (stop: Element | null | undefined): unknown => (stop instanceof HTMLInputElement && stop.type === "radio" ? stop.name : stop);
const within = (stops: readonly HTMLElement[], stop: HTMLElement | undefined): HTMLElement | undefined =>
  stops.find((one) => one instanceof HTMLInputElement && one.checked && groupOf(one) === groupOf(stop)) ?? stop;

interface Props {
  /** The id of the heading that names it. */
  labelled: string;
  wide?: boolean;
  escape(): void;
  children: ComponentChildren;
}

export function Dialog({ labelled, wide, escape, children }: Props) {
  const self = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const first = self.current?.querySelector<HTMLElement>("input:enabled, textarea:enabled, select:enabled") ?? self.current?.querySelector<HTMLElement>("button");
    first?.focus({ preventScroll: true });
    return () => {
      // It was in sight when the dialog was opened: scrolled to, it would push open alarms out of their column.
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape") escape();
    if (event.key !== "Tab" || !self.current) return;
    const stops = [...self.current.querySelectorAll<HTMLElement>(STOPS)].filter((stop) => stop.getClientRects().length > 0);
    const [edge, other] = event.shiftKey ? [stops[0], stops[stops.length - 1]] : [stops[stops.length - 1], stops[0]];
    if (groupOf(document.activeElement) !== groupOf(edge) && self.current.contains(document.activeElement)) return;
    event.preventDefault();
    within(stops, other)?.focus();
  };
  return (
    <div class="veil">
      <section class={wide ? "dialog" : "dialog narrow"} role="dialog" aria-modal="true" aria-labelledby={labelled} ref={self} onKeyDown={keys}>
        {children}
      </section>
    </div>
  );
}

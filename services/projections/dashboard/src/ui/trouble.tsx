/* Why something did not come about, in words, in the place where it was asked for. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon";

export const Trouble = ({ icon = "alert", children }: { icon?: IconName; children: ComponentChildren }) => (
  <p class="refusal" role="status">
    <Icon name={icon} />
    <span>{children}</span>
  </p>
);

interface NotReadOf {
  what: string;
  why: string;
  /** What was read before is still shown. */
  old?: boolean;
  look: "unread" | "history-failed";
  again(): void;
}

/** A history fails apart from the live values, and may be asked for again. */
export const NotRead = ({ what, why, old = false, look, again }: NotReadOf) => (
  <p class={`refusal ${look}`} role="status">
    <Icon name="gap" />
    <span>
      {what} could not be read: {why} {old && "What is shown may be old. "}The live values are not affected.
    </span>
    <button type="button" class="btn" onClick={again}>
      Try again
    </button>
  </p>
);

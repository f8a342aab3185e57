/* Night unless somebody chose day; the choice is remembered on this machine. */
import { effect, signal } from "@preact/signals";

export type Theme = "night" | "day";
const KEY = "kap-theme";

function remembered(): Theme {
  try {
    return localStorage.getItem(KEY) === "day" ? "day" : "night";
  } catch {
    return "night"; // storage is blocked: nothing to remember
  }
}

export const theme = signal<Theme>(remembered());

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    console.info("The theme is not remembered: this browser blocks storage.");
  }
});

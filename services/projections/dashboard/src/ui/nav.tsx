/* The way between the views: at the top, on a phone at the foot of the screen. A wall goes nowhere. */
import { place, type PlaceName } from "../route";
import { useStable } from "../stable";
import { me, unanswered } from "../store";
import { Icon, type IconName } from "./icon";

const VIEWS: readonly { at: PlaceName; path: string; name: string; icon: IconName; within?: readonly PlaceName[] }[] = [
  { at: "board", path: "/", name: "Board", icon: "board", within: ["session", "with", "summary", "rems"] },
  { at: "today", path: "/today", name: "Today", icon: "day" },
  { at: "patients", path: "/patients", name: "Patients", icon: "person", within: ["register", "patient", "course", "assess"] },
  { at: "alarms", path: "/alarms", name: "Alarms", icon: "alert" },
  { at: "devices", path: "/devices", name: "Monitors", icon: "monitor" },
];

export function Nav() {
  const at = place.value.at;
  const count = useStable(() => unanswered.value.length, []);
  if (me.value?.role === "wall") return null;
  return (
    <nav aria-label="Views">
      {VIEWS.map(({ at: view, path, name, icon, within }) => (
        <a key={view} href={path} aria-current={at === view ? "page" : within?.includes(at) ? "true" : undefined}>
          <Icon name={icon} />
          {name}
          {view === "alarms" && count > 0 && (
            <span class="count">
              {count}
              <span class="sr"> not acknowledged</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

/* Whether this screen can be heard: in the bar of every page, and impossible to dismiss while it cannot. */
import { standing } from "../alarms";
import { arm, audible, test, tested } from "../sound";
import { useStable } from "../stable";
import { alarmed, now } from "../store";
import { clockTime, duration } from "../words";
import { Icon } from "./icon";

export function SoundTool() {
  const paused = useStable(() => {
    const all = alarmed.value.filter(({ alarm }) => standing(alarm, now.value) === "paused");
    const ends = all.map(({ alarm }) => Date.parse(alarm.paused_until ?? ""));
    const rooms = [...new Set(all.map(({ session }) => session.room))].sort();
    return all.length === 0 ? null : { left: duration((Math.min(...ends) - now.value) / 1000), rooms: rooms.length > 3 ? `${rooms.length} rooms` : `room ${rooms.join(", ")} only` };
  }, []);
  if (!audible.value) {
    return (
      <button type="button" class="tool" data-sound="off" onClick={() => void arm()}>
        <Icon name="mute" />
        <span>
          SOUND OFF
          <small>touch to arm</small>
        </span>
      </button>
    );
  }
  return (
    <button type="button" class="tool" data-sound="on" title="Play the high alarm once" onClick={test}>
      <Icon name={paused ? "pause" : "sound"} />
      <span>
        {paused ? (
          <>
            Paused <span class="left">{paused.left}</span>
          </>
        ) : (
          "Sound on"
        )}
        <small>{paused ? paused.rooms : tested.value === null ? "touch to test" : `test ${clockTime(tested.value)}`}</small>
      </span>
    </button>
  );
}

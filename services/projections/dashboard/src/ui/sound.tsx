/* Whether this screen can be heard: in the bar of every page, and impossible to dismiss while it cannot. */
import { silenced } from "../alarms";
import { arm, audible, test, tested } from "../sound";
import { useStable } from "../stable";
import { alarmed, now } from "../store";
import { clockTime, duration } from "../words";
import { Icon } from "./icon";

export function SoundTool() {
  const paused = useStable(() => {
    const found = silenced(alarmed.value, now.value);
    return found && { words: found.words, left: duration(found.seconds) };
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
      <Icon name="sound" />
      <span>
        {paused ? (
          <>
            {paused.words} <span class="left">{paused.left}</span>
          </>
        ) : (
          "Sound on"
        )}
        <small>{paused ? "all other alarms sound" : tested.value === null ? "touch to test" : `test ${clockTime(tested.value)}`}</small>
      </span>
    </button>
  );
}

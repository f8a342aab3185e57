/* The screen in the corridor: every room, large, nobody's name, nothing to press; it never sleeps. */
import { useEffect, useState } from "preact/hooks";
import { useStable } from "../stable";
import { ids, loaded, me } from "../store";
import { grid } from "../grid";
import { Loading } from "./board";
import { Card } from "./card";
import { Nothing } from "./page";
import { Shell } from "./shell";

/** Asks the browser to keep the screen on, and asks anew whenever it took that back. */
function useAwake(): boolean {
  const [awake, setAwake] = useState(false);
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let stopped = false;
    const ask = async (): Promise<void> => {
      if (document.hidden || (lock && !lock.released)) return;
      try {
        lock = await navigator.wakeLock.request("screen");
      } catch (error) {
        console.info("This screen may go to sleep:", error);
        return setAwake(false);
      }
      if (stopped) return void lock.release();
      lock.onrelease = () => setAwake(false);
      setAwake(true);
    };
    const look = (): void => void ask();
    // Without https there is no wake lock: the foot says so, the machine's own settings have to do it.
    if (!("wakeLock" in navigator)) return;
    look();
    document.addEventListener("visibilitychange", look);
    const again = setInterval(look, 30_000);
    return () => {
      stopped = true;
      document.removeEventListener("visibilitychange", look);
      clearInterval(again);
      void lock?.release();
    };
  }, []);
  return awake;
}

export function WallPage() {
  const rooms = useStable(() => [...ids.value], []);
  const awake = useAwake();
  const [columns, rows] = grid(rooms.length);
  const foot = (
    <>
      <span>
        Read only · {awake ? "stays awake" : "may go to sleep: set this machine to stay on"}
        {me.value && ` · signed in as ${me.value.name}`}
      </span>
      <span class="grow" />
    </>
  );
  return (
    <Shell className={rooms.length > 8 ? "many" : "wall"} foot={foot}>
      <main class={rooms.length > 0 ? "board" : "board empty-board"} style={{ "--cols": columns, "--rows": rows }}>
        <h1 class="sr">Wall</h1>
        {rooms.map((id) => (
          <Card key={id} id={id} names="none" />
        ))}
        {rooms.length === 0 && (loaded.value ? <Nothing icon="door" title="No rooms in use" /> : <Loading />)}
      </main>
    </Shell>
  );
}

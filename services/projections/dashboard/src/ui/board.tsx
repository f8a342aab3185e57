/* All rooms at a glance: stable places by default, the most urgent first on request. */
import { signal } from "@preact/signals";
import { mostUrgentFirst } from "../alarms";
import { grid } from "../grid";
import { useStable } from "../stable";
import { feedLost, ids, loaded, now, sessionOf } from "../store";
import { Card } from "./card";
import { Icon } from "./icon";
import { named, NamesSwitch } from "./names";
import { Shell } from "./shell";

const urgentFirst = signal(false);

export function BoardPage() {
  const order = useStable(() => {
    if (!urgentFirst.value) return [...ids.value];
    const sessions = ids.value.flatMap((id) => sessionOf(id).value ?? []);
    return mostUrgentFirst(sessions, now.value).map(({ session_id }) => session_id);
  }, []);
  const [columns, rows] = grid(order.length);
  const foot = (
    <>
      <span class="seg" role="group" aria-label="Order of the rooms">
        {[false, true].map((urgent) => (
          <button
            key={String(urgent)}
            type="button"
            aria-pressed={urgentFirst.value === urgent}
            onClick={() => {
              urgentFirst.value = urgent;
            }}
          >
            {urgent ? "Most urgent first" : "By room"}
          </button>
        ))}
      </span>
      <NamesSwitch look="names-switch" />
      <span class="hide-s">
        {order.length === 1 ? "1 room" : `${order.length} rooms`} · trends show the last 15 min
      </span>
      <span class="grow" />
    </>
  );
  return (
    <Shell foot={foot} className={order.length > 8 ? "many" : ""}>
      {order.length > 0 ? (
        <main class="board" style={{ "--cols": columns, "--rows": rows }}>
          <h1 class="sr">Board</h1>
          {order.map((id) => (
            <Card key={id} id={id} names={named.value ? "full" : "label"} />
          ))}
        </main>
      ) : (
        <main class="board empty-board">
          <h1 class="sr">Board</h1>
          {loaded.value ? <NoRooms /> : <Loading />}
        </main>
      )}
    </Shell>
  );
}

function NoRooms() {
  return (
    <div class="empty">
      <Icon name="door" />
      <p>
        <b>No rooms in use</b>
        <br />A session appears here as soon as it is opened.
      </p>
      <a class="btn" href="/today">
        Who is expected today
      </a>
    </div>
  );
}

/** Bones for at most a second, then words. */
export function Loading() {
  const since = useStable(() => {
    const started = performance.now();
    return { started };
  }, []);
  const waited = useStable(() => (now.value ? Math.floor((performance.now() - since.started) / 1000) : 0), [since]);
  const lost = feedLost.value;
  if (waited < 1) {
    return (
      <div class="bones" aria-busy="true">
        <div />
        <div />
        <div />
      </div>
    );
  }
  return (
    <div class="empty">
      <Icon name={lost ? "gap" : "clock"} />
      <p role="status">
        <b>Waiting for the server</b>
        <br />
        <span aria-hidden="true">{waited} s. </span>Nothing has come yet.
      </p>
    </div>
  );
}

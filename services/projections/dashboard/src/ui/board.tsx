/* All rooms at a glance: stable places by default, the most urgent first on request. */
import { signal } from "@preact/signals";
import { urgency } from "../alarms";
import { useStable } from "../stable";
import { health, ids, loaded, now, sessionOf } from "../store";
import { Card } from "./card";
import { Icon } from "./icon";
import { Shell } from "./shell";

/** Rooms → columns and rows on one screen. */
const GRIDS = [
  [1, 1, 1],
  [2, 2, 1],
  [3, 3, 1],
  [4, 2, 2],
  [6, 3, 2],
  [8, 4, 2],
  [12, 4, 3],
  [15, 5, 3],
  [20, 5, 4],
  [24, 6, 4],
] as const;

const urgentFirst = signal(false);

export function BoardPage() {
  const order = useStable(() => {
    if (!urgentFirst.value) return [...ids.value];
    const rank = (id: string): number => {
      const session = sessionOf(id).value;
      return session ? urgency(session) : 9;
    };
    return [...ids.value].sort((a, b) => rank(a) - rank(b));
  }, []);
  const [, columns, rows] = GRIDS.find(([most]) => order.length <= most) ?? [0, 6, Math.ceil(order.length / 6)];
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
            <Card key={id} id={id} />
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
  const lost = useStable(() => health.value.lostSince !== null, []);
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

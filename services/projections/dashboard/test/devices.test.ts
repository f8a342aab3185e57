/* A monitor's last values in words, whoever it is attached to. */
import { describe, expect, it } from "vitest";
import { placeOfAll } from "../src/freshness";
import type { Device } from "../src/model";
import { deviceTold } from "../src/views";
import { inZone } from "../src/words";
import { NOON } from "./making";

describe("a monitor", () => {
  const last = (value: number, seconds = 0) => ({ value, observed_at: new Date(NOON + seconds * 1000).toISOString() });
  const told = (signals: Device["signals"], seconds = 0, seen = seconds) =>
    deviceTold({ signals, last_seen: new Date(NOON + seen * 1000).toISOString() }, NOON + seconds * 1000).map(({ name, value, unit, state, when }) => `${name} ${value} ${unit}, ${state}: ${when}`);
  inZone("UTC");
  it("says its values in the board's words, the pressures of one measurement together, each with its age", () => {
    const cuff = { systolic: last(130, -240), diastolic: last(76, -240), mean_arterial: last(94, -240) };
    expect(told({ respiratory_rate: last(14), ...cuff, temperature: last(36.8), spo2: last(96.6), heart_rate: last(71) })).toEqual([
      "SpO₂ 97 %, fresh: 0 s", "HR 71 /min, fresh: 0 s", "BP 130/76 (94) mmHg, fresh: 4 min", "Resp 14 /min, fresh: 0 s", "Temp 36.8 °C, fresh: 0 s",
    ]);
    expect(told({ ...cuff, diastolic: last(70, -3600) })).toEqual(["BP 130/-- (94) mmHg, fresh: 4 min"]); // of another measurement
    expect(told({ mean_arterial: last(94) })).toEqual(["BP --/-- (94) mmHg, fresh: 0 s"]);
    expect(told({})).toEqual([]);
  });
  it("lets no value stand longer than the board does, and none of a silent monitor", () => {
    expect(told({ spo2: last(97) }, 6)).toEqual(["SpO₂ 97 %, stale: 6 s"]);
    expect(told({ spo2: last(97) }, 15)).toEqual(["SpO₂ --- %, gone: last 97 at 12:00"]); // the sensor is off, the monitor sends
    const cuff = { systolic: last(130), diastolic: last(76) };
    expect(told(cuff, 18 * 60)).toEqual(["BP 130/76 mmHg, stale: 18 min"]);
    expect(told(cuff, 33 * 60)).toEqual(["BP --- mmHg, gone: last 130/76 at 12:00"]);
    expect(told(cuff, 60, 0)).toEqual(["BP --- mmHg, gone: last 130/76 at 12:00"]);
  });
  it("stands before those that cannot be attached now, and a silent one last", () => {
    const place = (session_id: string | null, secondsAgo: number, faults: Device["faults"] = []) => placeOfAll({ session_id, faults, last_seen: new Date(NOON - secondsAgo * 1000).toISOString() }, NOON);
    const fault = { kind: "unit", about: "spo2", text: "", first: "", last: "", count: 1 };
    expect([place(null, 1), place("s1", 60, [fault]), place("s2", 1), place(null, 60)]).toEqual([0, 1, 2, 3]);
  });
});

/* The discharge gate as it was decided: each point with what the record says of it, and who overrode it and why. Pure. */
import type { Aldrete } from "./events";
import { LEAVING, type Point } from "./gates";
import type { Tracks } from "./lanes";
import type { Session, TimelineItem } from "./model";
import { alarmsTold, standing } from "./record";
import { pressures } from "./vitals-told";
import { clockTime, number } from "./words";

const MIN = 60_000;

export interface PointTold {
  point: Point;
  /** What is on record; null: nothing. */
  said: string | null;
  /** null: no gate was applied. */
  met: boolean | null;
  override: { by: string | null; at: number; reason: string } | null;
}

export function gateTold(session: Session, items: readonly TimelineItem[], tracks: Tracks): PointTold[] {
  const discharged = standing(items, "Discharged")[0];
  if (!discharged) return [];
  const { data, at } = discharged;
  const doses = standing(items, "Dosed");
  const dose = doses[doses.length - 1];
  const applied = standing(items, "SessionOpened")[0]?.data.rules != null && dose !== undefined;
  const seen = (name: "moaas" | "dissociation"): string | null => {
    const last = standing(items, "ObservationRecorded").filter((o) => o.at <= at && o.data[name] !== null).pop();
    return last ? `${last.data[name]}, ${clockTime(last.at)}` : null;
  };
  const answer = (given: boolean | null): string | null => (given === null ? null : given ? "Yes" : "No");
  const pressure = pressures(tracks).filter((p) => p.at <= at).pop();
  const spo2 = tracks.spo2?.filter((s) => s.t <= at).pop();
  // As the gate saw them: what stood in the record when it was asked.
  const asked = items.find(({ type }) => type === "Discharged")?.position ?? 0;
  const open = alarmsTold(items.filter(({ position }) => position < asked)).filter(({ cleared }) => cleared === null).length;
  const signed = [...standing(items, "DischargeSigned").map(({ data: { role }, by }) => `${by ?? "?"} (${role})`), `${discharged.by ?? "?"} (discharged)`];
  const said: Record<Point, string | null> = {
    stay: dose ? `${Math.floor((at - dose.at) / MIN)} min since the last dose, ${number(session.expected.minimum_stay_min)} needed` : null,
    aldrete: aldreteTold(data.aldrete),
    awake: seen("moaas"),
    dissociation: seen("dissociation"),
    oriented: answer(data.oriented),
    gait: answer(data.steady_gait),
    nausea: answer(data.nausea_tolerable),
    blood_pressure: pressure ? `${Math.round(pressure.systolic)}/${Math.round(pressure.diastolic)} mmHg, ${clockTime(pressure.at)}` : null,
    spo2: spo2 ? `${Math.round(spo2.value)} %, ${clockTime(spo2.t)}` : null,
    suicidality: data.suicidal_ideation_new === null ? null : data.suicidal_ideation_new ? "New suicidal thoughts" : "None new",
    ride: answer(data.ride_present),
    instructions: answer(data.instructions_given),
    alarms: `${open} open at discharge`,
    signatures: signed.join(", "),
  };
  const overrides = standing(items, "GateOverridden").filter((o) => o.at <= at && (!dose || o.at >= dose.at));
  return (Object.keys(LEAVING) as Point[]).map((point) => {
    const override = overrides.filter((o) => o.data.gate === `discharge.${point}`).pop();
    return {
      point,
      said: said[point],
      met: applied ? !data.not_met.includes(point) : null,
      override: override ? { by: override.by, at: override.at, reason: override.data.reason } : null,
    };
  });
}

function aldreteTold(judged: Aldrete | null): string | null {
  if (!judged) return null;
  const parts = Object.entries(judged) as [string, number | null][];
  const said = parts.map(([part, points]) => `${part === "spo2" ? "SpO₂" : part} ${points ?? "not judged"}`).join(", ");
  if (parts.some(([, points]) => points === null)) return `no total: ${said}`;
  return `${parts.reduce((sum, [, points]) => sum + (points ?? 0), 0)} of 10 (${said})`;
}

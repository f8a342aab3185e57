/* What is due: the next check with its countdown, and what of the gates or the discharge is still open. */
import type { BoardSession } from "../../board";
import { dueOf, EARLY_MIN, lastDose, minutesSince, type Wanted, WANTS } from "../../course";
import { DAY, LEAVING, ofTheDay, overridable, recheckAt } from "../../gates";
import type { SessionDetail, TimelineItem } from "../../model";
import { may, now, sessionOf } from "../../store";
import { useStable } from "../../stable";
import { clockTime, duration } from "../../words";
import { DueCheck } from "../card";
import { Icon } from "../icon";
import type { Opened } from "./actions";
import type { Held } from "./detail";

/** How long before the end of the stay the discharge's points begin to be shown. */
const LEAVING_SOON_MIN = 15;

interface Props {
  s: BoardSession;
  detail: SessionDetail | null;
  held: Held;
  items: readonly TimelineItem[];
  open(what: Opened): void;
}

interface Row {
  key: string;
  name: string;
  note: string;
  done: boolean;
  opens: Opened | null;
}

export function DuePanel({ s, detail, held, items, open }: Props) {
  const leaves = useStable(() => {
    const minutes = minutesSince(s, now.value);
    return minutes !== null && minutes >= s.expected.minimum_stay_min - LEAVING_SOON_MIN;
  }, [s]);
  const check = useStable(() => {
    const due = dueOf(s, now.value);
    const dose = lastDose(s);
    if (!due.check || !dose) return null;
    const { minute, wants } = due.check;
    const from = Date.parse(dose.at) + (minute - EARLY_MIN) * 60_000;
    return { from, missing: due.missing, wants: WANTS.filter((what) => wants.includes(what) || due.missing.includes(what)) };
  }, [s]);
  const dosed = s.doses.length > 0;
  const own = dosed ? [...(check ? checkRows(s, detail, check) : []), ...(leaves ? leavingRows(held) : [])] : beforeRows(s, detail, held);
  const rows = [...missingRows(s), ...own];
  const todo = rows.filter(({ done }) => !done).length;
  const shown = rows.filter(({ opens }) => opens === null || may("session", NEEDS[opens.form] ?? ""));
  return (
    <section class="panel due-panel" aria-label="What is due">
      <h2>
        {dosed ? (
          <DueCheck session={sessionOf(s.session_id)} whole />
        ) : (
          <>
            Before the dose <small>{todo > 0 ? `${todo} open` : held && "all done"}</small>
          </>
        )}
      </h2>
      {!dosed && (held?.["blood_pressure"] || held?.["spo2"]) && <Recheck items={items} detail={detail} />}
      {shown.length > 0 && (
        <ul class="todo">
          {shown.map((row) => (
            <li key={row.key}>
              <button type="button" onClick={() => row.opens && open(row.opens)} disabled={!row.opens}>
                <span class={row.done ? "boxed on" : "boxed"}>{row.done && <Icon name="check" label="done" />}</span>
                <span>{row.name}</span>
                <span>{row.note}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const NEEDS: Partial<Record<Opened["form"], string>> = { responsible: "ChangeResponsible", monitor: "AttachDevice", predose: "CheckPreDose", override: "OverrideGate", dose: "GiveDose", vitals: "RecordVitals", observation: "RecordObservation", discharge: "Discharge" };

/** What every session needs from its first moment to its last. */
function missingRows(s: BoardSession): Row[] {
  return [
    ...(s.responsible === null ? [{ key: "responsible", name: "Nobody is responsible", note: "choose", done: false, opens: { form: "responsible" } as const }] : []),
    ...(s.devices.length === 0 ? [{ key: "monitor", name: "No monitor is attached", note: "attach", done: false, opens: { form: "monitor" } as const }] : []),
  ];
}

function beforeRows(s: BoardSession, detail: SessionDetail | null, held: Held): Row[] {
  const check = s.pre_dose;
  const final = detail?.rules?.gates.final ?? [];
  const first: Row = {
    key: "predose",
    name: "Pre-dose check",
    note: held?.["check"] ? (check ? "too old" : "not done") : check ? `${check.systolic}/${check.diastolic}, ${clockTime(Date.parse(check.at))}` : "",
    done: check !== null && !held?.["check"],
    opens: { form: "predose" },
  };
  if (!held) return [first];
  if (held[""]) return [first, { key: "refused", name: held[""], note: "", done: false, opens: null }];
  const open = ofTheDay(held).filter(([gate]) => gate !== "check");
  const overrides = detail?.overridden.filter(({ gate }) => gate in DAY) ?? [];
  return [
    first,
    ...open.map(([gate, why]): Row => {
      const lets = overridable(gate, final) && may("session", "OverrideGate");
      return { key: gate, name: why, note: lets ? "override" : "", done: false, opens: lets ? { form: "override", gate, why } : { form: "predose" } };
    }),
    ...overrides.map((one): Row => ({ key: `o-${one.gate}`, name: `${DAY[one.gate]}: overridden`, note: one.by_name ?? "", done: true, opens: null })),
  ];
}

interface Asked {
  /** Since when it counts for the check. */
  from: number;
  missing: readonly Wanted[];
  wants: readonly Wanted[];
}

function checkRows(s: BoardSession, detail: SessionDetail | null, { from, missing, wants }: Asked): Row[] {
  const { systolic, diastolic } = s.latest;
  const observed = (name: "moaas" | "dissociation", label: string): Row => {
    const last = detail?.observations[name];
    const at = s[`${name}_at`].map((time) => Date.parse(time));
    return { key: name, name: label, note: last ? `last ${last.value}, ${clockTime(Date.parse(last.at))}` : "not yet", done: !missing.includes(name) && at.some((time) => time >= from), opens: { form: "observation" } };
  };
  const rows: Record<Wanted, Row> = {
    bp: { key: "bp", name: "Blood pressure", note: systolic && diastolic ? `${systolic.value}/${diastolic.value}, ${clockTime(systolic.at)}` : "not yet", done: !missing.includes("bp") && (systolic?.at ?? 0) >= from, opens: { form: "vitals" } },
    moaas: observed("moaas", "MOAA/S"),
    dissociation: observed("dissociation", "Dissociation 0–10"),
  };
  return wants.map((what) => rows[what]);
}

function leavingRows(held: Held): Row[] {
  if (!held) return [];
  const all = Object.keys(LEAVING).length;
  const open = Object.keys(held).length;
  return [{ key: "leave", name: "Discharge", note: open === 0 ? "all points met" : `${open} of ${all} points open`, done: open === 0, opens: { form: "discharge" } }];
}

function Recheck({ items, detail }: Pick<Props, "items" | "detail">) {
  const at = recheckAt(items, detail?.rules ?? null);
  const seconds = useStable(() => (at === null ? null : Math.ceil((at - now.value) / 1000)), [at]);
  if (seconds === null) return null;
  return (
    <p class="recheck">
      {seconds > 0 ? (
        <>
          Measure again in <b>{duration(seconds)}</b>
        </>
      ) : (
        <b>Measure again now</b>
      )}
    </p>
  );
}

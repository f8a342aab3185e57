/* The discharge: its fourteen points, each met or not with its numbers, as the server sees them while the form is open. */
import { useState } from "preact/hooks";
import type { BoardSession } from "../../board";
import { minutesSince } from "../../course";
import { LEAVES } from "../../entry-fields";
import { beforeSigning, keeps, LEAVING, named } from "../../gates";
import type { SessionDetail } from "../../model";
import { Reader } from "../../reader";
import { me, serverNow } from "../../store";
import { clockTime, number } from "../../words";
import { Choice, Line, type Option, YesNo } from "../fields";
import { type Draft, type Form, FormDialog, useForm } from "../form";
import { Icon } from "../icon";
import { pointsOf, useRehearsal } from "../rehearsal";
import { About, Meanwhile } from "./about";
import type { OfSession } from "./of";
import { OverrideHere } from "./override";

/** Modified Aldrete score, each part 0–2: wjgnet.com, 21(12), 3671, table 2. */
const ALDRETE: readonly [string, string, readonly [string, string, string]][] = [
  ["activity", "Activity", ["4 limbs", "2 limbs", "none"]],
  ["respiration", "Breathing", ["deep, coughs", "short, limited", "apnoea"]],
  ["circulation", "BP against pre-dose", ["within ±20", "±20–50", "beyond ±50"]],
  ["consciousness", "Consciousness", ["fully awake", "to voice", "none"]],
  ["spo2", "SpO₂", [">92 % on air", "O₂ for >90 %", "<90 % with O₂"]],
];
const QUESTIONS = Object.entries(LEAVES);

export function DischargeForm({ s, detail, items, close }: OfSession) {
  const draftOf = (reader: Reader): Draft => {
    const parts = ALDRETE.map(([name, label]) => [name, reader.number(name, label)] as const).filter(([, value]) => value !== undefined);
    const answers = QUESTIONS.map(([name]) => [name, reader.yes(name)] as const).filter(([, value]) => value !== undefined);
    const escort = reader.text("escort");
    return {
      type: "Discharge",
      session_id: s.session_id,
      instructions_given: false,
      ...Object.fromEntries(answers),
      ...(parts.length > 0 && { aldrete: Object.fromEntries(parts) }),
      ...(escort && { escort }),
    };
  };
  const form = useForm({ id: "discharge", recorded: close, asks: true, make: draftOf });
  const draft = draftOf(new Reader(form.typed));
  const answer = useRehearsal(draft, s.record_position, "discharge");
  const points = pointsOf(answer);
  const held = points ? Object.keys(points).length : null;
  const noDose = s.doses.length === 0;
  const overridden = detail?.overridden.some(({ gate }) => gate.startsWith("discharge.")) ?? false;
  const blocked = keeps(points);
  return (
    <FormDialog
      form={form}
      title="Discharge"
      hint={noDose ? "No dose was given: nothing has to wear off." : held === null ? "Asking what is still open…" : held === 0 ? (overridden ? "Every point is met or overridden." : "Every point is met.") : `${held} of ${Object.keys(LEAVING).length} points are not met.`}
      about={<About s={s} />}
      notice={<Meanwhile s={s} items={items} />}
      button={form.state === "open" ? "Discharge…" : "Discharge now"}
      icon="door"
      question={
        <>
          <p>
            <strong>
              Discharge {s.name ?? s.label} from room {s.room}?
            </strong>
          </p>
          {form.typed["escort"] && <p>Goes with: {form.typed["escort"]}.</p>}
          {overridden && <p>Overridden points stay on the record as not met.</p>}
          <p>KAP stops watching this patient, and the monitor is detached.</p>
        </>
      }
      {...(blocked && { blocked })}
      wide
      close={close}
    >
      <div class="cols leave">
        {!noDose && <Points s={s} detail={detail} points={points} form={form} />}
        <div class="form">
          {QUESTIONS.map(([name, { label }]) => (
            <YesNo key={name} form={form} name={name} label={label} {...(name === "nausea_tolerable" && detail && { hint: lastNausea(detail) })} />
          ))}
          <Line form={form} name="escort" label="Goes home with" />
          {ALDRETE.map(([name, label, anchors]) => (
            <Choice key={name} form={form} name={name} label={`Aldrete: ${label}`} options={anchors.map((note, i): Option => ({ value: String(2 - i), label: String(2 - i), note }))} />
          ))}
        </div>
      </div>
    </FormDialog>
  );
}

/** Beside the question, which is asked all the same. */
function lastNausea({ observations: { nausea } }: SessionDetail): string {
  return nausea ? `Last observed: nausea ${nausea.value} of 10, at ${clockTime(Date.parse(nausea.at))}.` : "Not observed in this session.";
}

interface PointsProps {
  s: BoardSession;
  detail: SessionDetail | null;
  points: Readonly<Record<string, string>> | null;
  form: Form;
}

function Points({ s, detail, points, form }: PointsProps) {
  const overridden = new Map(detail?.overridden.map((one) => [one.gate, one]));
  return (
    <section class="proof points" aria-label="What must hold">
      <ul>
        {Object.entries(LEAVING).map(([point, name]) => {
          const by = overridden.get(`discharge.${point}`);
          const why = points?.[point];
          const state = !points ? "unknown" : why ? "open" : by ? "over" : "met";
          return (
            <li key={point} data-state={state} data-point={point}>
              <span class="state">{state === "met" ? <Icon name="check" /> : state === "over" ? <Icon name="send" /> : state === "open" ? <Icon name="alert" /> : null}</span>
              <span>
                <b>{name}</b>
                <span class="sr">{state === "met" ? ": met" : state === "open" ? ": not met" : ""}</span>
                <small>{why ?? (by ? `Overridden by ${by.by_name ?? "a prescriber"}: “${by.reason}”` : state === "met" ? numbers(point, s, detail, form) : "")}</small>
              </span>
              <OverrideHere s={s} gate={`discharge.${point}`} held={why ?? null} />
              {point === "signatures" && (
                <div class="own-line">
                  <Sign s={s} detail={detail} points={points} />
                </div>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The numbers with which a point is met. */
function numbers(point: string, s: BoardSession, detail: SessionDetail | null, form: Form): string {
  const seen = (name: "moaas" | "dissociation"): string => {
    const one = detail?.observations[name];
    return one ? `${one.value}, at ${clockTime(Date.parse(one.at))}` : "";
  };
  const { systolic, diastolic, spo2 } = s.latest;
  switch (point) {
    case "stay":
      return `${Math.floor(minutesSince(s, serverNow()) ?? 0)} min since the last dose, at least ${number(s.expected.minimum_stay_min)}`;
    case "aldrete":
      return `${ALDRETE.reduce((sum, [name]) => sum + Number(form.typed[name] ?? 0), 0)} of 10`;
    case "awake":
      return seen("moaas");
    case "dissociation":
      return seen("dissociation");
    case "blood_pressure":
      return systolic && diastolic ? `${systolic.value}/${diastolic.value} at ${clockTime(systolic.at)}` : "";
    case "spo2":
      return spo2 ? `${number(spo2.value)} % at ${clockTime(spo2.at)}` : "";
    case "signatures":
      return Object.entries(detail?.signed ?? {}).map(([role, one]) => `${one.by_name ?? role}, ${clockTime(Date.parse(one.at))}`).join(" · ");
    default:
      return "";
  }
}

/** Who does not discharge finds the patient fit to leave, on their own sign-in. */
function Sign({ s, detail, points }: Omit<PointsProps, "form">) {
  const [signed, setSigned] = useState(false);
  const [asking, setAsking] = useState(false);
  const form = useForm({ id: "sign", recorded: () => setSigned(true), make: () => ({ type: "SignDischarge", session_id: s.session_id }) });
  const role = me.value?.role;
  const mine = (role === "nurse" || role === "prescriber") && detail?.signed[role];
  const open = points && beforeSigning(points);
  const waits = !open || open.waits.length > 0;
  const sure = open !== null && (asking || open.asks.length === 0);
  const others = Object.entries(detail?.signed ?? {}).filter(([by]) => by !== role);
  return (
    <>
      {others.map(([by, one]) => (
        <small key={by}>
          Signed by {one.by_name ?? by} at {clockTime(Date.parse(one.at))}
        </small>
      ))}
      {mine || signed ? (
        <small>You signed{mine ? ` at ${clockTime(Date.parse(mine.at))}` : ""}.</small>
      ) : (
        <>
          {open && waits && <small>Your signature waits for: {named(open.waits)}.</small>}
          {open && asking && !waits && (
            <small role="status">
              What is on record keeps nobody. Who discharges answers the rest, not you: {named(open.asks)}. Sign that you find the patient fit to leave?
            </small>
          )}
          <button type="button" class="btn small" aria-disabled={waits || form.state === "sending"} onClick={() => !waits && (sure ? void form.submit() : setAsking(true))}>
            {form.state === "sending" ? "Signing…" : asking ? "Yes, sign" : "Sign: fit to leave"}
          </button>
        </>
      )}
      {form.wrong[""] && <small>{form.wrong[""]}</small>}
    </>
  );
}

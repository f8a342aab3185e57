/* Gives a dose: its numbers agree, its amount is the protocol's, a second person has checked it, and it is said once
   more in words. The same form signs a dose off, for the prescriber who does not give it. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { figure, inWords, perKg, SITES } from "../../dosing";
import type { DoseRules } from "../../events";
import { ofTheDay } from "../../gates";
import type { Dose } from "../../model";
import { Reader } from "../../reader";
import { Choice, Line, type Option } from "../fields";
import { type Draft, type Form, FormDialog, useForm } from "../form";
import { Icon } from "../icon";
import { pointsOf, useRehearsal } from "../rehearsal";
import { About, Meanwhile } from "./about";
import { drugOf } from "./detail";
import { DoseScale } from "./dose-scale";
import type { OfSession } from "./of";
import { OverrideHere } from "./override";
import { CheckCountdown, SecondCheck, useSecondCheck } from "./second-check";

const ROUTES: Record<Dose["route"], string> = { intramuscular: "IM", sublingual: "sublingual", intranasal: "nasal", spravato: "Spravato" };
const LOT = /^[A-Za-z0-9-]{1,24}$/;

/** The dose as far as it is entered; null without an amount. */
function doseOf(reader: Reader, s: OfSession["s"]): Dose | null {
  const milligrams = reader.number("milligrams", "The dose", "needed");
  const concentration = reader.number("concentration_mg_per_ml", "The concentration");
  const volume = reader.number("volume_ml", "The volume");
  const lot = reader.text("lot");
  if (lot && !LOT.test(lot)) reader.wrong["lot"] = "A lot number has letters, digits and hyphens, at most 24.";
  if (milligrams === undefined || Object.keys(reader.wrong).length > 0) return null;
  return {
    drug: drugOf(s),
    route: s.route,
    milligrams,
    mg_per_kg: null,
    concentration_mg_per_ml: concentration ?? null,
    volume_ml: volume ?? null,
    lot: lot ?? null,
    site: reader.text("site") ?? null,
  };
}

export function DoseForm({ s, detail, items, close, signOff = false }: OfSession & { signOff?: boolean }) {
  // As it was when the form was opened: a dose that somebody else gives meanwhile does not make this one a booster.
  const [additional] = useState(s.doses.length > 0);
  const rules = detail?.rules?.dose ?? null;
  const second = useSecondCheck();
  const draftOf = (reader: Reader): Draft | null => {
    const dose = doseOf(reader, s);
    if (!dose) return null;
    if (signOff) return { type: "CheckDose", session_id: s.session_id, dose };
    const token = second.of(dose);
    // Of this amount: another one is confirmed anew.
    const confirmed = reader.text("confirmed") === String(dose.milligrams);
    return { type: "GiveDose", session_id: s.session_id, dose, additional, confirmed, ...(token && { check_token: token }) };
  };
  const form = useForm({
    id: "dose",
    recorded: close,
    asks: true,
    make: (reader) => draftOf(reader) ?? { type: "GiveDose" },
  });
  const draft = draftOf(new Reader(form.typed));
  const dose = (draft?.["dose"] as Dose | undefined) ?? null;
  const points = pointsOf(useRehearsal(draft, s.record_position, dose ? `${dose.milligrams} ${dose.concentration_mg_per_ml} ${dose.volume_ml}` : ""));
  const held = points ? ofTheDay(points) : [];
  const said = (point: string): string => points?.[point] ?? "";
  const of = `${dose ? `${figure(dose.milligrams)} mg ` : ""}${ROUTES[s.route]}`;
  const [title, verb] = signOff ? ["Sign a dose off", "Sign off"] : additional ? ["Booster dose", "Give"] : ["Give dose", "Give"];
  return (
    <FormDialog
      form={form}
      title={title}
      hint={`${drugOf(s)}, ${ROUTES[s.route]}, by the protocol ${s.protocol.name}, version ${s.protocol.version}`}
      about={<About s={s} />}
      notice={
        <>
          <Given s={s} />
          <Held held={held} />
          <Meanwhile s={s} items={items} />
        </>
      }
      button={form.state === "open" ? `${verb} ${of}…` : `${verb} ${of} now`}
      icon={signOff ? "check" : "syringe"}
      foot={signOff ? "Whoever gives it enters the same dose." : "The clock starts when you confirm."}
      question={dose && <Question s={s} dose={dose} signOff={signOff} additional={additional} checked={second.of(dose) ? second.name : ""} countdown={<CheckCountdown check={second} />} />}
      wide
      close={close}
    >
      <div class="cols">
        <div class="form">
          <Amount form={form} rules={rules} wrong={said("dose.allowed") || said("dose.amount")} />
          <Drawn form={form} rules={rules} wrong={said("dose.concentration") || said("dose.volume")} />
          {s.route === "intramuscular" && <Choice form={form} name="site" label="Site" options={SITES} />}
          <Line form={form} name="lot" label="Lot, read from the label" max={24} />
        </div>
        <div class="proof">
          <Drug dose={dose} kg={s.weight_kg} given={s.doses.map((one) => one.dose)} />
          {rules && <DoseScale rules={rules} dose={dose} kg={s.weight_kg} given={s.doses.reduce((sum, one) => sum + one.dose.milligrams, 0)} />}
          <Verdict points={points} confirmed={draft?.["confirmed"] === true} />
          {said("dose.amount") && <OverrideHere s={s} gate="dose.amount" />}
          {dose && !signOff && (said("dose.warn") || draft?.["confirmed"] === true) && (
            <Choice form={form} name="confirmed" label="The protocol warns here" options={[{ value: String(dose.milligrams), label: `${figure(dose.milligrams)} mg are meant` }]} />
          )}
          {detail && detail.dose_checks.length > 0 && (
            <ul class="signed-off">
              {detail.dose_checks.map((check) => (
                <li key={check.event_id}>
                  <Icon name="check" /> {inWords(check.dose)} <span class="by">signed off by {check.by_name ?? check.role}</span>
                </li>
              ))}
            </ul>
          )}
          {!signOff && rules && <SecondCheck form={form} session_id={s.session_id} dose={dose} check={second} needed={rules.second_check} />}
        </div>
      </div>
    </FormDialog>
  );
}

function Given({ s }: { s: OfSession["s"] }) {
  const last = s.doses[s.doses.length - 1];
  if (!last) return null;
  const total = s.doses.reduce((sum, one) => sum + one.dose.milligrams, 0);
  return (
    <div class="meanwhile">
      <p>
        Given before in this session: <b>{figure(total)} mg</b>. They count together.
      </p>
    </div>
  );
}

function Held({ held }: { held: readonly [string, string][] }) {
  if (held.length === 0) return null;
  return (
    <div class="verdict-row above">
      <div class="verdict bad">
        <Icon name="stop" />
        <div>
          <b>The dose is held.</b>
          {held.map(([gate, why]) => (
            <p key={gate}>{why}</p>
          ))}
        </div>
      </div>
    </div>
  );
}

/** Whole units where the protocol knows no other, else typed. */
function Amount({ form, rules, wrong }: { form: Form; rules: DoseRules | null; wrong: string }) {
  if (!rules || rules.allowed_mg.length === 0) return <Line form={form} name="milligrams" label="Dose" unit="mg" max={6} />;
  const options: Option[] = [
    ...rules.allowed_mg.map((mg) => ({ value: String(mg), label: `${figure(mg)} mg` })),
    ...rules.overridable_mg.map((mg) => ({ value: String(mg), label: `${figure(mg)} mg`, note: "by override" })),
  ];
  return <Choice form={form} name="milligrams" label="Dose" options={options} aside={wrong && <p class="refusal">{wrong}</p>} />;
}

function Drawn({ form, rules, wrong }: { form: Form; rules: DoseRules | null; wrong: string }) {
  if (rules && !rules.drawn_up) return null;
  const vials = rules?.concentrations_mg_per_ml ?? [];
  return (
    <>
      {vials.length > 0 ? (
        <Choice form={form} name="concentration_mg_per_ml" label="Vial strength, read from the label" options={vials.map((mg) => ({ value: String(mg), label: `${figure(mg)} mg/mL` }))} />
      ) : (
        <Line form={form} name="concentration_mg_per_ml" label="Vial strength, read from the label" unit="mg/mL" max={6} />
      )}
      <Line form={form} name="volume_ml" label="Volume drawn up" unit="mL" max={6} />
      {wrong && (
        <p class="refusal" role="status">
          <Icon name="alert" />
          <span>{wrong}</span>
        </p>
      )}
    </>
  );
}

function Drug({ dose, kg, given }: { dose: Dose | null; kg: number | null; given: readonly Dose[] }) {
  const drawn = dose?.concentration_mg_per_ml && dose.volume_ml ? dose.concentration_mg_per_ml * dose.volume_ml : null;
  const before = given.reduce((sum, one) => sum + one.milligrams, 0);
  const shown = drawn ?? dose?.milligrams ?? null;
  const weighed = kg === null ? "weight not on record" : shown === null ? `at ${figure(kg)} kg` : `${perKg(shown, kg)} mg/kg at ${figure(kg)} kg`;
  return (
    <div class="sum">
      <span class="label">{drawn === null ? "Dose" : "In the syringe"}</span>
      <span class="big">
        {shown === null ? "–" : figure(shown)}
        <small> mg</small>
      </span>
      <span class="how">
        {drawn !== null && dose && `${figure(dose.concentration_mg_per_ml ?? 0)} mg/mL × ${figure(dose.volume_ml ?? 0)} mL · `}
        {weighed}
        {before > 0 && shown !== null && `, ${figure(before + shown)} mg in all`}
      </span>
    </div>
  );
}

/** What is said beside its own field, or above, is not said twice. */
const ELSEWHERE = new Set(["dose.second_check", "dose.warn"]);

function Verdict({ points, confirmed }: { points: Readonly<Record<string, string>> | null; confirmed: boolean }) {
  const open = points ? Object.entries(points).filter(([point]) => (point === "" || point.startsWith("dose.")) && !ELSEWHERE.has(point)) : [];
  const [, warn] = points ? (Object.entries(points).find(([point]) => point === "dose.warn") ?? []) : [];
  if (!points) return <p class="verdict pending">The protocol's word on it stands here as soon as an amount is entered.</p>;
  // Without a check the server does not look at the dose: that is not the same as having nothing against it.
  if (open.length === 0 && !warn && points["check"]) return <p class="verdict pending">The dose is looked at once the pre-dose check is done.</p>;
  if (open.length === 0 && !warn) {
    return (
      <p class="verdict" role="status">
        <Icon name="check" />
        <span>The numbers agree with each other{confirmed ? "; the protocol warns, and you said that it is meant." : " and with the protocol."}</span>
      </p>
    );
  }
  const sentences = [...open.map(([, why]) => why), ...(warn ? [warn] : [])];
  const grave = open.some(([point]) => !point.endsWith(".lot") && !point.endsWith(".site") && !point.endsWith(".drawn_up"));
  return (
    <div class={grave || warn ? "verdict bad" : "verdict"} role="status">
      <Icon name={grave || warn ? "alert" : "list"} />
      <div>
        {sentences.map((why) => (
          <p key={why}>{why}</p>
        ))}
      </div>
    </div>
  );
}

interface Asked {
  s: OfSession["s"];
  dose: Dose;
  signOff: boolean;
  additional: boolean;
  checked: string;
  countdown: ComponentChildren;
}

function Question({ s, dose, signOff, additional, checked, countdown }: Asked) {
  const kg = perKg(dose.milligrams, s.weight_kg);
  return (
    <>
      <p>
        <strong>
          {signOff ? "Sign off" : additional ? "Give, in addition," : "Give"} {inWords(dose)}
        </strong>
      </p>
      <p>
        to <b>{s.name ?? s.label}</b>, {s.label}, in room {s.room}
        {kg && s.weight_kg ? `: ${kg} mg/kg at ${figure(s.weight_kg)} kg` : ""}
        {checked && `. Checked by ${checked}`}
        {countdown}
      </p>
      <p>Read it aloud from the label, then press.</p>
    </>
  );
}

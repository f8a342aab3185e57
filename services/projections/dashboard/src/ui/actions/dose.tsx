/* Gives a dose: its numbers agree, its amount is the protocol's, a second person has checked it, and it is said once
   more in words. The same form signs a dose off, for the prescriber who does not give it. */
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { boundOf } from "../../bounds";
import { ROUTES, ROUTES_IN_WORDS } from "../../course";
import { against, inSyringe, inWords, notYet, perKg, SITES, waits } from "../../dosing";
import { DOSE } from "../../entry-fields";
import type { DoseRules } from "../../events";
import { ofTheDay } from "../../gates";
import type { Dose } from "../../model";
import { Reader } from "../../reader";
import { sinceDose } from "../../since-dose";
import { useStable } from "../../stable";
import { feedLost, now, serverNow } from "../../store";
import { number, volume } from "../../words";
import { Choice, Line, type Option } from "../fields";
import { type Draft, type Form, FormDialog, useForm } from "../form";
import { Icon } from "../icon";
import { pointsOf, useRehearsal } from "../rehearsal";
import { Trouble } from "../trouble";
import { About, Meanwhile } from "./about";
import { anyDose, drugOf } from "./detail";
import { DoseScale } from "./dose-scale";
import { Known } from "./known";
import type { OfSession } from "./of";
import { OverrideHere } from "./override";
import { CheckCountdown, SecondCheck, useSecondCheck } from "./second-check";

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
  const answer = useRehearsal(draft ?? (signOff ? null : anyDose(s)), s.record_position, dose ? `${dose.milligrams} ${dose.concentration_mg_per_ml} ${dose.volume_ml}` : "");
  const points = draft ? pointsOf(answer) : null;
  const held = ofTheDay(pointsOf(answer) ?? {});
  const given = s.doses.reduce((sum, one) => sum + one.dose.milligrams, 0);
  const said = (point: string): string => points?.[point] ?? "";
  const of = `${dose ? `${number(dose.milligrams)} mg ` : ""}${ROUTES[s.route]}`;
  const blocked = dose ? waits(points) : null;
  const [title, verb] = signOff ? ["Sign a dose off", "Sign off"] : additional ? ["Booster dose", "Give"] : ["Give dose", "Give"];
  return (
    <FormDialog
      form={form}
      title={title}
      hint={`${drugOf(s)}, ${ROUTES_IN_WORDS[s.route]}, by the protocol ${s.protocol.name}, version ${s.protocol.version}`}
      about={<About s={s} />}
      notice={
        <>
          {given > 0 && form.state !== "unknown" && <Since s={s} detail={detail} items={items} total={given} />}
          <Known course_id={s.course_id} />
          <Held held={held} />
          <Meanwhile s={s} items={items} />
        </>
      }
      button={blocked ? `${verb} the dose` : form.state === "open" ? `${verb} ${of}…` : `${verb} ${of} now`}
      icon={signOff ? "check" : "syringe"}
      foot={signOff ? "Whoever gives it enters the same dose." : "The clock starts when you confirm."}
      question={dose && <Question s={s} dose={dose} signOff={signOff} additional={additional} checked={second.of(dose) ? second.name : null} countdown={<CheckCountdown check={second} />} />}
      {...(blocked && { blocked })}
      wide
      close={close}
    >
      <div class="cols">
        <div class="form">
          <Amount form={form} rules={rules} wrong={said("dose.allowed") || said("dose.amount")} />
          <Drawn form={form} rules={rules} wrong={said("dose.concentration") || said("dose.volume")} />
          {s.route === "intramuscular" && <Choice form={form} name="site" {...DOSE.site} options={SITES} />}
          <Line form={form} name="lot" {...DOSE.lot} max={24} />
        </div>
        <div class="proof">
          <Drug dose={dose} kg={s.weight_kg} given={given} />
          {rules && <DoseScale rules={rules} dose={dose} kg={s.weight_kg} given={given} />}
          {form.state !== "unknown" && <Verdict points={points} confirmed={draft?.["confirmed"] === true} additional={additional} />}
          <OverrideHere s={s} gate="dose.amount" held={said("dose.amount") || null} />
          {dose && !signOff && (said("dose.warn") || draft?.["confirmed"] === true) && (
            <Choice form={form} name="confirmed" label="The protocol warns here" options={[{ value: String(dose.milligrams), label: `${number(dose.milligrams)} mg are meant` }]} />
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

/** What has happened since the last dose: facts, for whoever decides on another. */
function Since({ s, detail, items, total }: Omit<OfSession, "close"> & { total: number }) {
  // Minutes are what changes: nothing here is counted in seconds.
  const minute = useStable(() => Math.floor(now.value / 60_000), []);
  const told = useMemo(() => sinceDose(s, detail, items, serverNow()), [s, detail, items, minute]);
  return (
    <section class="since-dose" aria-label="Since the last dose">
      <h3>
        {number(total)} mg given before in this session, which count together. Since the last dose, {told.minutes} min ago:
      </h3>
      <ul>
        {told.facts.map(({ text, bad }) => (
          <li key={text} data-bad={bad || undefined}>
            <Icon name={bad ? "alert" : "clock"} />
            {text}
          </li>
        ))}
      </ul>
    </section>
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
  if (!rules || rules.allowed_mg.length === 0) return <Line form={form} name="milligrams" {...DOSE.milligrams} bound={boundOf("Dose", "milligrams")} max={6} />;
  const options: Option[] = [
    ...rules.allowed_mg.map((mg) => ({ value: String(mg), label: `${number(mg)} mg` })),
    ...rules.overridable_mg.map((mg) => ({ value: String(mg), label: `${number(mg)} mg`, note: "by override" })),
  ];
  return <Choice form={form} name="milligrams" label={DOSE.milligrams.label} options={options} aside={wrong && <p class="refusal">{wrong}</p>} />;
}

function Drawn({ form, rules, wrong }: { form: Form; rules: DoseRules | null; wrong: string }) {
  if (rules && !rules.drawn_up) return null;
  const vials = rules?.concentrations_mg_per_ml ?? [];
  return (
    <>
      {vials.length > 0 ? (
        <Choice form={form} name="concentration_mg_per_ml" label={DOSE.concentration_mg_per_ml.label} options={vials.map((mg) => ({ value: String(mg), label: `${number(mg)} mg/mL` }))} />
      ) : (
        <Line form={form} name="concentration_mg_per_ml" {...DOSE.concentration_mg_per_ml} bound={boundOf("Dose", "concentration_mg_per_ml")} max={6} />
      )}
      <Line form={form} name="volume_ml" {...DOSE.volume_ml} bound={boundOf("Dose", "volume_ml")} max={6} />
      {wrong && (
        <Trouble>{wrong}</Trouble>
      )}
    </>
  );
}

function Drug({ dose, kg, given }: { dose: Dose | null; kg: number | null; given: number }) {
  const drawn = Boolean(dose?.concentration_mg_per_ml && dose.volume_ml);
  const shown = dose && inSyringe(dose);
  const weighed = kg === null ? "weight not on record" : shown === null ? `at ${number(kg)} kg` : `${perKg(shown, kg)} mg/kg at ${number(kg)} kg`;
  return (
    <div class="sum">
      <span class="label">{drawn ? "In the syringe" : "Dose"}</span>
      <span class="big">
        {shown === null ? "–" : number(shown)}
        <small> mg</small>
      </span>
      <span class="how">
        {drawn && dose && `${number(dose.concentration_mg_per_ml ?? 0)} mg/mL × ${volume(dose.volume_ml ?? 0)} · `}
        {weighed}
        {given > 0 && shown !== null && `, ${number(given + shown)} mg in all`}
      </span>
    </div>
  );
}

interface VerdictProps {
  points: Readonly<Record<string, string>> | null;
  confirmed: boolean;
  additional: boolean;
}

/** What is against the dose leads; what is only not entered yet stands apart, under it. */
function Verdict({ points, confirmed, additional }: VerdictProps) {
  if (!points) {
    const why = feedLost.value ? "Without the network a dose can be neither checked nor recorded." : "The protocol's word on it stands here as soon as an amount is entered.";
    return <p class="verdict pending">{why}</p>;
  }
  const said = against(points);
  const open = notYet(points);
  const warn = points["dose.warn"];
  if (said.length + open.length === 0 && !warn) {
    return (
      <p class="verdict" role="status">
        <Icon name={additional ? "list" : "check"} />
        <span>
          The numbers agree with each other{confirmed ? "; the protocol warns, and you said that it is meant." : " and with the protocol."}
          {additional && " Whether more is given after what happened since the last dose is for you to judge."}
        </span>
      </p>
    );
  }
  return (
    <div class="verdicts" role="status">
      {said.map(({ title, never, why }) => (
        <div key={title} class={never ? "verdict bad never" : "verdict bad"}>
          <Icon name={never ? "stop" : "alert"} />
          <div>
            <b>{title}</b>
            {why.map((one) => (
              <p key={one}>{one}</p>
            ))}
          </div>
        </div>
      ))}
      {warn && said.length === 0 && (
        <div class="verdict bad">
          <Icon name="alert" />
          <p>{warn}</p>
        </div>
      )}
      {open.length > 0 && (
        <div class="verdict pending">
          <Icon name="list" />
          <div>
            <b>Still to be entered</b>
            {open.map((one) => (
              <p key={one}>{one}</p>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

interface Asked {
  s: OfSession["s"];
  dose: Dose;
  signOff: boolean;
  additional: boolean;
  checked: string | null;
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
        {kg && s.weight_kg ? `: ${kg} mg/kg at ${number(s.weight_kg)} kg` : ""}
        .
      </p>
      {!signOff && (
        <p>
          {checked ? <b>Checked by {checked}</b> : <b>Nobody else checked this dose.</b>}
          {checked && countdown}
        </p>
      )}
      <p>Read it aloud from the label, then press.</p>
    </>
  );
}

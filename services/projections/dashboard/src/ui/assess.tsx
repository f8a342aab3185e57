/* The assessment: every rule of the protocol asked, and what the answers come to, finding by finding. */
import { boundOf } from "../bounds";
import { useMemo } from "preact/hooks";
import { absent, answersOf, carried, drugName, fieldOf, judge, type Judged, labelOf } from "../care";
import { ROUTES } from "../course";
import type { Protocol, Rule, Standing, WholeCourse } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { go } from "../route";
import { useStable } from "../stable";
import { may, now } from "../store";
import { yearOf } from "../words";
import { Choice, Line, Words } from "./fields";
import { type Form, useForm } from "./form";
import { FormBody } from "./form-page";
import { Icon } from "./icon";
import { Nothing, Page, Reading } from "./page";

export const STANDINGS: Record<Standing, string> = { hard_stop: "no treatment", clearance: "a prescriber clears it", note: "on record" };

const MEASURES = [
  ["phq-9", "PHQ-9"],
  ["gad-7", "GAD-7"],
  ["pcl-5", "PCL-5"],
] as const;

export function AssessPage({ id }: { id: string }) {
  const course = useRead(() => queries.course(id), [id], undefined, true);
  const clinic = useRead(queries.clinic, []);
  const back = [`/courses/${id}`, "The course"] as const;
  if (!may("intake", "Assess")) {
    return (
      <Page title="Assessment" back={back} narrow>
        <Nothing icon="person" title="A prescriber assesses">
          Ask the prescriber to sign in and open this page.
        </Nothing>
      </Page>
    );
  }
  return (
    <Page
      title="Assessment"
      back={back}
      lead={course.data && `${course.data.name ?? labelOf(course.data)}, ${labelOf(course.data)}${course.data.birth_year ? `, born ${course.data.birth_year}` : ""}`}
    >
      <Reading of={course} what="The course">
        {(of) => (
          <Reading of={clinic} what="The clinic's protocols">
            {({ protocols }) => <Assessing course={of} protocols={protocols} />}
          </Reading>
        )}
      </Reading>
    </Page>
  );
}

function Assessing({ course, protocols }: { course: WholeCourse; protocols: readonly Protocol[] }) {
  const year = useStable(() => yearOf(now.value), []);
  const form: Form = useForm({
    id: "assess",
    service: "intake",
    make(reader) {
      const protocol = protocols.find((p) => p.name === reader.text("protocol", "The protocol"));
      const verdict = reader.text("verdict", "The verdict");
      const weight = reader.number("weight_kg", "The weight", "needed");
      if (!protocol) return { type: "Assess" };
      const answers = answersOf(form.typed, protocol);
      const judged = judge(protocol, answers, course.birth_year, year);
      if (verdict === "eligible" && judged.may !== "eligible") reader.wrong["verdict"] = why(judged);
      const measures = MEASURES.flatMap(([instrument, title]) => {
        const total = reader.number(`measure-${instrument}`, `The total of the ${title}`);
        return total === undefined ? [] : [{ instrument, total }];
      });
      const goals = reader.text("goals");
      const drugs = new Set(answers.drugs.map((drug) => `drug.${drug}`));
      const findings = judged.found
        .filter(({ rule }) => !drugs.has(rule) && !rule.startsWith("age."))
        .map(({ rule, asks, standing }) => {
          const note = reader.text(`note-${fieldOf(rule, asks)}`);
          return { rule, standing, ...(note && { note }) };
        });
      return {
        type: "Assess",
        course_id: course.course_id,
        verdict,
        findings,
        measures,
        weight_kg: weight,
        ...(goals && { goals }),
        route: protocol.route,
        protocol: protocol.name,
        drugs: answers.drugs,
        absent: absent(protocol, answers),
      };
    },
    recorded: () => go(`/courses/${course.course_id}`, true),
  });
  const protocol = protocols.find((p) => p.name === form.typed["protocol"]) ?? null;
  const titles = Object.fromEntries(protocols.map((p) => [p.name, p.title]));
  const judged = protocol && judge(protocol, answersOf(form.typed, protocol), course.birth_year, year);
  return (
    <FormBody form={form} button="Record the assessment" cancel={`/courses/${course.course_id}`}>
      <Choice
        form={{
          ...form,
          set(name, value) {
            form.set("verdict", ""); // was of the other protocol's rules
            form.set(name, value);
          },
        }}
        name="protocol"
        label="Protocol"
        hint="Its rules are asked below; the session keeps its limits, doses and checks."
        options={protocols.map((p) => ({ value: p.name, label: p.title, note: `${ROUTES[p.route]}, version ${p.version}` }))}
        list
      />
      {protocol && judged && (
        <div class="assess">
          <div class="assess-asks">
            <Rules form={form} protocol={protocol} titles={titles} />
            {Object.keys(protocol.eligibility?.interacting_drugs ?? {}).length > 0 && (
              <fieldset class="asks">
                <legend>Drugs that interact: touch each that the patient takes</legend>
                <Drugs form={form} rules={protocol.eligibility?.interacting_drugs ?? {}} />
                <Choice form={form} name="drugs_asked" label="The others" options={[{ value: protocol.name, label: "Every one was asked about; the patient takes no other of these" }]} list />
              </fieldset>
            )}
            <div class="two-col">
              <Line form={form} name="weight_kg" label="Weight" unit="kg" bound={boundOf("Assessed", "weight_kg")} hint="Doses per kg are checked against it." />
              {MEASURES.map(([instrument, title]) => (
                <Line key={instrument} form={form} name={`measure-${instrument}`} label={`${title} (optional)`} unit="total" bound={boundOf("Measure", instrument)} />
              ))}
            </div>
            <Words form={form} name="goals" label="What the patient hopes for (optional)" rows={3} />
          </div>
          <section class="assess-verdict" aria-label="What the answers come to">
            <Findings judged={judged} form={form} />
            <Choice
              form={form}
              name="verdict"
              label="Verdict"
              options={[
                { value: "eligible", label: "Eligible", disabled: judged.may !== "eligible", ...(judged.may !== "eligible" && { note: why(judged) }) },
                { value: "deferred", label: "Deferred", note: "assess again later" },
                { value: "ineligible", label: "Ineligible", note: "not in this course" },
              ]}
              list
            />
          </section>
        </div>
      )}
    </FormBody>
  );
}

function why(judged: Judged): string {
  if (judged.may === "not eligible") return "a hard stop stands";
  const n = judged.open.length;
  return `${n} ${n === 1 ? "question is" : "questions are"} not asked`;
}

function Rules({ form, protocol, titles }: { form: Form; protocol: Protocol; titles: Readonly<Record<string, string>> }) {
  const rules = Object.entries(protocol.eligibility?.rules ?? {});
  if (rules.length === 0) return <p class="quiet-line">This protocol has no rules of eligibility: it was adopted before there were any.</p>;
  const { kept, anew } = carried(form.typed, protocol);
  const n = Object.keys(kept).length;
  const asked = (of: typeof rules) =>
    of.map(([rule, { asks, standing, source }]) => (
      <Ask
        key={rule}
        form={form}
        rule={rule}
        asks={asks}
        standing={standing}
        source={source}
        protocol={protocol.name}
        said={kept[rule] ? `answered under ${titles[kept[rule]] ?? kept[rule]}` : anew.includes(rule) ? "put in other words here: ask anew" : ""}
      />
    ));
  const notes = rules.filter(([, { standing }]) => standing === "note");
  return (
    <>
      <fieldset class="asks">
        <legend>Does this hold for the patient?</legend>
        {(n > 0 || anew.length > 0) && (
          <p class="verdict" role="status">
            <Icon name="list" />
            <span>
              {n > 0 && `${n} ${n === 1 ? "answer is" : "answers are"} kept: this protocol asks the same in the same words. Look at ${n === 1 ? "it" : "them"} once more. `}
              {anew.length > 0 && `${anew.length} ${anew.length === 1 ? "question is" : "questions are"} put in other words, and asked anew.`}
            </span>
          </p>
        )}
        {asked(rules.filter(([, { standing }]) => standing !== "note"))}
      </fieldset>
      {notes.length > 0 && (
        <fieldset class="asks">
          <legend>On record: a yes stops nothing</legend>
          {asked(notes)}
        </fieldset>
      )}
    </>
  );
}

const SAID = [
  ["yes", "Yes"],
  ["no", "No"],
  ["", "Not asked"],
] as const;

/** `said`: what became of the answer that was given under another protocol. */
function Ask({ form, rule, asks, standing, source, protocol, said: before }: { form: Form; rule: string; protocol: string; said: string } & Rule) {
  const field = fieldOf(rule, asks);
  const name = `rule-${field}`;
  const said = form.typed[name] ?? "";
  const id = `${form.id}-${name}`;
  const say = (value: string): void => {
    form.set(name, value);
    form.set(`under-${field}`, value && protocol);
  };
  return (
    <div class="ask" data-said={said || "open"}>
      <div class="ask-row" role="radiogroup" aria-labelledby={`${id}-q`}>
        <span id={`${id}-q`} class="ask-q" title={source}>
          {asks}
          {before && <small>{before}</small>}
        </span>
        <span class="ask-a">
          {SAID.map(([value, label]) => (
            <label key={value} class="option" data-on={said === value || undefined}>
              <input type="radio" name={id} value={value} checked={said === value} onChange={() => say(value)} />
              <span>{label}</span>
            </label>
          ))}
        </span>
      </div>
      {said === "yes" && (
        <div class="ask-more">
          <b>{STANDINGS[standing]}</b>
          <Line form={form} name={`note-${field}`} label="Note (optional)" />
        </div>
      )}
    </div>
  );
}

function Drugs({ form, rules }: { form: Form; rules: Readonly<Record<string, Rule>> }) {
  const options = Object.entries(rules).map(([drug, { asks, standing }]) => {
    const name = drugName(asks);
    const effect = asks.slice(name.length + 1).trim();
    return { value: fieldOf(drug, name), label: name, note: standing === "note" ? effect : `${effect} (${STANDINGS[standing]})` };
  });
  return <Choice form={form} name="drugs" label="Takes" options={options} several list />;
}

function Findings({ judged, form }: { judged: Judged; form: Form }) {
  const notes = useMemo(() => judged.found.map(({ rule, asks }) => form.typed[`note-${fieldOf(rule, asks)}`]), [judged, form.typed]);
  return (
    <section class="found" aria-live="off">
      <h2>
        Findings <b>{judged.found.length}</b>
      </h2>
      {judged.found.length === 0 && <p class="quiet-line">None so far.</p>}
      <ul>
        {judged.found.map(({ rule, asks, standing }, i) => (
          <li key={rule} data-standing={standing}>
            <Icon name={standing === "hard_stop" ? "stop" : standing === "clearance" ? "alert" : "note"} />
            <span>
              {asks}
              <small>
                {STANDINGS[standing]}
                {notes[i] && `: ${notes[i]}`}
              </small>
            </span>
          </li>
        ))}
      </ul>
      <p class={judged.open.length > 0 ? "still-open some" : "still-open"}>
        {judged.open.length > 0 ? `${judged.open.length} not asked yet. What is not asked is not no.` : "Every question was asked."}
      </p>
    </section>
  );
}

/* One session: where it stands, its chart, its open alarms, its timeline. */
import { useState } from "preact/hooks";
import type { BoardSession } from "../board";
import { lastDose } from "../course";
import { isMe, me, type sessionOf } from "../store";
import { clockTime, number } from "../words";
import { Actions, type Opened, OpenForm } from "./actions/actions";
import { useDetail, useHeld } from "./actions/detail";
import { DuePanel } from "./actions/due";
import { Loading } from "./board";
import { OpenCall } from "./call";
import { short } from "./card";
import { Chart } from "./chart";
import { Course, Phase } from "./course";
import { Icon } from "./icon";
import { useNames } from "./names";
import { useOneSession } from "./one-session";
import { OpenAlarms } from "./open-alarm";
import { Papers } from "./paper";
import { Shell } from "./shell";
import { Timeline, useStory } from "./timeline";

export function SessionPage({ id }: { id: string }) {
  const { session, s, failed } = useOneSession(id);
  const story = useStory(id, s?.record_position ?? 0);
  const detail = useDetail(s);
  const held = useHeld(s);
  const [open, setOpen] = useState<Opened | null>(null);
  const foot = (
    <>
      {s && (
        <span class="hide-s limits-foot">
          Limits: {s.protocol.name} protocol, version {s.protocol.version}
          {s.incomplete && " · record incomplete"}
        </span>
      )}
      <span class="grow" />
    </>
  );
  return (
    <Shell className="s-page" foot={foot}>
      {s ? (
        <main class="session">
          <Head session={session} s={s} />
          <Chart session={session} items={story.items} />
          <div class="side">
            <OpenCall session={s} />
            <OpenAlarms s={s} />
            {s.state === "open" && <DuePanel s={s} detail={detail} held={held} items={story.items} open={setOpen} />}
            <Actions s={s} detail={detail} held={held} open={setOpen} />
            {s.state !== "open" && (
              <section class="panel now-panel">
                <Papers session={s} />
              </section>
            )}
            <Timeline session={s} story={story} correct={(item) => setOpen({ form: "correct", item, again: story.again })} />
          </div>
          {open && <OpenForm what={open} s={s} detail={detail} items={story.items} close={() => setOpen(null)} />}
        </main>
      ) : (
        <main class="board empty-board">
          <h1 class="sr">Session</h1>
          {failed ? (
            <div class="empty">
              <Icon name="gap" />
              <p>
                <b>This session could not be read</b>
                <br />
                {failed}
              </p>
              <a class="btn" href="/">
                Back to the board
              </a>
            </div>
          ) : (
            <Loading />
          )}
        </main>
      )}
    </Shell>
  );
}

function Head({ session, s }: { session: ReturnType<typeof sessionOf>; s: BoardSession }) {
  const [named, turn] = useNames();
  const dose = lastDose(s);
  const mine = isMe(s.responsible);
  const leave = dose && Date.parse(dose.at) + s.expected.minimum_stay_min * 60_000;
  const kg = dose && s.weight_kg ? `, ${(dose.dose.milligrams / s.weight_kg).toFixed(1)} mg/kg` : "";
  const facts: [string, string][] = [
    ["Dose", dose ? `${number(dose.dose.milligrams)} mg${kg}` : "not given"],
    ["Weight", s.weight_kg ? `${number(s.weight_kg)} kg` : "not recorded"],
    ["Nurse", s.responsible === null ? "nobody responsible" : `${s.responsible_name ?? "somebody"}${mine ? " (you)" : ""}`],
    ["Monitor", s.devices.length > 0 ? s.devices.map(short).join(", ") : "none attached"],
  ];
  return (
    <section class="s-head">
      <div class="s-id">
        <a class="icon-btn" href="/">
          <Icon name="back" label="Back to the board" />
        </a>
        <div>
          <h1>Room {s.room}</h1>
          <p>
            {named && s.name ? `${s.label} · ${s.name}` : s.label}
            {s.name && (
              <>
                {" · "}
                <button type="button" class="show-name" aria-pressed={named} onClick={turn}>
                  {named ? "hide name" : "show name"}
                </button>
              </>
            )}
            {s.state === "open" && me.value?.role !== "wall" && (
              <>
                {" · "}
                <a class="in-text" href={`/sessions/${s.session_id}/with`}>
                  beside the patient
                </a>
              </>
            )}
          </p>
        </div>
      </div>
      <div class="s-course">
        <Phase session={session} more={leave && s.state === "open" ? ` · earliest discharge ${clockTime(leave)}` : ""} />
        <Course session={session} names />
      </div>
      <dl class="s-facts">
        {facts.map(([name, fact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={name === "Monitor" ? s.devices.join(", ") : undefined}>{fact}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

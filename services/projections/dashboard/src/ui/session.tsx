/* One session: where it stands, its chart, its open alarms, its timeline. */
import { signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import * as api from "../api";
import { openAlarms } from "../alarms";
import type { BoardSession } from "../board";
import { lastDose } from "../course";
import type { Alarm } from "../model";
import { useStable } from "../stable";
import { asked, health, ids, loaded, me, sessionOf } from "../store";
import { asPrinted, clockTime, number } from "../words";
import { Actions, type Opened, OpenForm } from "./actions/actions";
import { useDetail } from "./actions/detail";
import { DuePanel } from "./actions/due";
import { Acknowledge, AlarmAge, alarmWords, Refusal } from "./alarm";
import { Loading } from "./board";
import { short } from "./card";
import { Chart } from "./chart";
import { Course, Phase } from "./course";
import { Icon, Pri } from "./icon";
import { Papers } from "./paper";
import { Shell } from "./shell";
import { Timeline, useStory } from "./timeline";

export function SessionPage({ id }: { id: string }) {
  // A session that left the board is read once, by HTTP; one on the board lives.
  const past = useMemo(() => signal<BoardSession | null>(null), [id]);
  const [failed, setFailed] = useState("");
  const live = useStable(() => ids.value.includes(id) || sessionOf(id).value !== null, [id]);
  const known = loaded.value;
  useEffect(() => {
    if (!known || live) return;
    asked(api.session(id)).then(
      (session) => {
        past.value = { ...session, latest: {}, trend: {}, heard: {} };
      },
      (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)),
    );
  }, [id, known, live]);
  const session = live ? sessionOf(id) : past;
  const s = session.value;
  const story = useStory(id, s?.record_position ?? 0);
  const detail = useDetail(s);
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
            <OpenAlarms s={s} />
            {s.state === "open" && <DuePanel s={s} detail={detail} items={story.items} open={setOpen} />}
            <Actions s={s} detail={detail} open={setOpen} />
            {s.state !== "open" && (
              <section class="panel now-panel">
                <Papers session={s} />
              </section>
            )}
            <Timeline session={s} story={story} correct={(item) => setOpen({ form: "correct", item })} />
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
  const [named, setNamed] = useState(false);
  const dose = lastDose(s);
  const mine = s.responsible !== null && s.responsible === `staff:${me.value?.staff_id}`;
  const leave = dose && Date.parse(dose.at) + s.expected.minimum_stay_min * 60_000;
  const kg = dose && s.weight_kg ? `, ${(dose.dose.milligrams / s.weight_kg).toFixed(1)} mg/kg` : "";
  const facts: [string, string][] = [
    ["Dose", dose ? `${number(dose.dose.milligrams)} mg${kg}` : "not given"],
    ["Weight", s.weight_kg ? `${number(s.weight_kg)} kg` : "not recorded"],
    ["Nurse", s.responsible_name ? `${s.responsible_name}${mine ? " (you)" : ""}` : "not assigned"],
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
            {named && s.name ? s.name : s.label}
            {s.name && (
              <>
                {" · "}
                <button type="button" class="show-name" aria-pressed={named} onClick={() => setNamed(!named)}>
                  {named ? "hide name" : "show name"}
                </button>
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

function OpenAlarms({ s }: { s: BoardSession }) {
  const lost = useStable(() => health.value.lostSince !== null, []);
  const alarms = openAlarms(s);
  return (
    <>
      {alarms.map((alarm, i) => (
        <OpenAlarm key={alarm.alarm_id} s={s} alarm={alarm} lost={lost} main={i === 0} />
      ))}
    </>
  );
}

function OpenAlarm({ s, alarm, lost, main }: { s: BoardSession; alarm: Alarm; lost: boolean; main: boolean }) {
  const acked = alarm.state === "acknowledged";
  const state = lost ? "unknown" : acked ? "acked" : alarm.state;
  const who = alarm.acknowledged_by_name ?? (acked ? "somebody" : "");
  const after = alarm.acknowledged_at ? Math.round((Date.parse(alarm.acknowledged_at) - Date.parse(alarm.raised_at)) / 1000) : 0;
  return (
    <section class="open-alarm" data-p={alarm.priority} data-s={state} aria-label={`Alarm: ${asPrinted(alarm.text)}`}>
      <div class="top" data-s={state}>
        <Pri of={alarm.priority} />
        {acked && <Icon name="check" label="acknowledged" />}
        {alarm.escalated && <Icon name="send" label="escalated" />}
        <span class="what">{alarmWords(alarm, lost)}</span>
        <span>{!lost && <AlarmAge alarm={alarm} />}</span>
      </div>
      {!lost && (
        <div class="body">
          <p class="why-text">
            Since {clockTime(Date.parse(alarm.onset), true)}.
            {acked && ` Acknowledged by ${who} after ${Math.floor(after / 60)}:${String(after % 60).padStart(2, "0")}.`}
          </p>
          <Acknowledge session={s} alarm={alarm} main={main} />
          <Refusal alarm={alarm} />
        </div>
      )}
    </section>
  );
}

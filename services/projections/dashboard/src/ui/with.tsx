/* Beside the patient: where they are, how they are, what they came for, what is noticed, and the nurse within one touch. */
import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { openAlarms, type Kind } from "../alarms";
import { type BoardSession, callsNurse } from "../board";
import { answerTo, headline, type Line, observed, outlook, vitalLine } from "../calm";
import type { TimelineItem } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { useStable } from "../stable";
import { feedLost, health, may, me, now } from "../store";
import { asPrinted, clockTime, day } from "../words";
import { AdverseEventForm } from "./actions/adverse-event";
import { alarmWords, shownState } from "./alarm";
import { Acknowledge } from "./answer";
import { useDetail } from "./actions/detail";
import { Loading } from "./board";
import { CallAge, calling, callNurse, callTrouble } from "./call";
import { Course } from "./course";
import { Words } from "./fields";
import { useForm } from "./form";
import { Icon, type IconName, Pri } from "./icon";
import { useOneSession } from "./one-session";
import { Nothing } from "./page";
import { Shell } from "./shell";
import { type Story, useStory } from "./timeline";
import { Trouble } from "./trouble";

export function WithPage({ id }: { id: string }) {
  const { session, s, live, failed } = useOneSession(id);
  const foot = (
    <>
      <a class="btn quiet slim" href={`/sessions/${id}`}>
        <Icon name="vitals" />
        Chart and numbers
      </a>
      <span class="grow" />
    </>
  );
  return (
    <Shell className="with-page" foot={foot}>
      {s ? (
        <With session={session} s={s} live={live} />
      ) : (
        <main class="board empty-board">
          <h1 class="sr">With the patient</h1>
          {failed ? (
            <Nothing icon="gap" title="This session could not be read">
              {failed}
            </Nothing>
          ) : (
            <Loading />
          )}
        </main>
      )}
    </Shell>
  );
}

const ICONS: Record<Kind | "awake" | "inward" | "unwell", IconName> = { spo2: "drop", pulse: "vitals", bp: "vitals", resp: "wind", temp: "vitals", co2: "wind", awake: "person", inward: "eye", unwell: "alert" };

function With({ session, s, live }: { session: ReadonlySignal<BoardSession | null>; s: BoardSession; live: boolean }) {
  const story = useStory(s.session_id, s.record_position);
  const course = useRead(() => queries.course(s.course_id), [s.course_id], undefined, true);
  const head = useStable(() => (session.value ? [headline(session.value, now.value), outlook(session.value, now.value)] : ["", ""]), [session]);
  const detail = useDetail(s);
  const valid = detail?.rules?.discharge.observation_valid_min;
  const lines = useStable(() => (session.value ? (["resp", "spo2", "pulse", "bp"] as const).map((kind) => vitalLine(session.value as BoardSession, kind, now.value, health.value)) : []), [session]);
  const seen = useStable(() => observed(s, story.items, now.value, valid), [s, story.items, valid]);
  return (
    <main class="calm-page">
      {live ? <Alert s={s} /> : <Left s={s} />}
      <section class="calm-head">
        <p class="calm-room">
          Room {s.room}
          {s.label && ` · ${s.label}`}
        </p>
        <h1>{head[0]}</h1>
        <p>{head[1]}</p>
        <Course session={session} names />
      </section>
      <div class="calm-col">
        <section aria-labelledby="how-h">
          <h2 class="calm-h" id="how-h">
            How the patient {s.state === "open" ? "is" : "was"}
          </h2>
          <ul class="how">
            {[...(s.state === "open" ? lines : []), ...seen].map((line) => (
              <How key={line.kind + line.text.slice(0, 5)} line={line} />
            ))}
          </ul>
        </section>
        <Notes s={s} story={story} />
      </div>
      <div class="calm-col">
        <Call s={s} items={story.items} />
        <section aria-labelledby="intentions-h">
          <h2 class="calm-h" id="intentions-h">
            Intentions, in the patient's words
          </h2>
          {course.failed && !course.data && (
            <Trouble icon="gap">They could not be read: {course.failed}</Trouble>
          )}
          {course.data && !course.data.prepared && <p class="dim">None are on record.</p>}
          {course.data?.prepared && (
            <>
              {course.data.prepared.intentions
                .split(/\n+/)
                .filter(Boolean)
                .map((said) => (
                  <p class="quote" key={said}>
                    {said}
                  </p>
                ))}
              <p class="by-line">From the preparation on {day(Date.parse(course.data.prepared.at))}.</p>
            </>
          )}
        </section>
        {course.data && course.data.preparations.length > 0 && (
          <section aria-labelledby="prepared-h">
            <h2 class="calm-h" id="prepared-h">
              Noted in preparation
            </h2>
            {course.data.preparations.map(({ id, text }) => (
              <p class="quote" key={id}>
                {text}
              </p>
            ))}
          </section>
        )}
      </div>
    </main>
  );
}

function How({ line }: { line: Line }) {
  return (
    <li data-state={line.state} data-kind={line.kind}>
      <Icon name={line.state === "wants" ? "alert" : line.state === "unknown" ? "gap" : ICONS[line.kind]} />
      <span>{line.text}</span>
      <small>{line.small}</small>
    </li>
  );
}

/** A session leaves the board half an hour after its end. Who still writes about it goes on. */
function Left({ s }: { s: BoardSession }) {
  return (
    <p class="verdict session-left" role="status">
      <Icon name="door" />
      <span>
        <b>This session is no longer on the board{s.ended_at && `: it ended at ${clockTime(Date.parse(s.ended_at))}`}.</b> Nothing here is live. What you write can still be added to its{" "}
        <a class="in-text" href={`/sessions/${s.session_id}`}>
          record
        </a>
        .
      </span>
    </p>
  );
}

/** The worst alarm of this patient that nobody has answered: in words, and that the nurse has it too. */
function Alert({ s }: { s: BoardSession }) {
  const lost = feedLost.value;
  const alarms = openAlarms(s);
  const top = alarms[0];
  const state = useStable(() => top && shownState(top, lost, now.value), [top, lost]);
  if (!top || !state) return null;
  const acked = top.state === "acknowledged";
  return (
    <section class="t-alert" data-p={top.priority} data-s={state} aria-label={`Alarm: ${asPrinted(top.text)}`}>
      <span class="banner-tag" data-s={state}>
        <Pri of={top.priority} />
        {alarmWords(top, lost)}
      </span>
      <p>
        {lost ? (
          <b>Whether it still is, nobody knows here: look at the bedside monitor.</b>
        ) : acked ? (
          <>
            <b>{top.acknowledged_by_name ?? "Somebody"} has seen it.</b>
          </>
        ) : (
          <>
            <b>The nurses' screens show it too.</b> Nobody has acknowledged it yet.
          </>
        )}{" "}
        {top.priority === "high" && "Stay with the patient."}
        {alarms.length > 1 && ` ${alarms.length - 1} more open.`}
      </p>
      <Acknowledge session={s} alarm={top} />
    </section>
  );
}

function Call({ s, items }: { s: BoardSession; items: readonly TimelineItem[] }) {
  const [happened, setHappened] = useState(false);
  const help = s.help;
  const waits = callsNurse(s);
  const answer = useStable(() => answerTo(s, items, now.value), [s, items]);
  const coming = answer === "coming";
  const who = help?.answered_by_name;
  const answeredAt = help?.answered_at ? clockTime(Date.parse(help.answered_at)) : "";
  const lost = feedLost.value;
  const trouble = callTrouble(s);
  if (!may("session", "CallHelp") || s.state !== "open") return null;
  const busy = calling(s);
  return (
    <section class="call" aria-label="Call the nurse" data-call={waits ? "open" : coming ? "answered" : "none"}>
      {waits && help ? (
        <p class="call-state" role="status">
          <Icon name="phone" />
          <span>
            <b>The nurse is called</b> <CallAge since={help.at} />
          </span>
        </p>
      ) : coming ? (
        <p class="call-state coming" role="status">
          <Icon name="check" />
          <span>
            <b>{who ?? "Somebody"} is coming</b>, since {answeredAt}
          </span>
        </p>
      ) : null}
      {!waits && (
        <button type="button" class={coming ? "btn" : "btn main"} aria-disabled={busy} onClick={() => !busy && void callNurse(s)}>
          <Icon name="phone" />
          {busy ? "Calling…" : coming ? "Call again" : "Call nurse"}
        </button>
      )}
      {trouble && (
        <Trouble>{trouble} If it cannot wait, call out.</Trouble>
      )}
      {lost ? (
        <p>
          <b>This screen lost its feed: a call may not arrive. Call out, or go to the door.</b>
        </p>
      ) : waits ? (
        <p>It stands on every nurse's screen until somebody answers. If it cannot wait, call out.</p>
      ) : answer === "past" ? (
        <p>
          <b>There was a high alarm after {who ?? "somebody"} answered at {answeredAt}.</b> Call again if nobody is here.
        </p>
      ) : (
        <p>{s.responsible_name ? `${s.responsible_name} is responsible for this patient.` : "Nobody is named responsible; every nurse sees the call."}</p>
      )}
      {may("session", "RecordAdverseEvent") && (
        <button type="button" class="btn happened" onClick={() => setHappened(true)}>
          <Icon name="alert" />
          Something happened
        </button>
      )}
      {happened && <AdverseEventForm s={s} detail={null} items={items} beside close={() => setHappened(false)} />}
    </section>
  );
}

const MOST_NOTES = 30;

function Notes({ s, story }: { s: BoardSession; story: Story }) {
  const notes = useMemo(
    () => [...story.items].filter(({ type }) => type === "NoteRecorded").sort((a, b) => Date.parse(b.at) - Date.parse(a.at)),
    [story.items],
  );
  const [written, setWritten] = useState(0);
  return (
    <section aria-labelledby="notes-h">
      <h2 class="calm-h" id="notes-h">
        Notes
      </h2>
      {may("session", "RecordNote") && <Compose key={written} s={s} done={() => setWritten((n) => n + 1)} focus={written > 0} />}
      {story.failed && (
        <Trouble icon="gap">The notes could not be read: {story.failed}</Trouble>
      )}
      {notes.length === 0 && !story.failed ? (
        <p class="dim">Nothing is noted yet.</p>
      ) : (
        <ol class="notes">
          {notes.slice(0, MOST_NOTES).map((note) => (
            <Note key={note.event_id} note={note} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Note({ note }: { note: TimelineItem }) {
  const said = String(note.data["text"] ?? "");
  const instead = note.correction?.replacement?.["text"];
  return (
    <li>
      <time dateTime={note.at}>{clockTime(Date.parse(note.at))}</time>
      <span>
        {note.withdrawn ? <s>{said}</s> : said}
        {typeof instead === "string" && ` ${instead}`}
        {note.by_name && <small> {note.by_name}</small>}
      </span>
    </li>
  );
}

function Compose({ s, done, focus }: { s: BoardSession; done(): void; focus: boolean }) {
  const form = useForm({
    id: "compose",
    draft: `${me.value?.staff_id} note ${s.session_id}`,
    make: (reader) => ({ type: "RecordNote", session_id: s.session_id, text: reader.text("text", "The note") }),
    recorded: done,
  });
  useEffect(() => {
    if (focus) document.getElementById("compose-text")?.focus();
  }, []);
  const busy = form.state === "sending";
  return (
    <form
      class="composer"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void form.submit();
      }}
    >
      <Words form={form} name="text" label="What do you notice?" rows={2} />
      <button type="submit" class="btn" aria-disabled={busy}>
        {busy ? "Recording…" : form.state === "unknown" ? "Try again" : "Add"}
      </button>
      {form.wrong[""] && (
        <Trouble>{form.wrong[""]}</Trouble>
      )}
    </form>
  );
}

/* Beside the patient: where they are, how they are, what they came for, what is noticed, and the nurse within one touch. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { openAlarms, type Kind } from "../alarms";
import type { BoardSession } from "../board";
import { headline, type Line, observed, outlook, vitalLine } from "../calm";
import type { TimelineItem } from "../model";
import * as queries from "../queries";
import { useRead } from "../read";
import { useStable } from "../stable";
import { health, ids, loaded, may, now, sessionOf } from "../store";
import { asPrinted, clockTime, day } from "../words";
import { alarmWords, shownState } from "./alarm";
import { Acknowledge } from "./answer";
import { AdverseEventForm } from "./actions/adverse-event";
import { CallAge, calling, callNurse, callTrouble, standing } from "./call";
import { Loading } from "./board";
import { Course } from "./course";
import { Words } from "./fields";
import { useForm } from "./form";
import { Icon, type IconName, Pri } from "./icon";
import { Nothing } from "./page";
import { Shell } from "./shell";
import { type Story, useStory } from "./timeline";

/** How long the answer to a call stands before the button is again what it was. */
const ANSWERED_FOR_MS = 5 * 60_000;

export function WithPage({ id }: { id: string }) {
  const here = useStable(() => ids.value.includes(id) || sessionOf(id).value !== null, [id]);
  const s = here ? sessionOf(id).value : null;
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
        <With s={s} />
      ) : (
        <main class="board empty-board">
          <h1 class="sr">With the patient</h1>
          {loaded.value ? (
            <Nothing icon="door" title="This session is not under way">
              <a class="in-text" href={`/sessions/${id}`}>
                Its record
              </a>{" "}
              is kept.
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

function With({ s }: { s: BoardSession }) {
  const session = sessionOf(s.session_id);
  const story = useStory(s.session_id, s.record_position);
  const course = useRead(() => queries.course(s.course_id), [s.course_id], null, true);
  const head = useStable(() => (session.value ? [headline(session.value, now.value), outlook(session.value, now.value)] : ["", ""]), [session]);
  const lines = useStable(() => (session.value ? (["resp", "spo2", "pulse", "bp"] as const).map((kind) => vitalLine(session.value as BoardSession, kind, now.value, health.value)) : []), [session]);
  const seen = useMemo(() => observed(story.items), [story.items]);
  return (
    <main class="calm-page">
      <Alert s={s} />
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
            How the patient is
          </h2>
          <ul class="how">
            {[...lines, ...seen].map((line) => (
              <How key={line.kind + line.text.slice(0, 5)} line={line} />
            ))}
            {seen.length === 0 && (
              <li data-state="unknown">
                <Icon name="person" />
                <span>How awake: not observed yet</span>
              </li>
            )}
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
            <p class="refusal" role="status">
              <Icon name="gap" />
              <span>They could not be read: {course.failed}</span>
            </p>
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

/** The worst alarm of this patient that nobody has answered: in words, and that the nurse has it too. */
function Alert({ s }: { s: BoardSession }) {
  const lost = useStable(() => health.value.lostSince !== null, []);
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
      <Acknowledge session={s} alarm={top} main={false} />
    </section>
  );
}

function Call({ s, items }: { s: BoardSession; items: readonly TimelineItem[] }) {
  const [happened, setHappened] = useState(false);
  const help = s.help;
  const waits = standing(s);
  const recent = useStable(() => help?.answered_at !== undefined && help?.answered_at !== null && now.value - Date.parse(help.answered_at) < ANSWERED_FOR_MS, [help]);
  const lost = useStable(() => health.value.lostSince !== null, []);
  const trouble = callTrouble(s);
  if (!may("session", "CallHelp") || s.state !== "open") return null;
  const busy = calling(s);
  return (
    <section class="call" aria-label="Call the nurse" data-call={waits ? "open" : recent ? "answered" : "none"}>
      {waits && help ? (
        <p class="call-state" role="status">
          <Icon name="phone" />
          <span>
            <b>The nurse is called</b> <CallAge since={help.at} />
          </span>
        </p>
      ) : recent && help ? (
        <p class="call-state coming" role="status">
          <Icon name="check" />
          <span>
            <b>{help.answered_by_name ?? "Somebody"} is coming</b>, since {clockTime(Date.parse(help.answered_at ?? ""))}
          </span>
        </p>
      ) : null}
      {!waits && (
        <button type="button" class={recent ? "btn" : "btn main"} aria-disabled={busy} onClick={() => !busy && void callNurse(s)}>
          <Icon name="phone" />
          {busy ? "Calling…" : recent ? "Call again" : "Call nurse"}
        </button>
      )}
      {trouble && (
        <p class="refusal" role="status">
          <Icon name="alert" />
          <span>{trouble} If it cannot wait, call out.</span>
        </p>
      )}
      {lost ? (
        <p>
          <b>This screen lost its feed: a call may not arrive. Call out, or go to the door.</b>
        </p>
      ) : waits ? (
        <p>It stands on every nurse's screen until somebody answers. If it cannot wait, call out.</p>
      ) : (
        <p>{s.responsible_name ? `${s.responsible_name} is responsible for this patient.` : "Nobody is named responsible; every nurse sees the call."}</p>
      )}
      {may("session", "RecordAdverseEvent") && (
        <button type="button" class="btn happened" onClick={() => setHappened(true)}>
          <Icon name="alert" />
          Something happened
        </button>
      )}
      {happened && <AdverseEventForm s={s} detail={null} items={items} close={() => setHappened(false)} />}
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
        <p class="refusal" role="status">
          <Icon name="gap" />
          <span>The notes could not be read: {story.failed}</span>
        </p>
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
        <p class="refusal" role="status">
          <Icon name="alert" />
          <span>{form.wrong[""]}</span>
        </p>
      )}
    </form>
  );
}

/* What the printed pages share: the record read whole, the sheet, its tables, and the head and foot of each printed page. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Tracks, tracksOf } from "../lanes";
import type { Session, Task, TimelineItem, WholeCourse } from "../model";
import * as queries from "../queries";
import type { Entry } from "../record";
import { asked, me, serverNow } from "../store";
import { clockTime, day, signed, whyOf, zoneWords } from "../words";
import { Loading } from "./board";
import { Icon } from "./icon";
import { TableHead } from "./page";
import { Shell } from "./shell";

const MIN = 60_000;
const POINTS = 5_000;
const AGAIN_MS = [400, 1_000, 2_000, 4_000];

export interface PaperRecord {
  session: Session;
  items: readonly TimelineItem[];
  tracks: Tracks;
  resolution: number;
  course: WholeCourse;
  tasks: readonly Task[];
  readAt: number;
  /** The session has entries that the history does not hold yet: half a record. */
  behind: boolean;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function read(id: string): Promise<PaperRecord> {
  const session = await asked(queries.session(id));
  let history = await asked(queries.timeline(id));
  for (const ms of AGAIN_MS) {
    if (history.position >= session.record_position) break;
    await pause(ms);
    history = await asked(queries.timeline(id));
  }
  const until = session.ended_at ? Date.parse(session.ended_at) + MIN : serverNow() + MIN;
  const [series, course, tasks] = await Promise.all([
    asked(queries.vitals(id, Date.parse(session.opened_at) - MIN, until, POINTS)),
    asked(queries.course(session.course_id)),
    asked(queries.tasks(id)),
  ]);
  const behind = history.position < session.record_position;
  return { session, items: history.items, tracks: tracksOf(series), resolution: series.resolution_s, course, tasks, readAt: serverNow(), behind };
}

/** Paper is of one moment: it is read once, and again when somebody asks for it. */
export function PaperPage({ id, title, children }: { id: string; title: string; children(record: PaperRecord, again: () => void): ComponentChildren }) {
  const [record, setRecord] = useState<PaperRecord | null>(null);
  const [failed, setFailed] = useState("");
  const [round, setRound] = useState(0);
  useEffect(() => {
    let stopped = false;
    setFailed("");
    read(id).then(
      (found) => !stopped && setRecord(found),
      (error: unknown) => !stopped && setFailed(whyOf(error)),
    );
    return () => {
      stopped = true;
    };
  }, [id, round]);
  const again = (): void => setRound((n) => n + 1);
  return (
    <Shell className="paper-page">
      <main class="paper">
        {record ? (
          <Sheet record={record} title={title} again={again} failed={failed}>
            {children(record, again)}
          </Sheet>
        ) : failed ? (
          <div class="empty">
            <h1 class="sr">{title}</h1>
            <Icon name="gap" />
            <p>
              <b>This record could not be read</b>
              <br />
              {failed}
            </p>
            <button type="button" class="btn" onClick={again}>
              Try again
            </button>
          </div>
        ) : (
          <>
            <h1 class="sr">{title}</h1>
            <Loading />
          </>
        )}
      </main>
    </Shell>
  );
}

function Sheet({ record, title, again, failed, children }: { record: PaperRecord; title: string; again(): void; failed: string; children: ComponentChildren }) {
  const { session: s, readAt } = record;
  const opened = Date.parse(s.opened_at);
  const who = whoOf(record);
  usePrinted(title, who, `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-${s.number ?? s.session_id}-${new Date(opened).toISOString().slice(0, 10)}`);
  return (
    <article class="sheet">
      <div class="paper-bar screen-only">
        <a class="btn quiet" href={`/sessions/${s.session_id}`}>
          <Icon name="back" />
          Session
        </a>
        <span class="grow">{failed && <span role="status">Could not be read again: {failed}</span>}</span>
        <button type="button" class="btn" onClick={again}>
          Read again
        </button>
        <button type="button" class="btn main" onClick={() => print()}>
          Print
        </button>
      </div>
      <header class="paper-head">
        <h1>{title}</h1>
        <p class="paper-who">{who}</p>
        <p>
          Session of {day(opened)}, room {s.room}. All times are {zoneWords(opened)}. Read {day(readAt)} {clockTime(readAt)} by {me.value?.name}.
        </p>
      </header>
      {record.behind && (
        <p class="paper-warn" role="status">
          The history has not caught up with this session: entries are missing here. Do not file this sheet; read again in a moment.
        </p>
      )}
      {s.incomplete && <p class="paper-warn">The record holds entries that this version of KAP cannot read: this sheet may lack something.</p>}
      {children}
    </article>
  );
}

export function whoOf({ session: s, course }: PaperRecord): string {
  return [s.name ?? "Name not readable", `No. ${s.number ?? "not recorded"}`, `born ${course.birth_year ?? "not recorded"}`].join(" · ");
}

/** The patient on every page's head, the page's number on its foot, and a file name for who saves it as PDF. */
function usePrinted(title: string, who: string, file: string): void {
  useEffect(() => {
    const text = (said: string): string => `"${said.replace(/[\\"\n]/g, (c) => `\\${c.codePointAt(0)?.toString(16)} `)}"`;
    const font = "font: 8pt var(--font), sans-serif; color: black;";
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`@page {
      margin: 18mm 15mm 16mm;
      @top-left { content: ${text(who)}; ${font} font-weight: 600; }
      @top-right { content: ${text(title)}; ${font} }
      @bottom-left { content: "Made from the record in KAP."; ${font} }
      @bottom-right { content: "Page " counter(page) " of " counter(pages); ${font} }
    }`);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    let before = document.title;
    const named = (): void => {
      before = document.title;
      document.title = file;
    };
    const unnamed = (): void => {
      document.title = before;
    };
    addEventListener("beforeprint", named);
    addEventListener("afterprint", unnamed);
    return () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
      removeEventListener("beforeprint", named);
      removeEventListener("afterprint", unnamed);
    };
  }, [title, who, file]);
}

/** Left out would read as normal. */
export const Missing = ({ what = "Not recorded" }: { what?: string }) => <span class="missing">{what}</span>;

export const orMissing = (said: string | number | null | undefined): ComponentChildren => (said === null || said === undefined || said === "" ? <Missing /> : said);

export const yesNo = (answer: boolean | null | undefined): ComponentChildren => (answer === null || answer === undefined ? <Missing /> : answer ? "Yes" : "No");

/** `whole`: never parted by the end of a page. */
export function Section({ title, whole, children }: { title: string; whole?: boolean; children: ComponentChildren }) {
  return (
    <section class={whole ? "paper-section whole" : "paper-section"}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="paper-facts">
      {of.map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A row's cells; `struck`: it was corrected, and stays readable with the correction under it. */
export interface Row {
  key: string;
  cells: ComponentChildren[];
  struck?: Entry<unknown>["struck"];
}

export function Table({ name, heads, rows, none }: { name: string; heads: string[]; rows: Row[]; none: string }) {
  if (rows.length === 0) return <p>{none}</p>;
  return (
    <div class="paper-table" role="region" aria-label={name} tabIndex={0}>
      <table>
        <TableHead of={heads} />
        {rows.map(({ key, cells, struck }) => (
          <tbody key={key}>
            <tr>
              {cells.map((cell, i) => (
                <td key={i}>{struck ? <s>{cell}</s> : cell}</td>
              ))}
            </tr>
            {struck && (
              <tr class="fixed">
                <td colSpan={heads.length}>
                  {struck.replaced ? "Corrected, see the next row" : "Withdrawn"}, {clockTime(struck.at)}, by {orMissing(struck.by)}. Reason: {orMissing(struck.reason)}
                </td>
              </tr>
            )}
          </tbody>
        ))}
      </table>
    </div>
  );
}

/** Minutes from the first dose; nothing without one. */
export const minutesFrom = (zero: number | null, at: number): string => (zero === null ? "" : signed(Math.floor((at - zero) / MIN)));

/** The ways to an ended session's papers. */
export function Papers({ session: s }: { session: Session }) {
  if (s.state === "open" || me.value?.role === "wall") return null;
  return (
    <>
      <a class="btn" href={`/sessions/${s.session_id}/summary`}>
        Discharge summary
      </a>
      {s.route === "spravato" && (
        <a class="btn" href={`/sessions/${s.session_id}/rems`}>
          REMS form
        </a>
      )}
    </>
  );
}

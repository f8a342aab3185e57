/* What happened in this session, newest first. A withdrawn entry stays, struck through, with who corrected it and why. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { recordedTo } from "../api";
import { CatchUp } from "../catch-up";
import { asItStands, correctable, standing } from "../correcting";
import { lastDose } from "../course";
import type { Session, TimelineItem } from "../model";
import * as queries from "../queries";
import { asked, me, onCorrections, onReadings } from "../store";
import { alarmsById, doseMore, handEntry, tell } from "../story";
import { clockTime, signed, whyOf } from "../words";
import { Pri } from "./icon";
import { NotRead } from "./trouble";
import { UnsentOf } from "./unsent";

const MOST_TYPED = 200;

export interface Story {
  items: readonly TimelineItem[];
  failed: string;
  again(): void;
}

/** The timeline, read anew when the session's record grew, until the history has come to `known` and to what was recorded here. */
export function useStory(id: string, known: number): Story {
  const position = Math.max(known, recordedTo.value[id] ?? 0);
  const [state, setState] = useState({ items: [] as readonly TimelineItem[], failed: "" });
  // What was typed since this page looks on: shown at once, and until the history has it.
  const [typed, setTyped] = useState<readonly TimelineItem[]>([]);
  // Which of them were corrected since: struck through at once, and by whom and why when the history says so.
  const [gone, setGone] = useState<readonly string[]>([]);
  const [round, setRound] = useState(0);
  const stands = (item: TimelineItem): boolean => !gone.includes(standing(item) ?? "");
  const wanted = useRef({ position, typed, stands });
  wanted.current = { position, typed, stands };
  const again = (): void => setRound((n) => n + 1);
  const more = useRef(() => {});
  useEffect(() => {
    const reader = new CatchUp({
      read: () => asked(queries.timeline(id)),
      whole({ items, position: upTo }) {
        setState({ items, failed: "" });
        const { position: from, typed: mine, stands: counts } = wanted.current;
        return upTo >= from && items.every(counts) && mine.every(({ event_id }) => items.some((item) => item.event_id === event_id));
      },
      failed: (error) => setState((before) => ({ ...before, failed: whyOf(error) })),
    });
    more.current = () => reader.more();
    return () => reader.stop();
  }, [id, round]);
  useEffect(() => more.current(), [id, position, round, typed, gone]);
  useEffect(() => {
    setTyped([]);
    setGone([]);
    const stops = [
      onReadings(id, (readings) => {
        if (readings.length === 0) return again(); // a snapshot: what was corrected meanwhile no frame told
        const mine = readings.filter((reading) => reading.source === "manual");
        if (mine.length > 0) setTyped((before) => [...before, ...mine.map((reading) => handEntry(reading, me.peek()))].slice(-MOST_TYPED));
      }),
      onCorrections(id, (ids) => setGone((before) => [...before, ...ids].slice(-MOST_TYPED))),
    ];
    return () => stops.forEach((stop) => stop());
  }, [id]);
  const items = useMemo(() => {
    const known = new Set(state.items.map((item) => item.event_id));
    const all = [...state.items, ...typed.filter((item) => !known.has(item.event_id))];
    return all.map((item) => (stands(item) ? item : { ...item, withdrawn: true, correction: null }));
  }, [state.items, typed, gone]);
  return { failed: state.failed, items, again };
}

export function Timeline({ session, story, correct }: { session: Session; story: Story; correct?(item: TimelineItem): void }) {
  // An alarm's end stands with its beginning: lines of their own would crowd out what people entered.
  const alarms = alarmsById(story.items);
  const lines = story.items.filter(({ type, data }) => type !== "AlarmCleared" || !alarms.has(String(data["alarm_id"])));
  const newest = lines.sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.position - a.position);
  const dose = lastDose(session);
  return (
    <section class="panel timeline" aria-label="Timeline" tabIndex={0}>
      <h2>
        Timeline
      </h2>
      {story.failed && <NotRead what="The timeline" why={story.failed} look="history-failed" again={story.again} />}
      <ol class={dose ? "tl" : "tl undosed"}>
        <UnsentOf session={session} />
        {newest.map((item) => (
          <Item key={item.event_id} item={item} alarms={alarms} kg={session.weight_kg} zero={dose && Date.parse(dose.at)} correct={correct} />
        ))}
      </ol>
    </section>
  );
}

interface ItemProps {
  item: TimelineItem;
  alarms: ReturnType<typeof alarmsById>;
  zero: number | null;
  kg: number | null;
  correct: ((item: TimelineItem) => void) | undefined;
}

function Item({ item, alarms, zero, kg, correct }: ItemProps) {
  const at = Date.parse(item.at);
  const told = tell(item, alarms);
  const over = item.type === "AlarmRaised" ? alarms.get(String(item.data["alarm_id"]))?.cleared ?? null : null;
  const minutes = zero === null ? null : Math.floor((at - zero) / 60_000);
  const sentLater = Date.parse(item.recorded_at) - at > 60_000;
  const by = [item.by.startsWith("service:") ? null : item.by_name, sentLater && `recorded ${clockTime(Date.parse(item.recorded_at))}`].filter(Boolean).join(", ");
  const body = told.strong ? <b>{told.text}</b> : told.text;
  return (
    <li class="tl-item">
      <time dateTime={item.at}>{clockTime(at)}</time>
      {minutes !== null && <span class="rel">{signed(minutes)}</span>}
      <div>
        {told.priority && (
          <span data-p={told.priority}>
            <Pri of={told.priority} />
          </span>
        )}
        {item.withdrawn ? <s>{body}</s> : body}
        {by && <span class="by"> {by}</span>}
        {over !== null && <span class="by"> over at {clockTime(over)}</span>}
        {item.type === "Dosed" && !item.withdrawn && <small class="by">{doseMore(item.data, kg)}</small>}
        {item.correction && <Correction item={item} kg={kg} />}
      </div>
      {correct && correctable(item, me.value) && (
        <button type="button" class="correct" aria-haspopup="dialog" aria-label={`Correct: ${told.text}`} onClick={() => correct(item)}>
          Correct
        </button>
      )}
    </li>
  );
}

function Correction({ item, kg }: { item: TimelineItem; kg: number | null }) {
  const { correction } = item;
  if (!correction) return null;
  const data = correction.replacement;
  const { at } = asItStands(item);
  const moved = at !== Date.parse(item.at) && clockTime(at);
  const instead = data && [moved, tell({ type: item.type, data }).text, item.type === "Dosed" && doseMore(data, kg)].filter(Boolean).join(", ");
  return (
    <span class="fix">
      {instead ? `Corrected to: ${instead}` : "Withdrawn"} at {clockTime(Date.parse(correction.at))}
      {correction.by_name && ` by ${correction.by_name}`}
      {correction.reason && `: “${correction.reason}”`}
    </span>
  );
}

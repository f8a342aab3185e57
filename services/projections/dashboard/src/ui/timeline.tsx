/* What happened in this session, newest first. A withdrawn entry stays, struck through, with who corrected it and why. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { CatchUp } from "../catch-up";
import { correctable } from "../correcting";
import { lastDose } from "../course";
import type { Session, TimelineItem } from "../model";
import { asked, me, onReadings } from "../store";
import { alarmTexts, handEntry, tell } from "../story";
import { clockTime } from "../words";
import { Icon, Pri } from "./icon";
import { UnsentOf } from "./unsent";

const MOST_TYPED = 200;

export interface Story {
  items: readonly TimelineItem[];
  failed: string;
  again(): void;
}

/** The timeline, read anew when the session's record grew, until the history has come to `position`. */
export function useStory(id: string, position: number): Story {
  const [state, setState] = useState({ items: [] as readonly TimelineItem[], failed: "" });
  // What was typed since this page looks on: shown at once, and until the history has it.
  const [typed, setTyped] = useState<readonly TimelineItem[]>([]);
  const [round, setRound] = useState(0);
  const wanted = useRef({ position, typed });
  wanted.current = { position, typed };
  const more = useRef(() => {});
  useEffect(() => {
    const reader = new CatchUp({
      read: () => asked(api.timeline(id)),
      whole({ items, position: upTo }) {
        setState({ items, failed: "" });
        return upTo >= wanted.current.position && wanted.current.typed.every(({ event_id }) => items.some((item) => item.event_id === event_id));
      },
      failed: (error) => setState((before) => ({ ...before, failed: error instanceof Error ? error.message : String(error) })),
    });
    more.current = () => reader.more();
    return () => reader.stop();
  }, [id, round]);
  useEffect(() => more.current(), [id, position, round, typed]);
  useEffect(() => {
    setTyped([]);
    return onReadings(id, (readings) => {
      const mine = readings.filter((reading) => reading.source === "manual");
      if (mine.length > 0) setTyped((before) => [...before, ...mine.map((reading) => handEntry(reading, me.peek()))].slice(-MOST_TYPED));
    });
  }, [id]);
  const items = useMemo(() => {
    const known = new Set(state.items.map((item) => item.event_id));
    return [...state.items, ...typed.filter((item) => !known.has(item.event_id))];
  }, [state.items, typed]);
  return { failed: state.failed, items, again: () => setRound((n) => n + 1) };
}

export function Timeline({ session, story, correct }: { session: Session; story: Story; correct?(item: TimelineItem): void }) {
  const newest = [...story.items].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.position - a.position);
  const dose = lastDose(session);
  const alarms = alarmTexts(story.items);
  return (
    <section class="panel timeline" aria-label="Timeline" tabIndex={0}>
      <h2>
        Timeline
      </h2>
      {story.failed && (
        <p class="refusal history-failed" role="status">
          <Icon name="gap" />
          <span>The timeline could not be read: {story.failed} The live values are not affected.</span>
          <button type="button" class="btn" onClick={story.again}>
            Try again
          </button>
        </p>
      )}
      <ol class="tl">
        <UnsentOf session={session} />
        {newest.map((item) => (
          <Item key={item.event_id} item={item} alarms={alarms} zero={dose && Date.parse(dose.at)} correct={correct} />
        ))}
      </ol>
    </section>
  );
}

interface ItemProps {
  item: TimelineItem;
  alarms: ReadonlyMap<string, string>;
  zero: number | null;
  correct: ((item: TimelineItem) => void) | undefined;
}

function Item({ item, alarms, zero, correct }: ItemProps) {
  const at = Date.parse(item.at);
  const told = tell(item, alarms);
  const minutes = zero === null ? null : Math.floor((at - zero) / 60_000);
  const sentLater = Date.parse(item.recorded_at) - at > 60_000;
  const by = [item.by.startsWith("service:") ? null : item.by_name, sentLater && `recorded ${clockTime(Date.parse(item.recorded_at))}`].filter(Boolean).join(", ");
  const body = told.strong ? <b>{told.text}</b> : told.text;
  return (
    <li class="tl-item">
      <time dateTime={item.at}>{clockTime(at)}</time>
      <span class="rel">{minutes === null ? "" : minutes < 0 ? `−${-minutes}` : minutes === 0 ? "0" : `+${minutes}`}</span>
      <div>
        {told.priority && (
          <span data-p={told.priority}>
            <Pri of={told.priority} />
          </span>
        )}
        {item.withdrawn ? <s>{body}</s> : body}
        {by && <span class="by"> {by}</span>}
        {item.correction && <Correction item={item} />}
      </div>
      {correct && correctable(item, me.value) && (
        <button type="button" class="correct" aria-haspopup="dialog" aria-label={`Correct: ${told.text}`} onClick={() => correct(item)}>
          Correct
        </button>
      )}
    </li>
  );
}

function Correction({ item }: { item: TimelineItem }) {
  const { correction } = item;
  if (!correction) return null;
  const instead = correction.replacement && tell({ type: item.type, data: correction.replacement }).text;
  return (
    <span class="fix">
      {instead ? `Corrected to: ${instead}` : "Withdrawn"} at {clockTime(Date.parse(correction.at))}
      {correction.by_name && ` by ${correction.by_name}`}
      {correction.reason && `: “${correction.reason}”`}
    </span>
  );
}

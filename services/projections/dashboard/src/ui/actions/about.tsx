/* What every form of a session shows: whose it is, its own open alarms, what others did meanwhile, when it happened. */
import { useState } from "preact/hooks";
import { openAlarms } from "../../alarms";
import type { BoardSession } from "../../board";
import type { TimelineItem } from "../../model";
import type { Reader } from "../../reader";
import { useStable } from "../../stable";
import { feedLost, isMe, now, serverNow } from "../../store";
import { newsSince, tell } from "../../story";
import { clockTime } from "../../words";
import { CardAlarm, shownState } from "../alarm";
import { Line } from "../fields";
import type { Form } from "../form";
import { Icon } from "../icon";

/** The dialog covers the session's own alarms: they stay in sight here. */
export function About({ s }: { s: BoardSession }) {
  const alarms = openAlarms(s);
  const state = useStable(() => alarms[0] && shownState(alarms[0], feedLost.value, now.value), [alarms[0]]);
  return (
    <>
      <b>
        Room {s.room} · {s.label}
      </b>
      {s.name && <p>{s.name}</p>}
      {alarms[0] && (
        <div class="d-alarm card-head" data-p={alarms[0].priority} data-s={state}>
          <CardAlarm alarms={alarms} />
        </div>
      )}
    </>
  );
}

const NEWS = 3;

/** What somebody else recorded in this session since the form was opened. */
export function Meanwhile({ s, items }: { s: BoardSession; items: readonly TimelineItem[] }) {
  const [isNews] = useState(() => newsSince(items, s.record_position, serverNow()));
  const news = items.filter((item) => isNews(item) && item.by.startsWith("staff:") && !isMe(item.by)).slice(-NEWS);
  if (news.length === 0) return null;
  return (
    <div class="meanwhile" role="status">
      <Icon name="person" />
      <ul>
        {news.map((item) => (
          <li key={item.event_id}>
            Meanwhile, {clockTime(Date.parse(item.at))}: {tell(item).text} <span class="by">{item.by_name}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const LONGEST_MIN = 240;

/** Empty is now. An entry made later says how long ago it was. */
export function When({ form, what }: { form: Form; what: string }) {
  return <Line form={form} name="minutes_ago" label={`${what} how long ago, if not just now`} unit="min ago" bound={{ from: 0, to: LONGEST_MIN }} max={3} />;
}

/** The command's time as `When` says it; none when it is now. */
export function occurred(reader: Reader): { at?: string } {
  const minutes = reader.number("minutes_ago", "How long ago");
  if (minutes === undefined) return {};
  return { at: new Date(serverNow() - minutes * 60_000).toISOString() };
}

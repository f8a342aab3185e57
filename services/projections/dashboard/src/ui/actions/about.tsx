/* What every form of a session has: whose it is, its own open alarms, when it happened. */
import { openAlarms } from "../../alarms";
import type { Session } from "../../model";
import type { Reader } from "../../reader";
import { serverNow, sessionOf } from "../../store";
import { CardAlarm } from "../alarm";
import { Line } from "../fields";
import type { Form } from "../form";

/** The dialog covers the session's own alarms: they stay in sight here. */
export function About({ session }: { session: Session }) {
  const live = sessionOf(session.session_id).value;
  const alarms = live ? openAlarms(live).filter((alarm) => alarm.state !== "acknowledged") : [];
  return (
    <>
      <b>
        Room {session.room} · {session.label}
      </b>
      {session.name && <p>{session.name}</p>}
      {alarms[0] && (
        <div class="d-alarm card-head" data-p={alarms[0].priority} data-s={alarms[0].state}>
          <CardAlarm alarms={alarms} />
        </div>
      )}
    </>
  );
}

const LONGEST_MIN = 240;

/** Empty is now. An entry made later says how long ago it was. */
export function When({ form, what }: { form: Form; what: string }) {
  return <Line form={form} name="minutes_ago" label={`${what} how long ago, if not just now`} unit="min ago" max={3} />;
}

/** The command's time as `When` says it; none when it is now. */
export function occurred(reader: Reader): { at?: string } {
  const minutes = reader.number("minutes_ago", "How long ago");
  if (minutes === undefined) return {};
  if (minutes > LONGEST_MIN) reader.wrong["minutes_ago"] = `At most ${LONGEST_MIN} minutes ago. You entered ${minutes}.`;
  return { at: new Date(serverNow() - minutes * 60_000).toISOString() };
}

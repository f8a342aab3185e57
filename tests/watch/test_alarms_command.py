"""`kap alarms`: another protocol tried on recorded sessions, and the burden of what was raised."""

import asyncio
from uuid import UUID, uuid4

from kap.events.alarm_rules import Sustained
from kap.events.fact import Fact
from kap.events.session import AlarmAcknowledged, AlarmCleared, AlarmRaised, SessionOpened
from kap.events.vitals import VitalRecorded
from kap.log import JetStreamLog
from kap_local.alarms import Record, Trial, burden, compare, read
from kap_local.nats_server import NatsServer
from nats.aio.client import Client

from tests.watch.test_rules import opened
from tests.watch.test_watch import IM, NURSE, Log, S, in_merge_order, moment


def raised(at: float, rule: str = "spo2.low.high") -> AlarmRaised:
    return AlarmRaised(
        id=uuid4(), at=moment(at), by=NURSE, session_id=S, alarm_id=UUID(int=int(at) + 100), rule=rule,
        priority="high", kind="physiological", text="SpO2 85 < 90", onset=moment(at),
    )  # fmt: skip


def answered(kind: type[AlarmAcknowledged | AlarmCleared], alarm: AlarmRaised, at: float) -> Fact:
    return kind(id=uuid4(), at=moment(at), by=NURSE, session_id=S, alarm_id=alarm.alarm_id)


def recorded() -> Log:
    """An hour; SpO2 low for 12 s and, later, for 5 s, with what a watch without delays raised."""
    log = Log()
    opened(log)
    alarm, again = raised(100), raised(200)
    log.put(alarm, 100)
    log.put(
        AlarmAcknowledged(id=uuid4(), at=moment(110), by=NURSE, session_id=S, alarm_id=alarm.alarm_id), 110
    )
    log.put(AlarmCleared(id=uuid4(), at=moment(113), by=NURSE, session_id=S, alarm_id=alarm.alarm_id), 113)
    log.put(again, 200)
    log.put(AlarmCleared(id=uuid4(), at=moment(206), by=NURSE, session_id=S, alarm_id=again.alarm_id), 206)
    for n in range(300):
        low = 100 <= n <= 112 or 200 <= n <= 205
        log.reading(n, spo2=85 if low else 97)
    log.reading(3000, spo2=97)
    return log


def without_delays() -> Trial:
    rules = {name: rule for name, rule in IM.alarms.rules.items() if not isinstance(rule, Sustained)}
    del rules["spo2-falling"]
    changed = {"version": 9, "alarms": IM.alarms.model_copy(update={"rules": rules})}
    return Trial(IM.model_copy(update=changed))


def test_a_replay_shows_what_the_delays_save() -> None:
    record, own, at_once = Record(), Trial(IM), without_delays()
    for item in in_merge_order(recorded()):
        for one in (record, own, at_once):
            one.fold(item)
    own.end()
    at_once.end()
    by_rule = {row["rule"]: row for row in compare(record, own)["rules"]}
    assert (by_rule["spo2.low.high"]["raised"], by_rule["spo2.low.high"]["would_raise"]) == (2, 1)
    assert {row["rule"]: row for row in compare(record, at_once)["rules"]}["spo2.low.high"][
        "would_raise"
    ] == 2


def test_the_burden_counts_who_answered_and_what_ended_alone() -> None:
    record = Record()
    for item in in_merge_order(recorded()):
        record.fold(item)
    said = burden(record)
    assert (said["sessions"], said["session_hours"], said["alarms"]) == (1, 1.0, 2)
    assert (said["median_s_to_acknowledge"], said["cleared_by_themselves"]) == (10, 0.5)
    assert said["rules"][0]["per_session_hour"] == 2


async def test_the_log_is_read_to_its_end(nats_server: NatsServer, client: Client) -> None:
    log, written = JetStreamLog(client, "main", "tests"), recorded()
    facts = [item.event for item in written.events if isinstance(item.event, Fact)]
    position = 0
    for fact in facts:
        position = await log.append(f"session.{S}", [fact], position)
    readings = [item.event for item in written.vitals if isinstance(item.event, VitalRecorded)]
    await log.record(readings, position)
    record, trial = Record(), Trial(IM)
    async with asyncio.timeout(20):
        await read(nats_server.url(), [record, trial])
    trial.end()
    assert isinstance(facts[0], SessionOpened) and trial.sessions == {S}
    result = compare(record, trial)
    assert (result["raised"], result["sessions"]) == (2, 1)
    assert any(row["rule"] == "spo2.low.high" and row["would_raise"] == 1 for row in result["rules"])


def test_nothing_recorded_is_no_burden() -> None:
    assert burden(Record())["per_session_hour"] is None

"""What the protocol's own rules find: it begins after its delay and ends when it is over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kap.events.session import Priority

from session_monitor.watch.alarms import begin, end
from session_monitor.watch.state import Condition, Session, Watch


@dataclass(frozen=True, slots=True)
class Found:
    """A condition as its alarm will tell it."""

    priority: Priority
    kind: Literal["physiological", "technical"]
    text: str
    signal: str | None = None
    value: float | None = None
    limit: float | None = None
    device_id: str | None = None


def hold(
    watch: Watch,
    session: Session,
    rule: str,
    found: Found | None,
    at: datetime,
    *,
    for_s: float = 0,
    late: bool = False,
    of: str | None = None,
) -> None:
    """The rule's condition holds (`found`) or not. `of` tells its devices apart."""
    key = of or rule
    condition = session.conditions.get(key)
    if found is None:
        if condition is not None:
            over(watch, session, key, at)
        return
    if condition is None:
        condition = session.conditions[key] = Condition(at)
    condition.well_at = None
    if condition.alarm is not None and not late:
        known = session.alarms.get(condition.alarm)
        if known is not None and known.late and known.onset < at:
            end(watch, session, condition.alarm, at)  # the past reaches into the present: now it has to sound
            condition.alarm = None
    if condition.alarm is None and (at - condition.since).total_seconds() >= for_s:
        condition.alarm = begin(
            watch,
            session,
            rule=rule,
            of=key,
            priority=found.priority,
            kind=found.kind,
            text=found.text[:80],
            onset=at,
            signal=found.signal,
            value=found.value,
            limit=found.limit,
            device_id=found.device_id,
            late=late,
        )


def over(watch: Watch, session: Session, key: str, at: datetime) -> None:
    condition = session.conditions.pop(key, None)
    if condition is not None and condition.alarm is not None:
        end(watch, session, condition.alarm, at)

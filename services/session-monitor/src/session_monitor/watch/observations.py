"""What staff saw: symptoms, adverse events, the level of sedation."""

from collections.abc import Iterable
from datetime import datetime

from kap.events import Anything
from kap.events.alarm_rules import Sedation, Symptoms
from kap.events.session import AdverseEventRecorded, ObservationRecorded

from session_monitor.session import RANK
from session_monitor.watch.conditions import Found, hold, over
from session_monitor.watch.state import Session, Watch

Seen = dict[str, tuple[datetime, Found]]


def seen(session: Session, events: Iterable[Anything]) -> Seen:
    """What holds after these facts: rule → since when, and what.

    A symptom is over with the next observation of MOAA/S that does not name it, an adverse event with the
    next such observation without any symptom.
    """
    found: Seen = {}
    if session.rules is None:
        return found
    for name, rule in session.rules.rules.items():
        if isinstance(rule, Symptoms):
            for event in events:
                _symptoms(found, name, rule, event)
        elif isinstance(rule, Sedation):
            for event in events:
                _sedation(found, name, rule, event)
    return found


def _symptoms(found: Seen, name: str, rule: Symptoms, event: Anything) -> None:
    match event:
        case ObservationRecorded():
            there = {f"{name}.{code}" for code in event.symptoms if code in rule.codes}
            if event.moaas is not None:
                for key in [key for key in found if key.startswith(f"{name}.") and key not in there]:
                    if key.startswith(f"{name}.event.") and event.symptoms:
                        continue
                    del found[key]
            for code in event.symptoms:
                if code in rule.codes:
                    found.setdefault(f"{name}.{code}", (event.at, _high(code)))
        case AdverseEventRecorded():
            if event.category in rule.codes or event.severity in rule.severities:
                key = f"{name}.event.{event.category}"
                found.setdefault(key, (event.at, _high(event.category)))


def _high(code: str) -> Found:
    return Found("high", "physiological", code.replace("_", " ").replace("-", " ").capitalize())


def _sedation(found: Seen, name: str, rule: Sedation, event: Anything) -> None:
    if not isinstance(event, ObservationRecorded) or event.moaas is None:
        return
    levels = [level for level in rule.levels if event.moaas <= level.at_most]
    worst = max(levels, key=lambda level: RANK[level.priority], default=None)
    for level in ("high", "medium", "low"):
        key = f"{name}.{level}"
        if worst is None or worst.priority != level:
            found.pop(key, None)
        elif key not in found:
            text = f"MOAA/S {event.moaas}"
            said = Found(worst.priority, "physiological", text, "moaas", event.moaas, worst.at_most)
            found[key] = (event.at, said)


def judge_seen(watch: Watch, session: Session, now: Seen, at: datetime) -> None:
    """Bring the alarms to what staff's entries, corrected ones included, come to."""
    if session.rules is None:
        return
    kinds = [n for n, rule in session.rules.rules.items() if isinstance(rule, Symptoms | Sedation)]
    for key in [key for key in session.conditions if any(key.startswith(f"{name}.") for name in kinds)]:
        if key not in now:
            over(watch, session, key, at)
    for key, (since, found) in now.items():
        if key not in session.conditions:
            hold(watch, session, key, found, since)

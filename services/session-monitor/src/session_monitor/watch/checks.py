"""What time alone brings: checks that were not done, second readings that did not come."""

from datetime import datetime, timedelta

from session_monitor.watch.conditions import Found, hold
from session_monitor.watch.limits import not_repeated, unanswered
from session_monitor.watch.state import Session, Watch


def advance(watch: Watch, session: Session, until: datetime) -> None:
    """Begin what fell due before then. Cheap when nothing did."""
    while session.due is not None and session.due < until and session.ended is None:
        due = session.due
        _checks(watch, session, due, until)
        not_repeated(watch, session, until)
        plan(session)
        if session.due is not None and session.due <= due:
            return


def plan(session: Session) -> None:
    """When time alone may next begin an alarm."""
    times = [t for t in (unanswered(session), *_dues(session).values()) if t is not None]
    session.due = min(times, default=None)


def measured(watch: Watch, session: Session, at: datetime) -> None:
    """A blood pressure was measured: the checks up to then are done."""
    if session.measured_at is None or at > session.measured_at:
        session.measured_at = at
        done(watch, session, at)


def done(watch: Watch, session: Session, at: datetime) -> None:
    """End what is not overdue any more, after a measurement or another dose."""
    if session.rules is None:
        return
    overdue = _overdue(session)
    for name in _names(session):
        condition = session.conditions.get(name)
        if condition is not None and condition.since != overdue.get(name):
            hold(watch, session, name, None, at)
    plan(session)


def _names(session: Session) -> list[str]:
    if session.rules is None:
        return []
    names = [session.rules.cuff_overdue[0]] if session.rules.cuff_overdue is not None else []
    if session.rules.checks is not None:
        names += [f"{session.rules.checks[0]}.low", f"{session.rules.checks[0]}.medium"]
    return names


def _due_min(session: Session) -> float | None:
    """The first scheduled check that is not done, in minutes after the last dose."""
    if session.rules is None or session.rules.checks is None or session.expected is None:
        return None
    if session.dosed_at is None:
        return None
    early = timedelta(minutes=session.rules.checks[1].early_min)
    for minutes in session.expected.checks_min:
        from_ = session.dosed_at + timedelta(minutes=minutes) - early
        if session.measured_at is None or session.measured_at < from_:
            return minutes
    return None


def _overdue(session: Session) -> dict[str, datetime]:
    """When each of them is overdue, unless something is measured before."""
    found: dict[str, datetime] = {}
    if session.rules is None or session.dosed_at is None or session.ended is not None:
        return found
    minutes = _due_min(session)
    if session.rules.checks is not None and minutes is not None:
        name, rule = session.rules.checks
        due = session.dosed_at + timedelta(minutes=minutes)
        found[f"{name}.low"] = due + timedelta(minutes=rule.low_after_min)
        found[f"{name}.medium"] = due + timedelta(minutes=rule.medium_after_min)
    if session.rules.cuff_overdue is not None:
        name, cuff = session.rules.cuff_overdue
        last = max(session.dosed_at, session.measured_at or session.dosed_at)
        found[name] = last + timedelta(minutes=cuff.after_min)
    return found


def _dues(session: Session) -> dict[str, datetime]:
    """Of `_overdue`, those that have not begun."""
    times = _overdue(session)
    if session.rules is not None and session.rules.checks is not None:
        name = session.rules.checks[0]
        if f"{name}.medium" in session.conditions:
            times.pop(f"{name}.low", None)
    return {key: at for key, at in times.items() if key not in session.conditions}


def _checks(watch: Watch, session: Session, due: datetime, until: datetime) -> None:
    if session.rules is None:
        return
    minutes = _due_min(session)
    for key, at in sorted(_dues(session).items(), key=lambda item: item[1]):
        if at >= until:
            continue
        if session.rules.checks is not None and key.startswith(f"{session.rules.checks[0]}."):
            name = session.rules.checks[0]
            text = f"The check at {minutes:g} min is overdue"
            if key == f"{name}.medium":
                hold(watch, session, key, Found("medium", "technical", text, "systolic"), at)
                hold(watch, session, f"{name}.low", None, at)
            else:
                hold(watch, session, key, Found("low", "technical", text, "systolic"), at)
        elif session.rules.cuff_overdue is not None:
            rule_cuff = session.rules.cuff_overdue[1]
            text = f"No blood pressure for {rule_cuff.after_min:g} min"
            hold(watch, session, key, Found(rule_cuff.priority, "technical", text, "systolic"), at)

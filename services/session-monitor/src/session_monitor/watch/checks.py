"""What time alone brings: checks not done, second readings that did not come, the end of what is well."""

from datetime import datetime, timedelta

from session_monitor.watch.conditions import Found, hold
from session_monitor.watch.limits import not_repeated, unanswered, well, wells
from session_monitor.watch.state import Session, Watch


def advance(watch: Watch, session: Session, until: datetime) -> None:
    """Begin and end what fell due before then. Cheap when nothing did."""
    while session.due is not None and session.due < until and session.ended is None:
        due = session.due
        well(watch, session, until)
        _checks(watch, session, due, until)
        not_repeated(watch, session, until)
        plan(session)
        if session.due is not None and session.due <= due:
            return


def plan(session: Session) -> None:
    """When time alone may next begin or end an alarm."""
    times = [t for t in (unanswered(session), *_dues(session).values(), *wells(session)) if t is not None]
    session.due = min(times, default=None)


def measured(watch: Watch, session: Session, at: datetime) -> None:
    """A blood pressure was measured: the checks up to then that want nothing else are done."""
    if session.measured_at is None or at > session.measured_at:
        session.measured_at = at
        done(watch, session, at)


def done(watch: Watch, session: Session, at: datetime) -> None:
    """End what is not overdue any more, after a measurement, an observation or another dose."""
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


def _not_done(session: Session) -> tuple[float, list[str]] | None:
    """The first scheduled check that is not done, in minutes after the last dose, and what it still wants.

    While a past is told, a device says how far its pressures have come, and nothing of what staff saw.
    """
    if session.rules is None or session.rules.checks is None or session.expected is None:
        return None
    if session.dosed_at is None:
        return None
    early = timedelta(minutes=session.rules.checks[1].early_min)
    moaas_min = session.expected.moaas_min if session.past_until is None else []
    wanted = (
        ("blood pressure", session.expected.checks_min, session.measured_at),
        ("MOAA/S", moaas_min, session.observed_at),
    )
    for minutes in sorted({*session.expected.checks_min, *moaas_min}):
        from_ = session.dosed_at + timedelta(minutes=minutes) - early
        missing = [what for what, at, last in wanted if minutes in at and (last is None or last < from_)]
        if missing:
            return minutes, missing
    return None


def _overdue(session: Session) -> dict[str, datetime]:
    """When each of them is overdue, unless something is measured or observed before."""
    found: dict[str, datetime] = {}
    if session.rules is None or session.dosed_at is None or session.ended is not None:
        return found
    check = _not_done(session)
    if session.rules.checks is not None and check is not None:
        name, rule = session.rules.checks
        due = session.dosed_at + timedelta(minutes=check[0])
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
    check = _not_done(session)
    for key, at in sorted(_dues(session).items(), key=lambda item: item[1]):
        if at >= until:
            continue
        if (
            check is not None
            and session.rules.checks is not None
            and key.startswith(f"{session.rules.checks[0]}.")
        ):
            name = session.rules.checks[0]
            minutes, missing = check
            text = f"The check at {minutes:g} min is overdue: {', '.join(missing)}"
            signal = "systolic" if "blood pressure" in missing else "moaas"
            if key == f"{name}.medium":
                hold(watch, session, key, Found("medium", "technical", text, signal), at)
                hold(watch, session, f"{name}.low", None, at)
            else:
                hold(watch, session, key, Found("low", "technical", text, signal), at)
        elif session.rules.cuff_overdue is not None:
            rule_cuff = session.rules.cuff_overdue[1]
            text = f"No blood pressure for {rule_cuff.after_min:g} min"
            hold(watch, session, key, Found(rule_cuff.priority, "technical", text, "systolic"), at)

"""Values against what they were and what the time since the dose leads one to expect."""

from datetime import datetime, timedelta

from kap.events.alarm_rules import Change, Expected, Falling, OfSignal, Rising
from kap.events.session import Priority

from session_monitor.session import RANK
from session_monitor.watch.conditions import Found, hold
from session_monitor.watch.limits import sooner, well_for
from session_monitor.watch.state import NAMES, Session, Track, Watch

STEP = timedelta(seconds=10)  # a trend keeps the highest value of each so long


def follow(
    watch: Watch,
    session: Session,
    signal: str,
    track: Track,
    before: float | None,
    at: datetime,
    *,
    typed: bool = False,
    doubtful: float | None = None,
    fresh: bool = True,
) -> None:
    """Judge a signal's latest value; `doubtful` is one that may alarm but never reassure.

    One that is not `fresh` begins nothing: it only says whether what was found still holds.
    """
    if session.rules is None:
        return
    value = track.value if doubtful is None else doubtful
    if signal not in session.first and session.dosed_at is None and doubtful is None:
        session.first[signal] = (value, track.typed)
    if signal == "respiratory_rate" and doubtful is None:
        breathing(watch, session, value, at, typed=typed, late=track.late)
    for name, rule in session.rules.of_signal.get(signal, ()):
        match rule:
            case Change():
                found = _change(session, rule, track, value)
            case Expected():
                found = _expected(session, rule, track, value, at)
            case Rising():
                found = _rising(session, name, rule, track, value, before, at)
            case Falling():
                found = _falling(session, name, rule, track, value, at)
        if found is not None and name not in session.conditions:
            if not fresh or covered(session, track, rule.priority):
                continue
        if found is None and not typed and doubtful is None and swings(session, name, track, at):
            continue
        if found is not None or doubtful is None:
            for_s = 0 if typed or isinstance(rule, Rising) else rule.for_s
            hold(watch, session, name, found, at, for_s=for_s, late=track.late)


def swings(session: Session, name: str, track: Track, at: datetime) -> bool:
    """Whether it is not well for long enough yet that its alarm is over."""
    condition = session.conditions.get(name)
    if condition is None or condition.alarm is None:
        return False
    if condition.well_at is None:
        condition.well_at = at + well_for(session, track.signal)
        sooner(session, condition.well_at)
    return at < condition.well_at


def covered(session: Session, track: Track, priority: Priority) -> bool:
    """Whether a limit of the signal alarms already, as bad or worse: one alarm is enough."""
    for id in track.open.values():
        alarm = session.alarms.get(id)
        if alarm is not None and RANK[alarm.priority] >= RANK[priority]:
            return True
    return False


def breathing(
    watch: Watch,
    session: Session,
    value: float | None,
    at: datetime,
    *,
    typed: bool = False,
    late: bool = False,
) -> None:
    """A rate of 0 is no breath; a rate that is lost after that (None) is still none."""
    there = session.rules.apnoea if session.rules is not None else None
    if there is None:
        return
    name, rule = there
    none = value <= 0 if value is not None else name in session.conditions
    text = f"No breath for {rule.for_s:g} s"
    found = Found("high", "physiological", text, "respiratory_rate", 0, rule.for_s) if none else None
    hold(watch, session, name, found, at, for_s=0 if typed else rule.for_s, late=late)


def baseline(session: Session, signal: str) -> float | None:
    first, _ = session.first.get(signal, (None, None))
    return session.baseline.get(signal, first)


def _told(rule: OfSignal, track: Track, value: float, text: str, limit: float) -> Found:
    return Found(rule.priority, "physiological", text, track.signal, value, limit)


def _change(session: Session, rule: Change, track: Track, value: float) -> Found | None:
    was = baseline(session, rule.signal)
    if was is None:
        return None
    changed = value - was if rule.direction == "up" else was - value
    if changed < rule.by:
        return None
    text = f"{NAMES[track.signal]} {value:g}, baseline {was:g}: {value - was:+g}"
    return _told(rule, track, value, text, was + (rule.by if rule.direction == "up" else -rule.by))


def _expected(session: Session, rule: Expected, track: Track, value: float, at: datetime) -> Found | None:
    was = baseline(session, rule.signal)
    if was is None or session.dosed_at is None or session.expected is None or at < session.dosed_at:
        return None
    minutes = (at - session.dosed_at).total_seconds() / 60
    most = was + rule.rise * effect(session, minutes) + rule.margin
    if value <= most:
        return None
    text = f"{NAMES[track.signal]} {value:g} > {most:.0f} expected {minutes:.0f} min after dose"
    return _told(rule, track, value, text, round(most, 1))


def effect(session: Session, minutes: float) -> float:
    """The drug's expected effect so long after the dose: 0 at the onset, 1 at the peak, 0 at the offset."""
    course = session.expected
    if course is None or minutes <= course.onset_min or minutes >= course.offset_min:
        return 0.0
    if minutes <= course.peak_min:
        return (minutes - course.onset_min) / (course.peak_min - course.onset_min)
    return (course.offset_min - minutes) / (course.offset_min - course.peak_min)


def _rising(
    session: Session, name: str, rule: Rising, track: Track, value: float, before: float | None, at: datetime
) -> Found | None:
    if session.dosed_at is None or session.expected is None or value <= rule.above:
        return None
    holds = name in session.conditions
    if not holds:
        past = at >= session.dosed_at + timedelta(minutes=session.expected.peak_min)
        if not past or before is None or value - before < rule.by:
            return None
    text = f"{NAMES[track.signal]} {value:g} and rising after the expected peak"
    return _told(rule, track, value, text, rule.above)


def _falling(
    session: Session, name: str, rule: Falling, track: Track, value: float, at: datetime
) -> Found | None:
    kept = session.highest.setdefault(name, [])
    while kept and at - kept[0][0] > timedelta(seconds=rule.within_s):
        kept.pop(0)
    if kept and at - kept[-1][0] < STEP:
        if value > kept[-1][1]:
            kept[-1] = (kept[-1][0], value)
    else:
        kept.append((at, value))
    most = max(highest for _, highest in kept)
    if most - value < rule.by:
        return None
    text = f"{NAMES[track.signal]} fell from {most:g} to {value:g} within {rule.within_s:g} s"
    return _told(rule, track, value, text, rule.by)

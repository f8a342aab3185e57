"""A reading that somebody typed is withdrawn: what it raised is over, what stood before it is judged again.

The value goes back to the latest that was measured or typed and still counts; without one there is none, and
what was found on it ends. A check that only this reading had done is open again.
"""

from datetime import datetime, timedelta
from uuid import UUID

from kap.events.vitals import MOST_TYPED, Signal, VitalCorrected, VitalRecorded

from session_monitor.watch.alarms import end
from session_monitor.watch.checks import advance, done
from session_monitor.watch.conditions import over
from session_monitor.watch.courses import follow
from session_monitor.watch.limits import judge, judge_one_again, no_more_asked
from session_monitor.watch.readings import read
from session_monitor.watch.state import APART, Session, Track, Typed, Value, Watch


def correct(watch: Watch, session: Session, correction: VitalCorrected, time: datetime) -> None:
    """`time`: when the correction was recorded. Of two corrections of one reading the first counts."""
    wrong = session.typed.get(correction.reading_id)
    if wrong is None or wrong.correction is not None:
        return
    wrong.correction = correction.id
    for rule in [rule for rule, (_, typed) in session.first.items() if typed == wrong.reading.id]:
        del session.first[rule]
    if session.ended is None:
        if session.rules is not None and session.past_until is None:
            advance(watch, session, time)
        at = min(correction.at, time)
        _raise_anew(watch, session, wrong, at)
        go_back(watch, session, at)
    if correction.replacement is not None:
        read(watch, session, correction.replacement)


def go_back(watch: Watch, session: Session, at: datetime) -> None:
    """To what stood before each value that was withdrawn; also one that was while the session had an end."""
    for rule, track in list(session.tracks.items()):
        wrong = session.typed.get(track.typed) if track.typed is not None else None
        if wrong is not None and wrong.correction is not None:
            _forget(watch, session, rule, track, wrong, at)
            _go_back(watch, session, rule, track, at)
    _measure(watch, session, at)


def _raise_anew(watch: Watch, session: Session, wrong: Typed, at: datetime) -> None:
    """An alarm that the reading raised and that newer values keep: it tells what they are, from now on."""
    for rule, track in session.tracks.items():
        if track.typed != wrong.reading.id and any(_raised(session, id, wrong) for id in track.open.values()):
            _forget(watch, session, rule, track, wrong, at)
            judge_one_again(watch, session, rule, track, at, typed=True)


def _forget(watch: Watch, session: Session, rule: str, track: Track, wrong: Typed, at: datetime) -> None:
    """End what this very reading began: its alarm tells a value that nobody measured."""
    for band in [band for band, id in track.open.items() if _raised(session, id, wrong)]:
        track.well_at.pop(band, None)
        end(watch, session, track.open.pop(band), at)
    for band in [band for band, pending in track.pending.items() if pending.since == wrong.at]:
        no_more_asked(watch, session, track.pending.pop(band), at)
    for name in _names(session, rule):
        condition = session.conditions.get(name)
        if condition is not None and condition.since == wrong.at:
            over(watch, session, name, at)
        session.highest.pop(name, None)


def _raised(session: Session, id: UUID, wrong: Typed) -> bool:
    """Whether the reading raised this alarm: then it has its time, or hardly more (`begin`)."""
    alarm = session.alarms.get(id)
    return alarm is not None and timedelta() <= alarm.onset - wrong.at <= MOST_TYPED * APART


def _names(session: Session, rule: str) -> list[str]:
    """The protocol's own rules on a signal."""
    if session.rules is None:
        return []
    names = [name for name, _ in session.rules.of_signal.get(rule, ())]
    apnoea = session.rules.apnoea
    return [*names, apnoea[0]] if apnoea is not None and rule == "respiratory_rate" else names


def _go_back(watch: Watch, session: Session, rule: str, track: Track, at: datetime) -> None:
    before = _latest(session, rule, track.measured)
    if before is None:
        judge(watch, session, track, [], at, at_once=True)
        for name in _names(session, rule):
            over(watch, session, name, at)
        del session.tracks[rule]
        return
    track.at, track.value, track.signal, track.late = before.at, before.value, before.signal, before.late
    track.told, track.typed = before.told, before.typed
    if before.typed is None:
        track.measured = None
    fresh = judge_one_again(watch, session, rule, track, at)
    typed = track.typed is not None
    follow(watch, session, rule, track, None, max(at, track.at), typed=typed, fresh=fresh)


def _latest(session: Session, rule: str, measured: Value | None) -> Value | None:
    """The newest value that still counts, of a device or typed."""
    found = measured
    for typed in session.typed.values():
        signal = _signal(rule, typed.reading)
        if typed.correction is None and signal is not None and (found is None or typed.at >= found.at):
            value = typed.reading.signals[signal].value
            found = Value(typed.at, value, signal, False, typed.at, typed.reading.id)
    return found


def _signal(rule: str, reading: VitalRecorded) -> Signal | None:
    """The reading's signal that this rule goes by: a pulse stands in for a heart rate."""
    names: tuple[Signal, ...] = ("heart_rate", "pulse_rate") if rule == "heart_rate" else (rule,)  # type: ignore[assignment]
    return next((name for name in names if name in reading.signals), None)


def _measure(watch: Watch, session: Session, at: datetime) -> None:
    """When a blood pressure was measured last, without what was withdrawn."""
    if session.rules is None:
        return
    typed = [t.at for t in session.typed.values() if t.correction is None and "systolic" in t.reading.signals]
    times = typed if session.cuffed_at is None else [*typed, session.cuffed_at]
    session.measured_at = max(times, default=None)
    done(watch, session, at)

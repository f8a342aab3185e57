"""Readings: which value counts, and for what."""

from datetime import datetime, timedelta

from kap.events.vitals import MOST_TYPED, Sample, VitalRecorded

from session_monitor.watch import declared
from session_monitor.watch.checks import advance, measured, plan
from session_monitor.watch.courses import follow
from session_monitor.watch.devices import heard
from session_monitor.watch.limits import judge, outside, past
from session_monitor.watch.probes import probes
from session_monitor.watch.state import NAMES, Session, Track, Typed, Value, Watch


def read(watch: Watch, session: Session, reading: VitalRecorded) -> None:
    at = min(reading.observed_at, reading.received_at)  # a time in the future never moves a clock
    ruled = session.rules is not None and session.ended is None
    declared.reading(watch, session, reading, at)
    if ruled and session.due is not None:
        if session.past_until is None:
            advance(watch, session, reading.received_at if reading.backfilled else at)
        elif reading.backfilled:  # a device tells its past in its order, so it tells how far that has come
            advance(watch, session, at)
    if reading.device_id is not None and reading.device_id in session.devices:
        heard(watch, session, reading.device_id, reading, at)
        if ruled:
            probes(watch, session, reading, at)
    signals, typed = reading.signals, reading.source == "manual"
    if typed:
        keep(session, reading)
    for signal, sample in signals.items():
        if signal == "pulse_rate":
            fresh = timedelta(seconds=session.limits.no_data_after_s)
            if "heart_rate" not in signals and not (session.ecg_at and at - session.ecg_at <= fresh):
                value(watch, session, "heart_rate", "pulse_rate", sample, at, reading, typed)
            continue
        if signal == "heart_rate":
            session.ecg_at = max(at, session.ecg_at or at)
        if signal in NAMES:
            value(watch, session, signal, signal, sample, at, reading, typed)
    if ruled and "systolic" in signals:
        if not typed:
            session.cuffed_at = max(at, session.cuffed_at or at)
        measured(watch, session, at)
        plan(session)


def keep(session: Session, reading: VitalRecorded) -> None:
    """What was typed may be corrected."""
    session.typed.setdefault(reading.id, Typed(reading))
    if len(session.typed) > MOST_TYPED:
        del session.typed[next(iter(session.typed))]


def value(
    watch: Watch,
    session: Session,
    rule: str,
    signal: str,
    sample: Sample,
    at: datetime,
    reading: VitalRecorded,
    typed: bool,
) -> None:
    late = reading.backfilled
    track = session.tracks.get(rule)
    if session.ended is not None or (track is not None and at < track.at):
        if late or session.ended is not None:
            past(watch, session, rule, signal, sample.value, at)
        if track is not None and track.typed is not None and not typed and sample.quality == "ok":
            if track.measured is None or track.measured.at <= at:
                track.measured = Value(at, sample.value, signal, late, reading.received_at if late else at)
        return  # overtaken by a newer value: it changes nothing
    broken = outside(rule, getattr(session.limits, rule), sample.value)
    if sample.quality == "questionable" and not broken:
        if track is not None and session.rules is not None:
            follow(watch, session, rule, track, None, at, doubtful=sample.value)
        return  # a doubtful value may alarm but never reassure
    before = track.value if track is not None else None
    if track is None:
        track = session.tracks[rule] = Track(at, sample.value, signal, late)
    else:
        if not typed:
            track.measured = None
        elif track.typed is None:
            track.measured = Value(track.at, track.value, track.signal, track.late, track.told)
        track.at, track.value, track.signal, track.late = at, sample.value, signal, late
    track.told = reading.received_at if late else at
    track.typed = reading.id if typed else None
    if broken or track.open or track.past or track.pending:
        judge(watch, session, track, broken, at, typed=typed)
    if session.rules is not None:
        follow(watch, session, rule, track, before, at, typed=typed)

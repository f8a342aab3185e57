"""Attached devices: silent ones, and those whose clock is off."""

from datetime import datetime, timedelta

from kap.events.session import Limits
from kap.events.vitals import VitalRecorded

from session_monitor.watch.alarms import begin, end
from session_monitor.watch.conditions import over
from session_monitor.watch.state import (
    CLOCK_SKEWED,
    IN_STEP,
    NO_DATA,
    OFF_FOR,
    SKEWED,
    Device,
    Session,
    Watch,
)


def heard(watch: Watch, session: Session, name: str, reading: VitalRecorded, at: datetime) -> None:
    device = session.devices[name]
    # a backfill says nothing of when it was measured about whether the device is there: it is there now
    heard = reading.received_at if reading.backfilled else at
    if heard <= device.heard:
        return
    silence(watch, session, name, heard)
    if device.silent is not None:
        end(watch, session, device.silent, heard)
        device.silent = None
    device.heard, device.not_before = heard, None
    if reading.backfilled:
        return
    skew = abs(reading.device_time - reading.observed_at)
    if skew <= IN_STEP:
        device.off_from = None
    elif skew > SKEWED and device.off_from is None:
        device.off_from = reading.received_at
    # what waited while this service stood still comes late, and all at once: no fault of its clock
    off = device.off_from is not None and reading.received_at - device.off_from >= OFF_FOR
    if skew > SKEWED and off and device.skewed is None:
        device.skewed = begin(
            watch,
            session,
            rule=CLOCK_SKEWED,
            of=f"{CLOCK_SKEWED}.{name}",
            priority="low",
            kind="technical",
            text=f"The device's clock is {skew.total_seconds():.0f} s off",
            onset=at,
            device_id=name,
        )
    elif skew <= IN_STEP and device.skewed is not None:
        end(watch, session, device.skewed, at)
        device.skewed = None


def deadline(session: Session, device: Device) -> datetime:
    due = device.heard + timedelta(seconds=session.limits.no_data_after_s)
    return max(due, device.not_before) if device.not_before is not None else due


def silence(watch: Watch, session: Session, name: str, until: datetime) -> None:
    """Raise "no data" if the device's time ran out before `until`."""
    device = session.devices[name]
    if device.silent is not None or session.past_until is not None:
        return
    onset = deadline(session, device)
    if until > onset:
        limits = session.limits
        device.silent = begin(
            watch,
            session,
            rule=NO_DATA,
            of=f"{NO_DATA}.{name}",
            priority=limits.no_data_priority,
            kind="technical",
            text="No data",
            onset=onset,
            limit=limits.no_data_after_s,
            device_id=name,
        )


def unwatch(watch: Watch, session: Session, name: str, time: datetime) -> None:
    silence(watch, session, name, time)
    device = session.devices.pop(name)
    for alarm in (device.silent, device.skewed, device.other_patient):
        if alarm is not None:
            end(watch, session, alarm, time)
    for key in [key for key in session.probes if key.startswith(f"{name}.")]:
        del session.probes[key]
    for key in [key for key in session.conditions if key.endswith(f".{name}")]:
        over(watch, session, key, time)


def new_silence(watch: Watch, session: Session, limits: Limits, time: datetime) -> None:
    """Another time allowed for silence: what the old one found is settled first."""
    if limits.no_data_after_s == session.limits.no_data_after_s:
        return
    for name, device in session.devices.items():
        silence(watch, session, name, time)
        device.not_before = time
        if device.silent is not None and device.heard + timedelta(seconds=limits.no_data_after_s) > time:
            end(watch, session, device.silent, time)
            device.silent = None

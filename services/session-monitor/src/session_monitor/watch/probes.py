"""A device's signals: a probe that is off, and a cuff on the probe's limb.

SpO2 and pulse gone at once are a probe's, and technical; a low SpO2 with a pulse is the patient's.
"""

from datetime import datetime, timedelta

from kap.events.vitals import VitalRecorded

from session_monitor.watch.conditions import Found, hold
from session_monitor.watch.courses import breathing
from session_monitor.watch.state import NAMES, Probe, Session, Watch

GAP = timedelta(seconds=3)  # so long without SpO2 while the cuff measures is no chance


def probes(watch: Watch, session: Session, reading: VitalRecorded, at: datetime) -> None:
    if session.rules is None or reading.device_id is None or reading.backfilled:
        return
    if "respiratory_rate" not in reading.signals and session.rules.apnoea is not None:
        breathing(watch, session, None, at)
    device = reading.device_id
    if session.rules.probe_off is not None:
        for signal in session.rules.probe_off[1].signals:
            there = signal in reading.signals
            key = f"{device}.{signal}"
            probe = session.probes.get(key)
            if probe is None:
                if there:
                    session.probes[key] = Probe(at)
            elif at >= probe.seen:
                _probe(watch, session, device, signal, probe, there=there, at=at)
    if "systolic" in reading.signals and session.rules.one_limb is not None:
        _cuff(watch, session, device, reading, at)


def _probe(
    watch: Watch, session: Session, device: str, signal: str, probe: Probe, *, there: bool, at: datetime
) -> None:
    assert session.rules is not None and session.rules.probe_off is not None
    name, rule = session.rules.probe_off
    low, medium = f"{name}.{signal}.low", f"{name}.{signal}.medium"
    lasted = at - probe.seen
    if there:
        if lasted >= GAP:
            probe.gone_from, probe.gone_to = probe.seen, at
        first = timedelta(seconds=rule.low_after_s)
        if f"{low}.{device}" not in session.conditions and f"{medium}.{device}" not in session.conditions:
            probe.every = min(lasted, first)
        probe.seen = at
        for level in (low, medium):
            hold(watch, session, level, None, at, of=f"{level}.{device}")
        return
    gone = lasted.total_seconds()
    if gone < max(rule.low_after_s, 2 * probe.every.total_seconds()):
        return
    after = rule.medium_after_s
    one_limb = session.rules.one_limb
    if one_limb is not None and signal == "spo2" and f"{one_limb[0]}.{device}" in session.conditions:
        after = max(after, one_limb[1].within_s)  # the cuff explains it for so long
    dosed = session.dosed_at is not None and session.dosed_at <= at
    worse = dosed and gone >= after
    text = f"{NAMES[signal]} gone: is the probe off?"
    for level, priority, holds in ((low, "low", not worse), (medium, "medium", worse)):
        found = Found("low" if priority == "low" else "medium", "technical", text, signal, None, None, device)
        hold(watch, session, level, found if holds else None, at, of=f"{level}.{device}")


def _cuff(watch: Watch, session: Session, device: str, reading: VitalRecorded, at: datetime) -> None:
    """SpO2 went while the cuff measured: look whether both are on one limb."""
    assert session.rules is not None and session.rules.one_limb is not None
    name, rule = session.rules.one_limb
    probe = session.probes.get(f"{device}.spo2")
    if probe is None:
        return
    within = timedelta(seconds=rule.within_s)
    gone = probe.seen + GAP <= at <= probe.seen + within and "pulse_rate" not in reading.signals
    if probe.gone_from is not None and probe.gone_to is not None:
        gone = gone or (probe.gone_from <= at <= probe.gone_to and at - probe.gone_from <= within)
    text = "SpO2 goes when the cuff measures: on one limb?"
    found = Found("low", "technical", text, None, None, None, device) if gone else None
    hold(watch, session, name, found, at, of=f"{name}.{device}")

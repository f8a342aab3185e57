"""What a session's forms need beside the board's view of it: a pure fold of its facts.

Not on the board: it is asked for one session at a time, and the feed's frames stay small.
"""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from kap.events import Anything
from kap.events.rules import SessionRules, Signer
from kap.events.session import (
    AdverseEventRecorded,
    AlarmRaised,
    DischargeSigned,
    Dose,
    DoseChecked,
    Dosed,
    GateOverridden,
    ObservationRecorded,
    PreDoseChecked,
    SessionOpened,
)
from pydantic import AwareDatetime, BaseModel

from projections.session_view import Session

Observed = Literal["moaas", "dissociation", "nausea", "pain"]
OBSERVED: tuple[Observed, ...] = ("moaas", "dissociation", "nausea", "pain")


class Entered(BaseModel):
    """Who entered it, and when it was."""

    at: AwareDatetime
    by: str
    by_name: str | None = None


class Override(Entered):
    gate: str
    reason: str


class Check(Entered):
    """A second person's check of a dose that was not given yet."""

    event_id: UUID
    role: Signer | None
    dose: Dose


class Observation(Entered):
    """MOAA/S 0–5 (5 awake); dissociation, nausea, pain 0–10."""

    value: int


class Details(BaseModel):
    """`rules`: the protocol's, as the session began with them; null before protocols had any.

    `overridden`, `dose_checks` and `signed` are those that still count: a new pre-dose check ends the
    overrides of the day's gates, a dose all others, the checks and the signatures; a physiological alarm or
    an adverse event the signatures of before. `observations` are the latest.
    """

    rules: SessionRules | None = None
    overridden: list[Override] = []
    dose_checks: list[Check] = []
    signed: dict[Signer, Entered] = {}
    observations: dict[Observed, Observation] = {}


class SessionDetail(Session, Details):
    """One session with what its forms need."""


def details(events: Iterable[Anything]) -> Details:
    found = Details()
    for event in events:
        match event:
            case SessionOpened(rules=rules):
                found.rules = rules
            case GateOverridden():
                found.overridden = [
                    *(o for o in found.overridden if o.gate != event.gate),
                    Override(at=event.at, by=event.by, gate=event.gate, reason=event.reason),
                ]
            case PreDoseChecked():
                found.overridden = [o for o in found.overridden if not _of_the_day(o.gate)]
            case DoseChecked():
                check = Check(at=event.at, by=event.by, event_id=event.id, role=event.role, dose=event.dose)
                found.dose_checks = [*found.dose_checks, check]
            case Dosed():
                found.overridden = [o for o in found.overridden if _of_the_day(o.gate)]
                found.dose_checks, found.signed = [], {}
            case AlarmRaised(kind="physiological", onset=at) | AdverseEventRecorded(at=at):
                found.signed = {role: one for role, one in found.signed.items() if one.at >= at}
            case DischargeSigned():
                found.signed = found.signed | {event.role: Entered(at=event.at, by=event.by)}
            case ObservationRecorded():
                found.observations = found.observations | _later(found, event)
    return found


def _of_the_day(gate: str) -> bool:
    """The gates of the dose and of the discharge are named after them: `dose.amount`, `discharge.stay`."""
    return "." not in gate


def _later(found: Details, event: ObservationRecorded) -> dict[Observed, Observation]:
    """What was observed, where nothing later was."""
    later: dict[Observed, Observation] = {}
    for name in OBSERVED:
        value, known = getattr(event, name), found.observations.get(name)
        if value is not None and (known is None or known.at <= event.at):
            later[name] = Observation(at=event.at, by=event.by, value=value)
    return later

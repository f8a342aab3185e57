"""A protocol's alarm rules: what is watched beside the limits, and how soon a limit alarms.

A session carries those of the protocol that it began with. Pressures in mm[Hg], rates /min, saturation in %;
times in the unit that the name ends with, counted from the last dose where a rule speaks of a dose.
"""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from kap.events.fact import Code, Frozen

Level = Literal["high", "medium", "low"]
Followed = Literal["spo2", "systolic", "diastolic", "heart_rate", "respiratory_rate"]
Probe = Literal["spo2", "heart_rate", "respiratory_rate"]
Severity = Literal["minimal", "minor", "moderate", "sentinel"]


class Sustained(Frozen):
    """A limit alarms once the value was outside for so long; at `at_once` or worse, and typed in, at once.

    `band` names the limit: signal, side and priority, as in `spo2.low.high`.
    """

    kind: Literal["sustained"]
    band: Code
    for_s: float = Field(gt=0, le=600)
    at_once: float | None = None


class Confirmed(Frozen):
    """A limit alarms once a second reading confirms the first; till then it asks for one.

    The second comes at least `again_from_s` after the first. At `again_until_s` without one it alarms.
    """

    kind: Literal["confirmed"]
    band: Code
    again_from_s: float = Field(gt=0, le=600)
    again_until_s: float = Field(gt=0, le=900)
    at_once: float | None = None
    asks: Level = "low"


class Change(Frozen):
    """The value is so far from the baseline: the pre-dose check, else the first reading."""

    kind: Literal["change"]
    signal: Followed
    direction: Literal["up", "down"]
    by: float = Field(gt=0)
    for_s: float = Field(default=0, ge=0, le=600)
    priority: Level


class Expected(Frozen):
    """The value is more than `margin` over what the time since the dose leads one to expect.

    Expected is the baseline, rising by `rise` between the route's onset and peak, and gone at its offset.
    """

    kind: Literal["expected"]
    signal: Followed
    rise: float = Field(ge=0)
    margin: float = Field(gt=0)
    for_s: float = Field(default=0, ge=0, le=600)
    priority: Level


class Rising(Frozen):
    """After the expected peak, over `above`, and at least `by` more than the reading before."""

    kind: Literal["rising"]
    signal: Followed
    above: float
    by: float = Field(gt=0)
    priority: Level


class Falling(Frozen):
    """The value fell by so much within so long."""

    kind: Literal["falling"]
    signal: Followed
    by: float = Field(gt=0)
    within_s: float = Field(ge=20, le=1800)
    for_s: float = Field(default=0, ge=0, le=600)
    priority: Level


class Apnoea(Frozen):
    """No breath: a respiratory rate of 0 for so long, the signal's loss in between included."""

    kind: Literal["apnoea"]
    for_s: float = Field(gt=0, le=60)


class Symptoms(Frozen):
    """One of these symptoms, or an adverse event of that name or severity: high, whatever the numbers."""

    kind: Literal["symptoms"]
    codes: list[Code] = Field(min_length=1, max_length=40)
    severities: list[Severity] = Field(default=[], max_length=4)


class Sedated(Frozen):
    at_most: int = Field(ge=0, le=4)
    priority: Level


class Sedation(Frozen):
    """MOAA/S at most so much."""

    kind: Literal["sedation"]
    levels: list[Sedated] = Field(min_length=1, max_length=5)


class ProbeOff(Frozen):
    """A signal is gone while its device still sends others; after a dose it becomes medium."""

    kind: Literal["probe_off"]
    signals: list[Probe] = Field(min_length=1, max_length=3)
    low_after_s: float = Field(gt=0, le=60)
    medium_after_s: float = Field(gt=0, le=120)


class OneLimb(Frozen):
    """SpO2 and pulse were gone while the cuff measured: both seem to be on one limb.

    Until a cuff reading with the pulse there, the loss of both is low for so long, and never hidden.
    """

    kind: Literal["one_limb"]
    within_s: float = Field(gt=0, le=60)


class Checks(Frozen):
    """A scheduled check was not done: what `expected` wants of it was not seen since shortly before it.

    That is a blood pressure (`checks_min`), MOAA/S (`moaas_min`) or both. Dissociation alarms nobody: not
    everybody can be asked for it at its minute.
    """

    kind: Literal["checks"]
    early_min: float = Field(ge=0, le=10)
    low_after_min: float = Field(gt=0, le=30)
    medium_after_min: float = Field(gt=0, le=60)


class CuffOverdue(Frozen):
    """After a dose, no blood pressure for so long, whatever the schedule."""

    kind: Literal["cuff_overdue"]
    after_min: float = Field(gt=0, le=120)
    priority: Level


AlarmRule = Annotated[
    Sustained
    | Confirmed
    | Change
    | Expected
    | Rising
    | Falling
    | Apnoea
    | Symptoms
    | Sedation
    | ProbeOff
    | OneLimb
    | Checks
    | CuffOverdue,
    Field(discriminator="kind"),
]
OfSignal = Change | Expected | Rising | Falling


class Escalation(Frozen):
    """An alarm of this priority that nobody acknowledged for so long is told to whom `to` names."""

    priority: Level
    after_s: float = Field(ge=15, le=3600)
    to: Code


class AlarmRules(Frozen):
    """Rules by their name. An alarm of a priority in `latching` stays till somebody acknowledges it.

    What a monitor sends all the time has to be well for `clear_after_s` before its alarm is over: one value
    that swings about a limit is one alarm.
    """

    rules: dict[Code, AlarmRule] = Field(max_length=60)
    clear_after_s: float = Field(default=0, ge=0, le=30)
    latching: list[Level] = Field(default=[], max_length=3)
    escalation: list[Escalation] = Field(default=[], max_length=10)

    @cached_property
    def of_band(self) -> dict[str, Sustained | Confirmed]:
        return {r.band: r for r in self.rules.values() if isinstance(r, Sustained | Confirmed)}

    @cached_property
    def of_signal(self) -> dict[str, list[tuple[str, OfSignal]]]:
        found: dict[str, list[tuple[str, OfSignal]]] = {}
        for name, rule in self.rules.items():
            if isinstance(rule, OfSignal):
                found.setdefault(rule.signal, []).append((name, rule))
        return found

    @cached_property
    def apnoea(self) -> tuple[str, Apnoea] | None:
        return next(((n, r) for n, r in self.rules.items() if isinstance(r, Apnoea)), None)

    @cached_property
    def probe_off(self) -> tuple[str, ProbeOff] | None:
        return next(((n, r) for n, r in self.rules.items() if isinstance(r, ProbeOff)), None)

    @cached_property
    def one_limb(self) -> tuple[str, OneLimb] | None:
        return next(((n, r) for n, r in self.rules.items() if isinstance(r, OneLimb)), None)

    @cached_property
    def checks(self) -> tuple[str, Checks] | None:
        return next(((n, r) for n, r in self.rules.items() if isinstance(r, Checks)), None)

    @cached_property
    def cuff_overdue(self) -> tuple[str, CuffOverdue] | None:
        return next(((n, r) for n, r in self.rules.items() if isinstance(r, CuffOverdue)), None)

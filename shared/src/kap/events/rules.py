"""What a protocol demands before, at and after a dose.

A session carries the gates, the dose and the discharge of the protocol that it began with, so that no
decision asks another service. A name that ends in `_to` is the highest value still allowed, one in `_from`
the lowest.
"""

from typing import Literal

from pydantic import Field

from kap.events.alarm_rules import AlarmRules
from kap.events.fact import Code, Frozen

Standing = Literal["hard_stop", "clearance", "note"]
Question = Literal["ride", "intoxication", "pregnancy", "urinary_symptoms", "suicidality", "drugs_changed"]
Signer = Literal["nurse", "prescriber"]


class EligibilityRule(Frozen):
    """What is asked of a patient, and what a yes means: no treatment, a prescriber's clearance, or a note.

    `longer_stay_min`: a yes lengthens the minimum stay after each dose, and its checks, by so many minutes.
    """

    asks: str = Field(min_length=1, max_length=200)
    standing: Standing
    longer_stay_min: float | None = Field(default=None, gt=0, le=480)
    source: str = Field(min_length=1, max_length=300)


class Ages(Frozen):
    """In years: under `minimum` nobody is treated; up to `young_to` and from `old_from` there is a note."""

    minimum: int = Field(ge=0, le=120)
    young_to: int = Field(ge=0, le=120)
    old_from: int = Field(ge=0, le=120)


class Eligibility(Frozen):
    """Rules by their key, interacting drugs by their class."""

    ages: Ages
    rules: dict[Code, EligibilityRule] = Field(min_length=1, max_length=60)
    interacting_drugs: dict[Code, EligibilityRule] = Field(default={}, max_length=30)


class Gates(Frozen):
    """What must hold on the day, before the first dose. Hours, mm[Hg], %, minutes.

    `asked` are the questions that need an answer; a gate in `final` is one that nobody overrides.
    """

    food_hours: float = Field(ge=0, le=24)
    fluid_hours: float = Field(ge=0, le=24)
    asked: list[Question] = Field(max_length=6)
    final: list[Question] = Field(default=[], max_length=6)
    pregnancy_to_age: int = Field(ge=0, le=120)
    systolic_to: int = Field(ge=80, le=300)
    diastolic_to: int = Field(ge=40, le=200)
    spo2_from: int = Field(ge=50, le=100)
    recheck_after_min: float = Field(gt=0, le=120)
    rechecks: int = Field(ge=0, le=10)
    check_valid_min: float = Field(gt=0, le=240)


class Cap(Frozen):
    """An amount that is passed: over so many mg or mg/kg, or from so many mg/kg on."""

    over_mg: float | None = Field(default=None, gt=0)
    over_mg_per_kg: float | None = Field(default=None, gt=0)
    from_mg_per_kg: float | None = Field(default=None, gt=0)


class Typical(Frozen):
    """The usual dose, for the reader; nothing is refused by it."""

    from_mg: float | None = Field(default=None, gt=0)
    to_mg: float | None = Field(default=None, gt=0)
    from_mg_per_kg: float | None = Field(default=None, gt=0)
    to_mg_per_kg: float | None = Field(default=None, gt=0)


class DoseRules(Frozen):
    """What may be given. `warn`, `second_sign_off` and `total` count all of the session's doses together.

    `allowed_mg`: nothing else may be given, but `overridable_mg` when a prescriber overrides the gate
    `dose.amount`. `drawn_up`: concentration and volume are needed, and agree with the mg within
    `agree_within_ml` of volume.
    """

    typical: Typical
    warn: Cap
    second_sign_off: Cap | None = None
    never: Cap
    total: Cap
    allowed_mg: list[float] = Field(default=[], max_length=10)
    overridable_mg: list[float] = Field(default=[], max_length=10)
    drawn_up: bool
    concentrations_mg_per_ml: list[float] = Field(default=[], max_length=10)
    agree_within_ml: float = Field(gt=0, le=0.5)
    agree_within_mg_per_kg: float = Field(gt=0, le=0.5)
    same_dose_within_min: float = Field(gt=0, le=60)
    second_check: bool
    lot_required: bool
    site_required: bool


class DischargeRules(Frozen):
    """What must hold before a patient leaves; the minimum stay is in `expected`, from the last dose on.

    Blood pressure: within `pressure_within_percent` of its baseline, or at most `systolic_to`/`diastolic_to`.
    """

    aldrete_from: int = Field(ge=0, le=10)
    moaas_from: int = Field(ge=0, le=5)
    dissociation_to: int = Field(ge=0, le=10)
    pressure_within_percent: float = Field(ge=0, le=50)
    systolic_to: int = Field(ge=80, le=300)
    diastolic_to: int = Field(ge=40, le=200)
    spo2_from: int = Field(ge=50, le=100)
    spo2_under_baseline_to: int = Field(ge=0, le=20)
    vitals_valid_min: float = Field(gt=0, le=120)
    observation_valid_min: float = Field(gt=0, le=120)
    signatures: list[Signer] = Field(max_length=2)


class SessionRules(Frozen):
    """A protocol's gates, dose and discharge, as a session began with them.

    `ask_pregnancy`: the patient's record does not rule it out.
    """

    gates: Gates
    dose: DoseRules
    discharge: DischargeRules
    ask_pregnancy: bool = True
    alarms: AlarmRules | None = None  # None: the limits alone

"""What staff get wrong, one thing at a time, so that each gate's refusal can be seen."""

from dataclasses import dataclass, field
from typing import Any, Literal

Step = Literal[
    "assessed", "consented", "prepared", "unchecked", "checked", "given", "twice", "early", "leaving"
]


@dataclass(frozen=True)
class Slip:
    """Tried at this step with these fields wrong; `told` is of the sentence that refuses it."""

    step: Step
    told: str
    wrong: dict[str, Any] = field(default_factory=dict)
    gate: str | None = None  # that a prescriber overrides then: the right answer alone does not open it
    seen: dict[str, int] = field(default_factory=dict)  # observed just before


def _day(told: str, gate: str | None = None, **wrong: Any) -> Slip:
    return Slip("checked", told, wrong, gate)


def _dose(told: str, **wrong: Any) -> Slip:
    return Slip("given", told, wrong)


def _leaving(told: str, **wrong: Any) -> Slip:
    return Slip("leaving", told, wrong)


PSYCHOSIS = {"findings": [{"rule": "psych.psychosis", "standing": "hard_stop"}]}
WEAK = {"activity": 1, "respiration": 2, "circulation": 1, "consciousness": 1, "spo2": 2}

SLIPS: dict[str, Slip] = {
    "hard_stop": Slip("assessed", "cannot be eligible with a hard stop", PSYCHOSIS),
    "no_consent": Slip("consented", "There is no consent on record"),
    "unprepared": Slip("prepared", "The preparation is not on record"),
    "unchecked": Slip("unchecked", "The session has no pre-dose check"),
    "not_fasting": _day("had no food for 1 h", hours_fasted=1),
    "drank": _day("had no fluids for 0.5 h", hours_without_fluids=0.5),
    "no_ride": _day("no ride home is arranged", ride_arranged=False),
    "intoxicated": _day("the patient is intoxicated", intoxicated=True),
    "pregnant": _day("pregnancy is not excluded", pregnancy_excluded=False),
    "urinary_symptoms": _day("has urinary symptoms", urinary_symptoms=True),
    "suicidal": _day("new suicidal thoughts", suicidal_ideation_new=True),
    "drugs_changed": _day("drugs have changed", drugs_changed=True),
    "not_asked": _day("the C-SSRS since the last visit is missing", suicidal_ideation_new=None),
    "high_pressure": _day("blood pressure was 152/94", "blood_pressure", systolic=152, diastolic=94),
    "low_spo2": _day("SpO2 was 91 %", "spo2", spo2=91),
    "ten_fold": _dose("look at the decimal point", milligrams=500, volume_ml=1.0),
    "overdose": _dose("this is never given", milligrams=450, volume_ml=9.0),
    "other_vial": _dose(
        "There is no vial of 20 mg/mL", concentration_mg_per_ml=20, milligrams=20, volume_ml=1
    ),
    "other_route": _dose("This session is intramuscular", route="intranasal"),
    "no_lot": _dose("The lot number is missing", lot=None),
    "no_site": _dose("The injection site is missing", site=None),
    "unwitnessed": _dose("A second person has to check this dose"),
    "twice": Slip("twice", "were given by"),
    "too_early": Slip("early", "of 120 min have passed since the last dose"),
    "unsigned": Slip("early", "the signature of a prescriber is missing"),
    "sleepy": Slip("leaving", "MOAA/S is 4", seen={"moaas": 4}),
    "dissociated": Slip("leaving", "dissociation is 4", seen={"dissociation": 4}),
    "disoriented": _leaving("the patient is not oriented", oriented=False),
    "unsteady": _leaving("the gait is not steady", steady_gait=False),
    "nauseous": _leaving("the nausea is not tolerable", nausea_tolerable=False),
    "suicidal_after": _leaving("there are new suicidal thoughts", suicidal_ideation_new=True),
    "nobody_came": _leaving("the ride is not there", ride_present=False),
    "no_instructions": _leaving("the instructions were not given", instructions_given=False),
    "low_aldrete": _leaving("the Aldrete score is 7", aldrete=WEAK),
}
# How many minutes ago the dose was, so that it happens at once.
SINCE_MIN: dict[Step, float] = {
    "unchecked": 0.5,
    "checked": 0.5,
    "given": 0.5,
    "twice": 0.5,
    "early": 61,
    "leaving": 125.2,
}

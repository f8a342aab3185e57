"""The day's gates: each answer, its absence, the edges of each number, rechecks and overrides."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.decider import Refused
from kap.events.intake import PatientRegistered
from kap.events.session import GateOverridden, PreDoseChecked
from session_monitor import gates
from session_monitor.session import ChangeLimits, CheckPreDose, OverrideGate
from session_monitor.standing import may_be_pregnant

from tests.deciders.sessions import (
    DEFAULTS,
    DOSES,
    IM,
    NOON,
    WELL,
    checked,
    dosed,
    giving,
    opened,
    overridden,
    refusal,
    refused,
    rules_of,
    said,
    when,
)
from tests.strategies import PRESCRIBER, sealed

every_route = pytest.mark.parametrize("name", DEFAULTS)
FINAL = ("intoxication", "pregnancy")


def held(*checks: PreDoseChecked, name: str = "intramuscular", ask: bool = True) -> dict[str, str]:
    return gates.held(DEFAULTS[name].gates, ask, checks, ())


@every_route
def test_a_day_on_which_all_is_well_holds_nothing(name: str) -> None:
    assert held(checked(), name=name) == {}
    assert len(when([opened(name), checked()], giving(name))) == 1


def test_a_baseline_that_nobody_has_is_refused_as_typed_vitals_are() -> None:
    turned = CheckPreDose(**said(), **WELL | {"systolic": 118, "diastolic": 174})
    sentence = "This cannot be right: 118/174 is not possible."
    assert refusal([opened()], turned).points == {"systolic": sentence}
    assert refused([opened()], turned) == sentence
    assert when([opened()], CheckPreDose(**said(), **WELL | {"systolic": 118, "diastolic": 74}))


# gate, what was answered, what is said
HOLDS: list[tuple[str, dict[str, Any], str]] = [
    ("food", {"hours_fasted": 3.5}, "the patient had no food for 3.5 h, and 4 h are needed"),
    (
        "food",
        {"hours_fasted": None},
        "nobody said for how many hours the patient had no food (4 h are needed)",
    ),
    ("food", {"fasting": False}, "the patient is not fasting (4 h without food are needed)"),
    ("fluids", {"hours_without_fluids": 1}, "the patient had no fluids for 1 h, and 2 h are needed"),
    (
        "fluids",
        {"hours_without_fluids": None},
        "nobody said for how many hours the patient had no fluids (2 h are needed)",
    ),
    ("ride", {"ride_arranged": False}, "no ride home is arranged"),
    ("intoxication", {"intoxicated": True}, "the patient is intoxicated"),
    ("intoxication", {"intoxicated": None}, "nobody said whether the patient is intoxicated"),
    ("pregnancy", {"pregnancy_excluded": False}, "pregnancy is not excluded"),
    ("pregnancy", {"pregnancy_excluded": None}, "nobody said whether pregnancy is excluded"),
    ("urinary_symptoms", {"urinary_symptoms": True}, "the patient has urinary symptoms"),
    ("urinary_symptoms", {"urinary_symptoms": None}, "nobody asked about urinary symptoms"),
    (
        "suicidality",
        {"suicidal_ideation_new": True},
        "there are new suicidal thoughts since the last visit",
    ),
    ("suicidality", {"suicidal_ideation_new": None}, "the C-SSRS since the last visit is missing"),
    ("drugs_changed", {"drugs_changed": True}, "the patient's drugs have changed since the last visit"),
    ("drugs_changed", {"drugs_changed": None}, "nobody asked whether the patient's drugs have changed"),
    (
        "blood_pressure",
        {"systolic": 141},
        "blood pressure was 141/80, at most 140/90 is allowed: "
        "measure again 5 min after that (recheck 1 of 2)",
    ),
    (
        "blood_pressure",
        {"diastolic": 91},
        "blood pressure was 120/91, at most 140/90 is allowed: "
        "measure again 5 min after that (recheck 1 of 2)",
    ),
    (
        "spo2",
        {"spo2": 92},
        "SpO2 was 92 %, at least 93 % is allowed: measure again 5 min after that (recheck 1 of 2)",
    ),
]


@pytest.mark.parametrize("gate, answer, words", HOLDS, ids=[f"{g}-{a}" for g, a, _ in HOLDS])
def test_a_gate_holds_the_dose_in_one_sentence_until_a_prescriber_overrides_it(
    gate: str, answer: dict[str, Any], words: str
) -> None:
    story = [opened(), checked(**answer)]
    assert held(checked(**answer)) == {gate: words}
    assert refused(story, giving()) == f"The dose is held: {words}."
    override = OverrideGate(**said(1, PRESCRIBER, "prescriber"), gate=gate, reason=sealed("reason"))
    if gate in FINAL:
        assert refused(story, override) == f"Nobody may override the gate {gate}."
        return
    [event] = when(story, override)
    assert isinstance(event, GateOverridden)
    assert len(when([*story, event], giving())) == 1
    # an override answers the check before it, not the next one
    assert words.split(",")[0] in refused([*story, event, checked(1.5, **answer)], giving())


def test_every_gate_of_every_protocol_has_a_case() -> None:
    assert {gate for gate, _, _ in HOLDS} == set(gates.GATES)
    for p in DEFAULTS.values():
        assert set(p.gates.asked) == set(gates.QUESTIONS)


@every_route
def test_the_numbers_just_allowed_hold_nothing(name: str) -> None:
    g = DEFAULTS[name].gates
    edge = {
        "hours_fasted": g.food_hours,
        "hours_without_fluids": g.fluid_hours,
        "systolic": g.systolic_to,
        "diastolic": g.diastolic_to,
        "spo2": g.spo2_from,
    }
    assert held(checked(**edge), name=name) == {}
    under = {"hours_fasted": g.food_hours - 0.1, "hours_without_fluids": g.fluid_hours - 0.1}
    over = {"systolic": g.systolic_to + 1, "spo2": g.spo2_from - 1}
    assert set(held(checked(**edge | under | over), name=name)) == {
        "food",
        "fluids",
        "blood_pressure",
        "spo2",
    }


def test_all_that_holds_is_in_the_one_sentence() -> None:
    sentence = refused([opened(), checked(ride_arranged=False, spo2=90, systolic=150)], giving())
    assert sentence.startswith("The dose is held: no ride home is arranged; blood pressure was 150/80")
    assert "; SpO2 was 90 %" in sentence


# minutes and systolic of each check → whether the pressure holds
RECHECKS: list[tuple[list[tuple[float, int]], str | None]] = [
    ([(0, 150)], "(recheck 1 of 2)"),
    ([(0, 150), (4.9, 120)], "came too early"),
    ([(0, 150), (5, 120)], None),
    ([(0, 150), (5, 141)], "(recheck 2 of 2)"),
    ([(0, 150), (5, 150), (9, 120)], "came too early"),
    ([(0, 150), (5, 150), (10, 120)], None),
    ([(0, 150), (5, 150), (10, 150)], "2 rechecks are over: a prescriber may override it"),
    ([(0, 150), (5, 150), (10, 150), (15, 120)], "2 rechecks are over"),
    ([(0, 150), (3, 155), (5, 120)], "came too early"),  # five minutes count from the last that was high
    ([(0, 150), (3, 155), (8, 120)], None),
    ([(0, 150), (4, 120), (9, 120)], None),  # what came too early is no recheck
    ([(0, 120), (5, 150)], "(recheck 1 of 2)"),
    ([(0, 150), (5, 120), (20, 150)], "(recheck 1 of 2)"),  # high again: from the beginning
]


@pytest.mark.parametrize("story, says", RECHECKS, ids=[str(story) for story, _ in RECHECKS])
def test_a_high_pressure_is_measured_again_twice_five_minutes_later(
    story: list[tuple[float, int]], says: str | None
) -> None:
    checks = [checked(minute, systolic=systolic) for minute, systolic in story]
    last = story[-1][0]
    if says is None:
        assert len(when([opened(), *checks], giving(minutes=last + 1))) == 1
    else:
        assert says in refused([opened(), *checks], giving(minutes=last + 1))
        override = overridden("blood_pressure", last + 0.5)
        assert len(when([opened(), *checks, override], giving(minutes=last + 1))) == 1


def test_saturation_is_measured_again_as_pressure_is() -> None:
    low = [checked(0, spo2=92)]
    assert "measure again 5 min after that" in refused([opened(), *low], giving())
    assert "too early" in refused([opened(), *low, checked(4, spo2=97)], giving(minutes=5))
    assert len(when([opened(), *low, checked(5, spo2=93)], giving(minutes=6))) == 1


def test_a_check_grows_old() -> None:
    story = [opened(), checked(0)]
    assert len(when(story, giving(minutes=60))) == 1
    assert refused(story, giving(minutes=61)) == (
        "The dose is held: the pre-dose check is 61 min old and counts for 60 min."
    )
    # a booster does not need a new one: its patient is watched
    first = dosed(5, DOSES["intramuscular"])
    small = DOSES["intramuscular"].model_copy(update={"milligrams": 20, "mg_per_kg": None, "volume_ml": 0.4})
    assert len(when([*story, first], giving(minutes=80, dose=small, additional=True))) == 1


@pytest.mark.parametrize(
    "sex, birth_year, asked",
    [
        ("female", 1990, True),
        ("female", 1970, True),  # 55 or 56
        ("female", 1969, False),  # 56 or 57
        ("intersex", 1990, True),
        ("unknown", 1990, True),
        ("male", 1990, False),
    ],
)
def test_pregnancy_is_asked_where_it_may_be(sex: str, birth_year: int, asked: bool) -> None:
    registered = PatientRegistered.model_validate(
        {
            "id": UUID(int=1),
            "at": NOON,
            "by": PRESCRIBER,
            "patient_id": UUID(int=2),
            "name": sealed("name"),
            "number": "0417",
            "birth_year": birth_year,
            "sex_at_birth": sex,
        }
    )
    assert may_be_pregnant([registered], IM.gates.pregnancy_to_age, NOON) is asked
    assert may_be_pregnant([], 55, NOON), "unknown is not no"
    rules = rules_of(ask_pregnancy=asked)
    story = [opened(rules=rules), checked(pregnancy_excluded=None)]
    if asked:
        assert "pregnancy" in refused(story, giving())
    else:
        assert len(when(story, giving())) == 1


def test_a_gate_that_does_not_exist_is_not_overridden_and_nobody_else_overrides() -> None:
    by_prescriber = said(1, PRESCRIBER, "prescriber")
    unknown = OverrideGate(**by_prescriber, gate="weather", reason=sealed("reason"))
    assert refused([opened()], unknown).startswith("There is no gate weather; there are food, fluids, ride,")
    nurse = OverrideGate(**said(1), gate="food", reason=sealed("reason"))
    assert refused([opened()], nurse) == "Only a prescriber may override a gate."


def test_a_session_of_before_there_were_rules_is_as_it_was() -> None:
    old = opened().model_copy(update={"rules": None})
    bare = {name: WELL[name] for name in ("systolic", "diastolic", "heart_rate", "spo2", "ride_arranged")}
    check = CheckPreDose(**said(0), **bare, fasting=False)
    [event] = when([old], check)
    assert len(when([old, event], giving(minutes=500, checked_by=None))) == 1


def test_limits_change_inside_the_hard_bounds_alone() -> None:
    wide = IM.limits.model_copy(update={"no_data_after_s": 61})
    command = ChangeLimits(**said(1, PRESCRIBER, "prescriber"), limits=wide, reason=sealed("reason"))
    assert refused([opened()], command) == (
        "A silent monitor must alarm after 60 s at the latest, not after 61 s (hard bound: [D])."
    )
    assert len(when([opened()], command.model_copy(update={"limits": IM.limits}))) == 1


answers = st.fixed_dictionaries(
    {
        "systolic": st.integers(100, 180),
        "diastolic": st.integers(60, 110),
        "spo2": st.integers(88, 100),
        "fasting": st.booleans(),
        "ride_arranged": st.booleans(),
    }
    | {
        name: st.none() | st.booleans()
        for name in (
            "intoxicated",
            "pregnancy_excluded",
            "urinary_symptoms",
            "suicidal_ideation_new",
            "drugs_changed",
        )
    }
    | {name: st.none() | st.floats(0, 12) for name in ("hours_fasted", "hours_without_fluids")}
)


@forall(answers, st.sets(st.sampled_from(gates.GATES)))
@settings(max_examples=300, deadline=None)
def test_what_is_given_was_asked_and_good_or_overridden(answer: dict[str, Any], lifted: set[str]) -> None:
    story = [opened(), checked(**answer), *(overridden(gate) for gate in sorted(lifted - set(FINAL)))]
    holding = held(checked(**answer))
    left = {gate for gate in holding if gate not in lifted or gate in FINAL}
    try:
        given = when(story, giving())
    except Refused as refusal:
        assert left
        assert all(holding[gate] in str(refusal) for gate in left)
    else:
        assert len(given) == 1 and not left
    good = (
        answer["intoxicated"] is False
        and answer["pregnancy_excluded"] is True
        and ("ride" in lifted or answer["ride_arranged"])
    )
    assert good or left


# each answer, and the gate that it holds
ANSWERS: dict[str, list[tuple[object, str | None]]] = {
    "hours_without_fluids": [(None, "fluids"), (1.9, "fluids"), (2.0, None)],
    "ride_arranged": [(False, "ride"), (True, None)],
    "intoxicated": [(None, "intoxication"), (True, "intoxication"), (False, None)],
    "pregnancy_excluded": [(None, "pregnancy"), (False, "pregnancy"), (True, None)],
    "urinary_symptoms": [(None, "urinary_symptoms"), (True, "urinary_symptoms"), (False, None)],
    "suicidal_ideation_new": [(None, "suicidality"), (True, "suicidality"), (False, None)],
    "drugs_changed": [(None, "drugs_changed"), (True, "drugs_changed"), (False, None)],
    "systolic": [(140, None), (141, "blood_pressure")],
    "diastolic": [(90, None), (91, "blood_pressure")],
    "spo2": [(93, None), (92, "spo2")],
    "hours_fasted": [(None, "food"), (3.9, "food"), (4.0, None)],
    "fasting": [(False, "food"), (True, None)],
}


def test_every_combination_of_answers_holds_exactly_its_gates() -> None:
    well, seen = checked(), 0
    for combination in product(*ANSWERS.values()):
        check = well.model_copy(update=dict(zip(ANSWERS, (a for a, _ in combination), strict=True)))
        expected = {gate for _, gate in combination if gate is not None}
        assert gates.held(IM.gates, True, [check], ()).keys() == expected, check
        assert gates.held(IM.gates, True, [check], gates.GATES).keys() == expected & set(FINAL)
        seen += 1
    assert seen == 69_984

"""The discharge gate: each point met and not met, missing, stale, overridden."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.decider import Refused
from kap.events.session import (
    AdverseEventRecorded,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    Aldrete,
    Discharged,
    DischargeSigned,
    ObservationRecorded,
)
from session_monitor import discharge
from session_monitor.discharge import POINTS, Answers, Latest, not_met
from session_monitor.session import WATCH, Discharge, SignDischarge

from tests.deciders.sessions import (
    DEFAULTS,
    DOSES,
    NOON,
    S,
    checked,
    dosed,
    opened,
    overridden,
    refusal,
    refused,
    said,
    stamp,
    when,
)
from tests.strategies import PRESCRIBER, THERAPIST

ALARM, OTHER_ALARM = S, UUID(int=77)
LEAVES = 125.0  # minutes after noon; the dose is at 2
FULL = Aldrete(activity=2, respiration=2, circulation=2, consciousness=2, spo2=2)
ANSWERS: dict[str, Any] = {
    "instructions_given": True,
    "oriented": True,
    "steady_gait": True,
    "nausea_tolerable": True,
    "ride_present": True,
    "suicidal_ideation_new": False,
    "aldrete": FULL,
}
VITALS = {"systolic": 125.0, "diastolic": 80.0, "spo2": 97.0}


def latest(minutes: float = 120, **values: float) -> dict[str, Latest]:
    at = NOON + timedelta(minutes=minutes)
    return {name: Latest(value=value, at=at) for name, value in (VITALS | values).items()}


def observed(
    minutes: float = 118, moaas: int | None = 5, dissociation: int | None = 0
) -> ObservationRecorded:
    return ObservationRecorded(**stamp(minutes), moaas=moaas, dissociation=dissociation)


def signature(minutes: float = 121) -> DischargeSigned:
    return DischargeSigned(**stamp(minutes, PRESCRIBER), role="prescriber")


def stay(name: str = "intramuscular", **baseline: Any) -> list[Any]:
    return [opened(name), checked(**baseline), dosed(2, DOSES[name])]


def leaving(minutes: float = LEAVES, vitals: dict[str, Latest] | None = None, **answers: Any) -> Discharge:
    shown = latest() if vitals is None else vitals
    return Discharge(**said(minutes), vitals=shown, **ANSWERS | answers)


def well(name: str = "intramuscular", **baseline: Any) -> list[Any]:
    return [*stay(name, **baseline), observed(), signature()]


@pytest.mark.parametrize("name", DEFAULTS)
def test_who_is_well_leaves(name: str) -> None:
    [event] = when(well(name), leaving())
    assert isinstance(event, Discharged)
    assert (event.aldrete, event.oriented, event.not_met) == (FULL, True, [])


raised = AlarmRaised(
    **stamp(100, WATCH),
    alarm_id=ALARM,
    rule="spo2.low.high",
    priority="high",
    kind="physiological",
    text="SpO2 88 < 90",
    onset=NOON + timedelta(minutes=100),
)
latching = raised.model_copy(update={"latching": True})
cleared = AlarmCleared(**stamp(101, WATCH), alarm_id=ALARM)
BASELINE = checked(systolic=118, diastolic=76, spo2=98)
FRESH = latest()


def without(*names: str) -> dict[str, Latest]:
    return {name: value for name, value in FRESH.items() if name not in names}


# point, what happened, how one wants to leave, what is said
NOT_MET: list[tuple[str, list[Any], Discharge, str]] = [
    ("stay", well(), leaving(121.9, latest(119)), "119 of 120 min have passed since the last dose"),
    ("aldrete", well(), leaving(aldrete=None), "the Aldrete score is missing"),
    (
        "aldrete",
        well(),
        leaving(aldrete=FULL.model_copy(update={"spo2": None, "activity": None})),
        "the Aldrete score lacks activity, spo2",
    ),
    (
        "aldrete",
        well(),
        leaving(aldrete=FULL.model_copy(update={"activity": 1, "consciousness": 1})),
        "the Aldrete score is 8, at least 9 is needed",
    ),
    (
        "awake",
        [*stay(), observed(moaas=4), signature()],
        leaving(),
        "MOAA/S is 4, at least 5 is needed",
    ),
    (
        "awake",
        [*stay(), observed(moaas=None), signature()],
        leaving(),
        "MOAA/S was not recorded in the last 30 min",
    ),
    (
        "awake",
        [*stay(), observed(90), observed(moaas=None), signature()],
        leaving(),
        "MOAA/S was not recorded in the last 30 min",
    ),
    (
        "dissociation",
        [*stay(), observed(dissociation=2), signature()],
        leaving(),
        "dissociation is 2, at most 1 is allowed",
    ),
    (
        "dissociation",
        [*stay(), observed(dissociation=None), signature()],
        leaving(),
        "dissociation was not recorded in the last 30 min",
    ),
    ("oriented", well(), leaving(oriented=False), "the patient is not oriented"),
    ("oriented", well(), leaving(oriented=None), "orientation was not asked"),
    ("gait", well(), leaving(steady_gait=False), "the gait is not steady"),
    ("gait", well(), leaving(steady_gait=None), "the gait was not looked at"),
    ("nausea", well(), leaving(nausea_tolerable=False), "the nausea is not tolerable"),
    ("nausea", well(), leaving(nausea_tolerable=None), "nausea was not asked about"),
    (
        "blood_pressure",
        well(),
        leaving(vitals=latest(systolic=145)),
        "blood pressure is 145/80, at most 140/90 or within 20 % of the baseline 120/80 is allowed",
    ),
    (
        "blood_pressure",
        well(),
        leaving(vitals=latest(diastolic=97)),
        "blood pressure is 125/97, at most 140/90 or within 20 % of the baseline 120/80 is allowed",
    ),
    (
        "blood_pressure",
        well(),
        leaving(vitals=without("diastolic")),
        "there is no blood pressure of the last 15 min",
    ),
    (
        "blood_pressure",
        well(),
        leaving(vitals=FRESH | {"systolic": latest(109.9)["systolic"]}),
        "there is no blood pressure of the last 15 min",
    ),
    ("spo2", well(), leaving(vitals=latest(spo2=95)), "SpO2 is 95 %, at least 96 % is needed"),
    ("spo2", well(), leaving(vitals=without("spo2")), "there is no SpO2 of the last 15 min"),
    (
        "spo2",
        well(),
        leaving(vitals=FRESH | {"spo2": latest(130)["spo2"]}),
        "there is no SpO2 of the last 15 min",
    ),
    ("suicidality", well(), leaving(suicidal_ideation_new=True), "there are new suicidal thoughts"),
    (
        "suicidality",
        well(),
        leaving(suicidal_ideation_new=None),
        "the C-SSRS since the last visit is missing",
    ),
    ("ride", well(), leaving(ride_present=False), "the ride is not there"),
    ("ride", well(), leaving(ride_present=None), "nobody said whether the ride is there"),
    ("instructions", well(), leaving(instructions_given=False), "the instructions were not given"),
    ("alarms", [*well(), raised], leaving(), "1 alarm is open"),
    ("alarms", [*well(), latching, cleared], leaving(), "1 alarm ended and nobody acknowledged it"),
    (
        "alarms",
        [*well(), raised, latching.model_copy(update={"alarm_id": OTHER_ALARM})],
        leaving(),
        "2 alarms are open",
    ),
    (
        "alarms",
        [*well(), latching, cleared, raised.model_copy(update={"alarm_id": OTHER_ALARM})],
        leaving(),
        "1 alarm is open and 1 alarm ended and nobody acknowledged it",
    ),
    (
        "signatures",
        [*stay(), observed()],
        leaving(),
        "the signature of a prescriber is missing",
    ),
    (
        "signatures",
        [*stay(), observed(), signature(94.9)],
        leaving(),
        "the signature of a prescriber is missing",
    ),
]


@pytest.mark.parametrize("point, story, command, words", NOT_MET, ids=[f"{p}-{w}" for p, _, _, w in NOT_MET])
def test_a_point_not_met_keeps_the_patient_until_a_prescriber_overrides_it(
    point: str, story: list[Any], command: Discharge, words: str
) -> None:
    why = refusal(story, command)
    assert str(why) == f"Not ready to leave: {words}."
    assert why.points == {point: f"{words[0].upper()}{words[1:]}."}
    [event] = when([*story, overridden(f"discharge.{point}", 121)], command)
    assert isinstance(event, Discharged) and event.not_met == [point]
    for other in POINTS:
        if other != point:
            assert refused([*story, overridden(f"discharge.{other}", 121)], command)


def test_every_point_has_a_case() -> None:
    assert {point for point, _, _, _ in NOT_MET} == set(POINTS)


def test_all_that_is_not_met_is_in_the_one_sentence() -> None:
    nothing = Discharge(**said(3), instructions_given=False)
    sentence = refused(stay(), nothing)
    assert sentence.startswith(
        "Not ready to leave: 1 of 120 min have passed since the last dose; the Aldrete"
    )
    assert sentence.count(";") == len(POINTS) - 2  # there is no alarm


# baseline, now, whether it is met
PRESSURES: list[tuple[tuple[int, int], tuple[int, int], bool]] = [
    ((120, 80), (140, 90), True),
    ((120, 80), (141, 90), True),  # within 20 % of 120/80
    ((120, 80), (144, 96), True),
    ((120, 80), (145, 96), False),
    ((120, 80), (144, 97), False),
    ((100, 60), (140, 90), True),  # never over 140/90
    ((100, 60), (141, 70), False),
    ((140, 90), (168, 108), True),
    ((140, 90), (169, 108), False),
]


@pytest.mark.parametrize("baseline, now, met", PRESSURES)
def test_blood_pressure_is_low_enough_or_near_its_baseline(
    baseline: tuple[int, int], now: tuple[int, int], met: bool
) -> None:
    story = well(systolic=baseline[0], diastolic=baseline[1])
    command = leaving(vitals=latest(systolic=now[0], diastolic=now[1]))
    if met:
        assert len(when(story, command)) == 1
    else:
        assert "blood pressure" in refused(story, command)


@pytest.mark.parametrize(
    "baseline, needed", [(99, 97), (98, 96), (97, 95), (96, 94), (95, 94), (94, 94), (93, 93)]
)
def test_saturation_is_near_its_baseline_and_high_enough(baseline: int, needed: int) -> None:
    story = well(spo2=baseline)
    assert len(when(story, leaving(vitals=latest(spo2=needed)))) == 1
    assert f"at least {needed} %" in refused(story, leaving(vitals=latest(spo2=needed - 1)))


def test_a_booster_restarts_the_clock_and_needs_new_signatures() -> None:
    small = DOSES["intramuscular"].model_copy(update={"milligrams": 20, "volume_ml": 0.4, "mg_per_kg": None})
    story = [*well(), overridden("discharge.gait", 122), dosed(122.5, small)]
    sentence = refused(story, leaving(steady_gait=False))
    assert "2 of 120 min have passed" in sentence
    assert "the gait is not steady" in sentence, "what was overridden was before the booster"
    assert "the signature of a prescriber is missing" in sentence


def test_an_alarm_that_is_over_keeps_nobody() -> None:
    assert len(when([*well(), raised, cleared], leaving())) == 1


def test_a_latched_alarm_keeps_the_patient_until_it_is_acknowledged_or_never_sounded() -> None:
    seen = AlarmAcknowledged(**stamp(102), alarm_id=ALARM)
    assert len(when([*well(), latching, cleared, seen], leaving())) == 1
    assert len(when([*well(), latching, seen, cleared], leaving())) == 1
    late = latching.model_copy(update={"late": True})
    assert len(when([*well(), late, cleared], leaving())) == 1


def test_what_was_seen_last_counts_not_what_was_recorded_last() -> None:
    late = [*stay(), observed(119, dissociation=0), observed(100, dissociation=6), signature()]
    assert len(when(late, leaving())) == 1


def test_whoever_signed_before_the_patient_was_unwell_signs_again() -> None:
    later = raised.model_copy(update={"at": signature(122).at, "onset": signature(122).at})
    over = cleared.model_copy(update={"at": signature(123).at})
    vomited = AdverseEventRecorded(**stamp(122), category="vomiting", severity="minor")
    unplugged = later.model_copy(update={"kind": "technical"})
    for happened in ([later, over], [vomited]):
        said = refused([*well(), *happened], leaving())
        assert said == "Not ready to leave: the signature of a prescriber is missing."
        assert len(when([*well(), *happened, signature(124)], leaving())) == 1
    assert len(when([*well(), unplugged, over], leaving())) == 1, "a probe that is taken off says nothing"
    assert len(when([*well(), raised, cleared], leaving())) == 1, "the alarm was before the signature"


def test_who_discharges_is_one_of_the_two_who_sign() -> None:
    story = [*stay(), observed()]
    prescriber = leaving().model_copy(update={"by": PRESCRIBER, "role": "prescriber"})
    assert "the signature of a nurse is missing" in refused(story, prescriber)
    [signed] = when(story, SignDischarge(**said(121)))
    assert isinstance(signed, DischargeSigned) and signed.role == "nurse"
    assert len(when([*story, signed], prescriber)) == 1
    therapist = SignDischarge(**said(121, THERAPIST) | {"role": "therapist"})
    assert refused(story, therapist) == "Only a nurse or a prescriber signs a discharge."


def test_who_was_given_nothing_may_leave_and_an_old_session_is_as_it_was() -> None:
    bare = Discharge(**said(3), instructions_given=True)
    assert len(when([opened(), checked()], bare)) == 1
    old = opened().model_copy(update={"rules": None})
    assert len(when([old, checked(), dosed(2, DOSES["intramuscular"])], bare)) == 1


maybe = st.none() | st.booleans()


@forall(
    st.fixed_dictionaries(
        {name: maybe for name in ("oriented", "steady_gait", "nausea_tolerable", "ride_present")}
        | {"suicidal_ideation_new": maybe, "instructions_given": st.booleans()}
    ),
    st.dictionaries(st.sampled_from(sorted(VITALS)), st.tuples(st.floats(40, 220), st.floats(60, 140))),
    st.floats(0, 200),
    st.sets(st.sampled_from(POINTS)),
)
@settings(max_examples=300, deadline=None)
def test_nobody_leaves_with_anything_missing_that_nobody_took_upon_themselves(
    answers: dict[str, Any], vitals: dict[str, tuple[float, float]], at: float, lifted: set[str]
) -> None:
    shown = {n: Latest(value=v, at=NOON + timedelta(minutes=m)) for n, (v, m) in vitals.items()}
    story = [*well(), *(overridden(f"discharge.{point}", 121) for point in sorted(lifted))]
    try:
        [event] = when(story, leaving(at, shown, **answers))
    except Refused:
        return
    assert isinstance(event, Discharged) and set(event.not_met) <= lifted
    assert at >= 122 or "stay" in lifted
    for name in ("systolic", "diastolic", "spo2"):
        point = "spo2" if name == "spo2" else "blood_pressure"
        fresh = name in vitals and -1 <= at - vitals[name][1] <= 15
        assert fresh or point in lifted
    assert answers["oriented"] or "oriented" in lifted
    assert answers["suicidal_ideation_new"] is False or "suicidality" in lifted


def test_the_points_are_the_gates_names() -> None:
    assert discharge.GATE == "discharge." and len(set(POINTS)) == len(POINTS)


# each point, and what there is to be seen when it is met, when it is not, and when nobody looked
POINT_BY_POINT: dict[str, tuple[tuple[dict[str, Any], bool], ...]] = {
    "stay": (({"after_min": 120}, True), ({"after_min": 119}, False)),
    "aldrete": (({"aldrete": FULL}, True), ({"aldrete": None}, False)),
    "awake": (({"moaas": 5}, True), ({"moaas": 4}, False), ({}, False)),
    "dissociation": (({"dissociation": 1}, True), ({"dissociation": 2}, False)),
    "oriented": (({"oriented": True}, True), ({"oriented": None}, False)),
    "gait": (({"steady_gait": True}, True), ({"steady_gait": False}, False)),
    "nausea": (({"nausea_tolerable": True}, True), ({"nausea_tolerable": None}, False)),
    "blood_pressure": (({"systolic": 140}, True), ({"systolic": 145}, False), ({}, False)),
    "spo2": (({"spo2": 96}, True), ({"spo2": 95}, False)),
    "suicidality": (({"suicidal_ideation_new": False}, True), ({"suicidal_ideation_new": None}, False)),
    "ride": (({"ride_present": True}, True), ({"ride_present": False}, False)),
    "instructions": (({"instructions_given": True}, True), ({"instructions_given": False}, False)),
    "alarms": (({"open": 0}, True), ({"open": 1}, False)),
    "signatures": (({"signed": ("nurse", "prescriber")}, True), ({"signed": ("nurse",)}, False)),
}


def test_every_combination_of_points_is_met_or_not_by_itself() -> None:
    seen = 0
    for combination in product(*POINT_BY_POINT.values()):
        there: dict[str, Any] = {}
        for what, _ in combination:
            there |= what
        at = NOON + timedelta(minutes=there["after_min"])

        def values(*names: str, there: Any = there, at: Any = at) -> dict[str, Latest]:
            return {name: Latest.model_construct(value=there[name], at=at) for name in names if name in there}

        found = not_met(
            DEFAULTS["intramuscular"].discharge,
            Answers.model_construct(**{name: there.get(name) for name in Answers.model_fields}),
            at,
            stay_min=120,
            dosed_at=NOON,
            baseline=BASELINE,
            vitals=values("systolic", "spo2") | {"diastolic": Latest.model_construct(value=80.0, at=at)},
            observed=values("moaas", "dissociation"),
            open_alarms=there["open"],
            latched_alarms=0,
            signed=there["signed"],
        )
        unmet = [p for p, (_, met) in zip(POINT_BY_POINT, combination, strict=True) if not met]
        assert list(found) == unmet
        seen += 1
    assert seen == 36_864 and tuple(POINT_BY_POINT) == POINTS

"""What the forms of a session need beside the board, folded as the decider folds it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap.decider import fold
from kap.events.fact import Fact
from kap.events.session import (
    AdverseEventRecorded,
    AlarmRaised,
    DischargeSigned,
    DoseChecked,
    ObservationRecorded,
)
from projections.session_detail import details
from session_monitor import session

from tests.deciders.sessions import DOSES, checked, dosed, opened, overridden, stamp
from tests.strategies import NURSE, PRESCRIBER

DOSE = DOSES["intramuscular"]


def sign(minutes: float) -> DischargeSigned:
    return DischargeSigned(**stamp(minutes, PRESCRIBER), role="prescriber")


def check(minutes: float) -> DoseChecked:
    return DoseChecked(**stamp(minutes, PRESCRIBER), dose=DOSE, role="prescriber")


def seen(minutes: float, **scores: int) -> ObservationRecorded:
    fields: dict[str, Any] = stamp(minutes) | scores
    return ObservationRecorded(**fields)


def test_a_session_s_rules_are_those_it_began_with() -> None:
    found = details([opened()])
    assert found.rules is not None and found.rules.gates.asked and found.rules.dose.concentrations_mg_per_ml
    assert details([]).rules is None


def test_an_override_says_who_and_why() -> None:
    gate = overridden("ride", 3)
    [override] = details([opened(), checked(), gate]).overridden
    assert (override.gate, override.at, override.by, override.reason) == (
        "ride",
        gate.at,
        PRESCRIBER,
        gate.reason,
    )


def test_observations_are_the_latest_of_each_whatever_came_last() -> None:
    found = details([opened(), seen(20, moaas=4, nausea=2), seen(10, moaas=3, pain=0)]).observations
    assert {name: one.value for name, one in found.items()} == {"moaas": 4, "nausea": 2, "pain": 0}
    assert found["pain"].by == NURSE and found["moaas"].at - found["pain"].at == timedelta(minutes=10)


def alarm(minutes: float, kind: Any) -> AlarmRaised:
    at = stamp(minutes, session.WATCH)
    return AlarmRaised(
        **at, alarm_id=uuid4(), rule="spo2.low", priority="high", kind=kind, text="SpO2 88", onset=at["at"]
    )


def unwell(minutes: float) -> AdverseEventRecorded:
    return AdverseEventRecorded(**stamp(minutes), category="vomiting", severity="minor")


FACTS = st.lists(
    st.one_of(
        st.sampled_from(["ride", "spo2", "dose.amount", "discharge.stay"]).map(overridden),
        st.just(checked(1)),
        st.just(dosed(2, DOSE)),
        st.just(check(3)),
        st.just(sign(4)),
        st.builds(alarm, st.integers(1, 9), st.sampled_from(["physiological", "technical"])),
        st.builds(unwell, st.integers(1, 9)),
        st.builds(seen, st.integers(1, 9), moaas=st.integers(0, 5), dissociation=st.integers(0, 10)),
    ),
    max_size=12,
)


@forall(FACTS)
@settings(max_examples=200, deadline=None)
def test_what_still_counts_here_is_what_the_decider_counts(facts: list[Fact]) -> None:
    history = [opened(), *facts]
    found, state = details(history), fold(session, history)
    assert isinstance(state, session.Session)
    assert {override.gate for override in found.overridden} == state.overridden
    assert {check.event_id for check in found.dose_checks} == {check.id for check in state.checked}
    assert {role: one.at for role, one in found.signed.items()} == state.signed
    for name, latest in state.observed.items():
        assert (found.observations[name].value, found.observations[name].at) == (latest.value, latest.at)  # type: ignore[index]

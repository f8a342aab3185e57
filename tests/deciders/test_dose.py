"""A dose: its numbers agree, its amount is allowed, and everybody who has to agree has."""

from typing import Any

import pytest
from hypothesis import assume, settings
from hypothesis import given as forall
from hypothesis import strategies as st
from kap.decider import Refused
from kap.events.session import Dose, DoseChecked, Dosed
from session_monitor.session import CheckDose

from tests.deciders.sessions import (
    DEFAULTS,
    DOSES,
    checked,
    dosed,
    giving,
    opened,
    overridden,
    refused,
    rules_of,
    said,
    stamp,
    when,
)
from tests.strategies import NURSE, PRESCRIBER, THERAPIST

OTHER_PRESCRIBER = "staff:0199a1b2-0000-7000-8000-000000000009"
every_route = pytest.mark.parametrize("name", DEFAULTS)


def im(mg: float, **changes: Any) -> Dose:
    """Milligrams drawn up rightly from 100 mg/mL."""
    drawn = {"concentration_mg_per_ml": 100, "volume_ml": mg / 100, "mg_per_kg": None}
    return DOSES["intramuscular"].model_copy(update={"milligrams": mg} | drawn | changes)


def amount(name: str, mg: float) -> Dose:
    drawn: dict[str, Any] = {"milligrams": mg}
    if DEFAULTS[name].dose.drawn_up:
        drawn |= {"concentration_mg_per_ml": 100, "volume_ml": mg / 100, "mg_per_kg": None}
    return DOSES[name].model_copy(update=drawn)


def story(name: str = "intramuscular", **opening: Any) -> list[Any]:
    return [opened(name, **opening), checked()]


@every_route
def test_the_usual_dose_is_given_as_it_was_said(name: str) -> None:
    [event] = when(story(name), giving(name))
    assert isinstance(event, Dosed)
    assert (event.dose, event.checked_by, event.confirmed) == (DOSES[name], PRESCRIBER, False)


# ---- the numbers agree

AGREE: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"volume_ml": 1.41}, None),  # half a mark of the syringe
    ({"volume_ml": 1.39}, None),
    ({"volume_ml": 1.42}, "1.42 mL of 50 mg/mL are 71 mg, not the 70 mg entered."),
    ({"volume_ml": 14}, "14 mL of 50 mg/mL are 700 mg, ten times the 70 mg entered: look at"),
    ({"volume_ml": 0.14}, "0.14 mL of 50 mg/mL are 7 mg, a tenth of the 70 mg entered: look at"),
    ({"concentration_mg_per_ml": 100}, "1.4 mL of 100 mg/mL are 140 mg, not the 70 mg entered."),
    ({"concentration_mg_per_ml": 10, "volume_ml": 7}, None),
    ({"concentration_mg_per_ml": 55}, "There is no vial of 55 mg/mL: the protocol knows 10, 50, 100 mg/mL."),
    ({"mg_per_kg": 1.05}, None),
    ({"mg_per_kg": 1.06}, "70 mg at 70 kg are 1.00 mg/kg, not the 1.06 mg/kg entered."),
    ({"mg_per_kg": 10}, "70 mg at 70 kg are 1.00 mg/kg, a tenth of the 10 mg/kg entered: look at"),
    ({"mg_per_kg": 0.1}, "70 mg at 70 kg are 1.00 mg/kg, ten times the 0.1 mg/kg entered: look at"),
    ({"volume_ml": None}, "The dose is drawn up: say the vial's concentration in mg/mL and"),
    ({"concentration_mg_per_ml": None}, "The dose is drawn up: say the vial's concentration"),
    ({"lot": None}, "The lot number is missing."),
    ({"site": None}, "The injection site is missing."),
]  # fmt: skip


@pytest.mark.parametrize("change, says", AGREE, ids=[str(change) for change, _ in AGREE])
def test_milligrams_weight_and_volume_agree(change: dict[str, Any], says: str | None) -> None:
    dose = DOSES["intramuscular"].model_copy(update=change)
    if says is None:
        assert len(when(story(), giving(dose=dose))) == 1
    else:
        assert refused(story(), giving(dose=dose)).startswith(says)
        check = CheckDose(**said(1, PRESCRIBER, "prescriber"), dose=dose)
        assert refused(story(), check).startswith(says), "what cannot be given cannot be checked either"


def test_without_a_weight_nothing_is_given_by_weight() -> None:
    says = "The patient's weight is not on record, so the mg/kg cannot be checked."
    assert refused(story(weight_kg=None), giving()) == says
    assert refused(story(weight_kg=None), giving(dose=im(70))) == says
    assert len(when(story("sublingual", weight_kg=None), giving("sublingual"))) == 1


# ---- the amount

# route, mg, what is said of it, at 70 kg: warned at, signed off, never
CAPS: list[tuple[str, float, str | None]] = [
    ("intramuscular", 105, None),
    ("intramuscular", 106, "106 mg at 70 kg is 1.51 mg/kg, over 1.5 mg/kg: the protocol warns here"),
    ("intramuscular", 140, "over 1.5 mg/kg: the protocol warns here"),
    ("intramuscular", 141, "over 2 mg/kg: a second person, a prescriber, has to sign this dose off"),
    ("intramuscular", 279, "a prescriber, has to sign this dose off"),
    ("intramuscular", 280, "280 mg at 70 kg is 4.00 mg/kg, and 4 mg/kg or more: this is never given"),
    ("intramuscular", 700, "this is never given (70 mg would be usual: look at the decimal point)"),
    ("sublingual", 300, None),
    ("sublingual", 301, "301 mg is over 300 mg: the protocol warns here"),
    ("sublingual", 400, "over 300 mg: the protocol warns here"),
    ("sublingual", 401, "401 mg is over 400 mg: this is never given"),
    ("intranasal", 100, None),
    ("intranasal", 101, "101 mg is over 100 mg: the protocol warns here"),
    ("intranasal", 150, "over 100 mg: the protocol warns here"),
    ("intranasal", 151, "151 mg is over 150 mg: this is never given"),
    ("intranasal", 500, "this is never given (50 mg would be usual: look at the decimal point)"),
    ("spravato", 56, None),
    ("spravato", 84, None),
    ("spravato", 28, "28 mg are given only when a prescriber overrides the gate dose.amount, with a reason"),
    ("spravato", 83, "83 mg is not a dose of this protocol: 56 or 84 mg"),
    ("spravato", 112, "112 mg is over 84 mg: this is never given"),
]


@pytest.mark.parametrize("name, mg, says", CAPS, ids=[f"{n}-{mg}" for n, mg, _ in CAPS])
def test_the_amounts_of_a_route_at_their_edges(name: str, mg: float, says: str | None) -> None:
    command = giving(name, dose=amount(name, mg))
    if says is None:
        assert len(when(story(name), command)) == 1
        return
    assert says in refused(story(name), command)
    sure = command.model_copy(update={"confirmed": True})
    if "warns" in says:
        [event] = when(story(name), sure)
        assert isinstance(event, Dosed) and event.confirmed
    else:
        assert says in refused(story(name), sure)


def test_spravato_28_is_given_when_a_prescriber_says_so_once() -> None:
    small = giving("spravato", dose=amount("spravato", 28))
    lifted = [*story("spravato"), overridden("dose.amount")]
    [given] = when(lifted, small)
    assert isinstance(given, Dosed)
    again = giving("spravato", 30, dose=amount("spravato", 28), additional=True)
    assert "dose.amount" in refused([*lifted, given], again)
    assert "not a dose of this protocol" in refused(lifted, giving("spravato", dose=amount("spravato", 30)))


# ---- boosters count together

TOTALS: list[tuple[str, float, float, str | None]] = [
    ("intramuscular", 70, 35, None),
    ("intramuscular", 70, 36, "106 mg at 70 kg is 1.51 mg/kg, over 1.5 mg/kg with the 70 mg given before: "
     "the protocol warns here, confirm that it is meant."),
    ("intramuscular", 100, 41, "over 2 mg/kg with the 100 mg given before: a second person, a prescriber,"),
    ("intramuscular", 140, 140, "and 4 mg/kg or more with the 140 mg given before: this is the most"),
    ("sublingual", 200, 201, "401 mg is over 400 mg with the 200 mg given before: this is the most"),
    ("intranasal", 100, 51, "151 mg is over 150 mg with the 100 mg given before: this is the most"),
    ("spravato", 56, 56, "112 mg is over 84 mg with the 56 mg given before: this is the most"),
]  # fmt: skip


@pytest.mark.parametrize("name, first, second, says", TOTALS, ids=[f"{n}-{a}+{b}" for n, a, b, _ in TOTALS])
def test_a_booster_counts_with_what_was_given_before(
    name: str, first: float, second: float, says: str | None
) -> None:
    before = [*story(name), dosed(2, amount(name, first))]
    command = giving(name, 30, dose=amount(name, second), additional=True)
    if says is None:
        assert len(when(before, command)) == 1
    else:
        assert says in refused(before, command)


def test_the_same_dose_again_within_ten_minutes_is_the_same() -> None:
    before = [*story(), dosed(2, DOSES["intramuscular"])]
    small = im(20)
    assert "If this is another dose, say that it is additional." in refused(
        before, giving(minutes=12, dose=small)
    )
    assert len(when(before, giving(minutes=12.1, dose=small))) == 1
    assert len(when(before, giving(minutes=12, dose=small, additional=True))) == 1


# ---- who has to agree


def signed(dose: Dose, by: str, role: str) -> DoseChecked:
    [event] = when(story(), CheckDose(**said(1, by) | {"role": role}, dose=dose))
    assert isinstance(event, DoseChecked)
    return event


def test_a_high_dose_is_signed_off_by_a_second_person_who_prescribes() -> None:
    dose, high = im(160), giving(dose=im(160), confirmed=True)
    says = "a second person, a prescriber, has to sign this dose off"
    assert says in refused(story(), high)
    assert says in refused([*story(), signed(dose, THERAPIST, "nurse")], high), "not a prescriber"
    assert says in refused([*story(), signed(dose, NURSE, "prescriber")], high), "not a second person"
    assert says in refused([*story(), signed(im(161), PRESCRIBER, "prescriber")], high), "another dose"
    old = DoseChecked(**stamp(1, PRESCRIBER), dose=dose)
    assert says in refused([*story(), old], high), "nobody knows as what they checked"
    assert len(when([*story(), signed(dose, PRESCRIBER, "prescriber")], high)) == 1
    # one signature is for one dose
    [given] = when([*story(), signed(dose, PRESCRIBER, "prescriber")], high)
    after = [*story(), signed(dose, PRESCRIBER, "prescriber"), given]
    assert refused(after, giving(minutes=30, dose=dose, confirmed=True, additional=True))


@every_route
def test_a_second_person_checks_where_the_protocol_wants_it(name: str) -> None:
    alone = giving(name, checked_by=None)
    if DEFAULTS[name].dose.second_check:
        says = "A second person has to check this dose, with their own password."
        assert refused(story(name), alone) == says
    else:
        assert len(when(story(name), alone)) == 1
    assert refused(story(name), giving(name, checked_by=NURSE)) == (
        "The second person is somebody else than who gives the dose."
    )


def test_which_routes_want_a_second_person() -> None:
    wanted = {name for name, p in DEFAULTS.items() if p.dose.second_check}
    assert wanted == {"intramuscular", "intranasal"}, "what is drawn up from a vial"


# ---- whatever is entered

milligrams = st.floats(1, 1500).map(lambda mg: round(mg, 1))


@forall(
    st.sampled_from(sorted(DEFAULTS)),
    st.floats(40, 150).map(lambda kg: round(kg, 1)),
    st.lists(st.tuples(milligrams, st.booleans()), min_size=1, max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_no_session_ever_gives_more_than_its_protocol_allows(
    name: str, weight: float, doses: list[tuple[float, bool]]
) -> None:
    events: list[Any] = story(name, weight_kg=weight)
    for n, (mg, confirmed) in enumerate(doses):
        dose = amount(name, mg)
        command = giving(name, 2 + 12 * n, dose=dose, confirmed=confirmed, additional=n > 0)
        try:
            events += [signed_event(dose), *when([*events, signed_event(dose)], command)]
        except Refused:
            continue
    given = [event.dose.milligrams for event in events if isinstance(event, Dosed)]
    rules = DEFAULTS[name].dose
    assert sum(given) <= (rules.total.over_mg or 1e9) + 1e-6
    assert sum(given) / weight < (rules.total.from_mg_per_kg or 1e9)
    assert not rules.allowed_mg or set(given) <= set(rules.allowed_mg)


def signed_event(dose: Dose) -> DoseChecked:
    return DoseChecked(**stamp(1, OTHER_PRESCRIBER), dose=dose, role="prescriber")


@forall(
    st.floats(5, 100).map(lambda mg: round(mg, 1)), st.sampled_from([10, 50, 100]), st.sampled_from([0.1, 10])
)
@settings(max_examples=200, deadline=None)
def test_a_ten_fold_slip_of_the_volume_is_always_caught_and_named(mg: float, vial: int, slip: float) -> None:
    volume = mg / vial * slip
    assume(0 < volume <= 20)
    # where the syringe's mark is coarser than the dose itself, a slip cannot be told
    assume(abs(vial * volume - mg) > vial * rules_of().dose.agree_within_ml)
    sentence = refused(story(), giving(dose=im(mg, concentration_mg_per_ml=vial, volume_ml=volume)))
    assert sentence.endswith("entered: look at the decimal point.")

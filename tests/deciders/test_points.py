"""A refusal names its single points, so that a form can show each where it belongs."""

from kap.events.session import Dose

from tests.deciders.sessions import DOSES, checked, dosed, giving, opened, overridden, refusal, when


def test_every_gate_that_holds_is_a_point_under_the_name_to_override() -> None:
    check = checked(spo2=91, ride_arranged=False)
    refused = refusal([opened(), check], giving())
    assert str(refused).startswith("The dose is held: ")
    assert refused.points == {
        "ride": "No ride home is arranged.",
        "spo2": "SpO2 was 91 %, at least 93 % is allowed: measure again 5 min after that (recheck 1 of 2).",
    }
    given = [opened(), check, overridden("ride"), overridden("spo2")]
    assert when(given, giving())


def test_what_is_wrong_with_the_dose_is_said_at_once_not_one_after_the_other() -> None:
    dose = DOSES["intramuscular"].model_copy(update={"lot": None, "volume_ml": 14.0})
    refused = refusal([opened(), checked(spo2=91)], giving(dose=dose, checked_by=None))
    assert list(refused.points) == ["spo2", "dose.volume", "dose.lot", "dose.second_check"]
    assert refused.points["dose.volume"] == (
        "14 mL of 50 mg/mL are 700 mg, ten times the 70 mg entered: look at the decimal point."
    )
    alone = refusal([opened(), checked()], giving(dose=dose, checked_by=None))
    assert str(alone) == alone.points["dose.volume"], "what is wrong comes before what is not entered yet"


def test_what_is_never_given_leads_and_asks_for_nobody_s_agreement() -> None:
    bare = Dose(drug="ketamine", route="intramuscular", milligrams=700)
    refused = refusal([opened(), checked()], giving(dose=bare, checked_by=None))
    assert list(refused.points) == ["dose.never", "dose.drawn_up", "dose.lot", "dose.site"]
    assert str(refused) == (
        "700 mg at 70 kg is 10.00 mg/kg, and 4 mg/kg or more: this is never given "
        "(70 mg would be usual: look at the decimal point)."
    )
    earlier = dosed(2, DOSES["intramuscular"])
    more = giving(dose=bare.model_copy(update={"milligrams": 220}), minutes=40, additional=True)
    refused = refusal([opened(), checked(), earlier], more)
    assert list(refused.points) == ["dose.total", "dose.drawn_up", "dose.lot", "dose.site"]


def test_an_amount_that_only_a_prescriber_allows_is_the_gate_dose_amount() -> None:
    dose = Dose(drug="esketamine", route="spravato", milligrams=28, lot="L-1")
    given = [opened("spravato"), checked()]
    assert list(refusal(given, giving("spravato", dose=dose)).points) == ["dose.amount"]
    assert when([*given, overridden("dose.amount")], giving("spravato", dose=dose))


def test_a_check_that_is_missing_or_old_is_the_point_check() -> None:
    assert list(refusal([opened()], giving()).points) == ["check"]
    assert list(refusal([opened(), checked()], giving(minutes=61)).points) == ["check"]
    ten_fold = giving(dose=DOSES["intramuscular"].model_copy(update={"volume_ml": 14.0}))
    assert list(refusal([opened()], ten_fold).points) == ["check", "dose.volume"]


def test_without_a_weight_all_else_is_looked_at_too() -> None:
    dose = DOSES["intramuscular"].model_copy(update={"lot": None})
    refused = refusal([opened(weight_kg=None), checked()], giving(dose=dose))
    assert list(refused.points) == ["dose.weight", "dose.lot"]


def test_what_holds_no_points_says_none() -> None:
    other = DOSES["sublingual"]
    assert refusal([opened(), checked()], giving(dose=other)).points == {}

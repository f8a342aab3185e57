import pytest
from kap.decider import Refused
from kap.events.intake import Measure
from kap.measures import INSTRUMENTS, check


@pytest.mark.parametrize(
    "name, items, highest, total", [("phq-9", 9, 3, 27), ("gad-7", 7, 3, 21), ("pcl-5", 20, 4, 80)]
)
def test_every_instrument_is_as_published(name: str, items: int, highest: int, total: int) -> None:
    instrument = INSTRUMENTS[name]
    assert (instrument.items, instrument.highest, instrument.total) == (items, highest, total)
    check(Measure(instrument=name, total=0))
    check(Measure(instrument=name, total=total))
    check(Measure(instrument=name, items=[0] * items))
    check(Measure(instrument=name, items=[highest] * items, total=total))


@pytest.mark.parametrize(
    "measure, reason",
    [
        (Measure(instrument="phq-9"), "phq-9 has neither a total nor answers"),
        (Measure(instrument="phq-9", total=28), "PHQ-9 is 28; it should be 0 to 27"),
        (Measure(instrument="gad-7", total=22), "GAD-7 is 22; it should be 0 to 21"),
        (Measure(instrument="pcl-5", total=81), "PCL-5 is 81; it should be 0 to 80"),
        (Measure(instrument="phq-9", items=[1] * 8), "PHQ-9 has 9 answers, not 8"),
        (Measure(instrument="gad-7", items=[1] * 8), "GAD-7 has 7 answers, not 8"),
        (Measure(instrument="phq-9", items=[0] * 8 + [4]), "Answer 9 of the PHQ-9 is 4; it should be 0 to 3"),
        (Measure(instrument="pcl-5", items=[-1] + [0] * 19), "Answer 1 of the PCL-5 is -1"),
        (Measure(instrument="phq-9", items=[1] * 9, total=10), "is 10, but its answers add up to 9"),
    ],
)
def test_what_cannot_be_a_result_is_refused(measure: Measure, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check(measure)


def test_another_instrument_is_taken_as_it_comes() -> None:
    check(Measure(instrument="meq-30", total=120))
    with pytest.raises(Refused, match="neither a total nor answers"):
        check(Measure(instrument="meq-30"))

"""The questionnaires that KAP knows: how many items, which answers, which totals are possible.

Sources: PHQ-9 and GAD-7 (Spitzer, Kroenke and Williams; calcipedia.org, mrcpsych.uk), PCL-5 (National Center
for PTSD; calculate.qxmd.com). Totals are plain sums. Any other instrument is recorded as it comes.
"""

from dataclasses import dataclass

from kap.decider import Refused
from kap.events.intake import Measure


@dataclass(frozen=True)
class Instrument:
    title: str
    items: int
    highest: int  # of one item; the lowest is 0

    @property
    def total(self) -> int:
        return self.items * self.highest


INSTRUMENTS = {
    "phq-9": Instrument("PHQ-9", items=9, highest=3),
    "gad-7": Instrument("GAD-7", items=7, highest=3),
    "pcl-5": Instrument("PCL-5", items=20, highest=4),
}


def check(measure: Measure) -> None:
    """Raises `Refused` when this cannot be the result of that questionnaire."""
    if measure.total is None and measure.items is None:
        raise Refused(f"The {measure.instrument} has neither a total nor answers.")
    known = INSTRUMENTS.get(measure.instrument)
    if known is None:
        return
    if measure.items is not None:
        if len(measure.items) != known.items:
            raise Refused(f"The {known.title} has {known.items} answers, not {len(measure.items)}.")
        for number, answer in enumerate(measure.items, start=1):
            if not 0 <= answer <= known.highest:
                raise Refused(
                    f"Answer {number} of the {known.title} is {answer}; it should be 0 to {known.highest}."
                )
        if measure.total is not None and measure.total != sum(measure.items):
            raise Refused(
                f"The total of the {known.title} is {measure.total}, "
                f"but its answers add up to {sum(measure.items)}."
            )
    elif measure.total is not None and measure.total > known.total:
        raise Refused(f"The total of the {known.title} is {measure.total}; it should be 0 to {known.total}.")

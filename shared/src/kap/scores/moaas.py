"""MOAA/S, the Modified Observer's Assessment of Alertness/Sedation: one level, seen by an observer.

    5  responds readily to name, normal tone
    4  lethargic response to name, normal tone
    3  responds only if name is called loudly or repeatedly
    2  responds only to mild prodding or shaking
    1  responds only to painful trapezius squeeze
    0  no response to painful trapezius squeeze

Source: https://bmcanesthesiol.biomedcentral.com/articles/10.1186/s12871-022-01788-1/tables/2. The band is the
level's meaning. The dissociated close their eyes and may not answer: touch gently before scoring under 3.
"""

from kap.scores.result import Given, Score, Whole, added, judged

MEANING = (
    "no response to painful trapezius squeeze",
    "responds only to painful trapezius squeeze",
    "responds only to mild prodding or shaking",
    "responds only if name is called loudly or repeatedly",
    "lethargic response to name, normal tone",
    "responds readily to name, normal tone",
)


class Level(Given):
    """What was observed, under the name that it has in ObservationRecorded."""

    moaas: Whole | None = judged(5, "5 responds readily to name, 0 not even to a painful squeeze")


def score(given: Level) -> Score:
    return added(given.present(), given.missing(), MEANING.__getitem__)

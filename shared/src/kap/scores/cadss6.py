"""CADSS-6: six items of the Clinician-Administered Dissociative States Scale, for ketamine.

    items 1, 2, 6, 7, 15 and 22 of the full scale, each 0 (not at all) to 4 (extreme); total 0–24

Source: Rodrigues et al., J Affect Disord 2021;282:160–164, https://doi.org/10.1016/j.jad.2020.12.119
(Spearman 0.91–0.95 with the full scale; its authors call it unvalidated); answers as in the full scale
(Bremner et al., J Trauma Stress 1998;11:125–136). No bands are published, so there is none here. The wording
is its authors' own; KAP keeps the items' numbers alone.
"""

from kap.scores.result import Given, Score, Whole, added, judged

ANSWER = "0 not at all, 4 extreme"


class Items(Given):
    """The answers, under the items' numbers in the full scale."""

    item_1: Whole | None = judged(4, ANSWER)
    item_2: Whole | None = judged(4, ANSWER)
    item_6: Whole | None = judged(4, ANSWER)
    item_7: Whole | None = judged(4, ANSWER)
    item_15: Whole | None = judged(4, ANSWER)
    item_22: Whole | None = judged(4, ANSWER)


def score(given: Items) -> Score:
    return added(given.present(), given.missing(), lambda total: None)

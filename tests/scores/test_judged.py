"""The scores whose points a person judges: MOAA/S, CADSS-6, modified Aldrete."""

from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from kap.scores import SCORES, NotScored, score

CADSS6 = ["item_1", "item_2", "item_6", "item_7", "item_15", "item_22"]
ALDRETE = ["activity", "respiration", "circulation", "consciousness", "spo2"]
HIGHEST = {"moaas": 5, "cadss6": 4, "aldrete": 2}
FIELDS = {"moaas": ["moaas"], "cadss6": CADSS6, "aldrete": ALDRETE}
EVERY = [(name, field) for name, fields in FIELDS.items() for field in fields]


@pytest.mark.parametrize(
    "level, meaning",
    [
        (5, "responds readily to name"),
        (4, "lethargic"),
        (3, "loudly or repeatedly"),
        (2, "mild prodding"),
        (1, "responds only to painful"),
        (0, "no response"),
    ],
)
def test_every_level_of_moaas_says_what_it_means(level: int, meaning: str) -> None:
    result = score("moaas", {"moaas": level})
    assert result.total == level
    assert result.band is not None and meaning in result.band


@pytest.mark.parametrize("answer, total", [(0, 0), (1, 6), (4, 24)])
def test_cadss6_adds_its_six_items_and_has_no_band(answer: int, total: int) -> None:
    result = score("cadss6", dict.fromkeys(CADSS6, answer))
    assert (result.total, result.band) == (total, None)


@pytest.mark.parametrize(
    "points, total, named",
    [
        ([2, 2, 2, 2, 2], 10, "discharge criterion met"),
        ([2, 2, 2, 2, 1], 9, "discharge criterion met"),
        ([2, 2, 2, 1, 1], 8, "discharge criterion not met"),
        ([2, 2, 2, 2, 0], 8, "discharge criterion not met"),
        ([0, 0, 0, 0, 0], 0, "discharge criterion not met"),
    ],
)
def test_aldrete_at_nine(points: list[int], total: int, named: str) -> None:
    result = score("aldrete", dict(zip(ALDRETE, points, strict=True)))
    assert (result.total, result.band) == (total, named)


@pytest.mark.parametrize("name", FIELDS)
def test_the_fields_are_those_published(name: str) -> None:
    assert list(SCORES[name].given.model_fields) == FIELDS[name]


@pytest.mark.parametrize("name, field", EVERY)
def test_without_one_judgement_there_is_no_total(name: str, field: str) -> None:
    values = dict.fromkeys(FIELDS[name], 2)
    others = {k: v for k, v in values.items() if k != field}
    for result in (score(name, others), score(name, values | {field: None})):
        assert (result.total, result.band, result.missing) == (None, None, (field,))
        assert result.parts == others


@pytest.mark.parametrize("name, field", EVERY)
@pytest.mark.parametrize("value", [-1, "high", 1.5, "2", True, float("nan"), [], {}])
def test_what_cannot_be_is_refused(name: str, field: str, value: object) -> None:
    highest = HIGHEST[name]
    given = highest + 1 if value == "high" else value
    with pytest.raises(NotScored, match=f"^{field} should be a whole number from 0 to {highest} "):
        score(name, dict.fromkeys(FIELDS[name], 1) | {field: given})


def test_a_whole_number_may_be_written_with_its_zero() -> None:
    assert score("moaas", {"moaas": 4.0}) == score("moaas", {"moaas": 4})


@st.composite
def judged(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(list(FIELDS)))
    return name, {field: draw(st.integers(0, HIGHEST[name])) for field in FIELDS[name]}


@forall(judged(), st.data())
def test_the_total_is_the_sum_of_the_parts_and_grows_with_each(
    case: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, values = case
    result = score(name, values)
    assert result.parts == values
    assert result.total == sum(values.values())
    field = data.draw(st.sampled_from(FIELDS[name]))
    more = score(name, values | {field: HIGHEST[name]})
    assert more.total is not None and more.total >= sum(values.values())

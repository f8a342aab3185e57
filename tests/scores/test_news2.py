from typing import Any

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from kap.scores import NotScored, score
from kap.scores.news2 import band, half_up

WELL: dict[str, Any] = {
    "respiratory_rate": 16,
    "spo2": 97,
    "spo2_scale": 1,
    "on_oxygen": False,
    "systolic": 125,
    "heart_rate": 72,
    "consciousness": "A",
    "temperature": 36.8,
}


def part(name: str, **values: Any) -> int:
    return score("news2", WELL | values).parts[name]


def test_who_is_well_scores_nothing() -> None:
    well = score("news2", WELL)
    assert (well.total, well.band, well.missing) == (0, "low", ())
    assert set(well.parts) == set(WELL) - {"spo2_scale"}


@pytest.mark.parametrize(
    "rr, spo2, scale, o2, sbp, hr, avpu, temp, total, named",
    [
        (16, 97, 1, False, 125, 72, "A", 36.8, 0, "low"),
        (8, 97, 1, False, 125, 72, "A", 36.8, 3, "low-medium"),
        (22, 93, 1, False, 105, 112, "A", 38.4, 8, "high"),
        (18, 95, 1, False, 178, 105, "V", 36.9, 5, "medium"),
        (18, 97, 1, False, 225, 100, "A", 36.9, 4, "low-medium"),
        (18, 95, 2, True, 130, 80, "A", 37.0, 4, "low"),
        (18, 95, 2, False, 130, 80, "A", 37.0, 0, "low"),
        (10, 88, 2, True, 130, 80, "A", 37.0, 3, "low"),
        (25, 90, 1, True, 90, 131, "U", 35.0, 20, "high"),
    ],
)
def test_worked_cases(
    rr: int,
    spo2: int,
    scale: int,
    o2: bool,
    sbp: int,
    hr: int,
    avpu: str,
    temp: float,
    total: int,
    named: str,
) -> None:
    values = [rr, spo2, scale, o2, sbp, hr, avpu, temp]
    result = score("news2", dict(zip(WELL, values, strict=True)))
    assert (result.total, result.band) == (total, named)


def test_the_parts_say_where_the_points_come_from() -> None:
    sedated = score("news2", WELL | {"spo2": 95, "systolic": 178, "heart_rate": 105, "consciousness": "V"})
    scored = {name: points for name, points in sedated.parts.items() if points}
    assert scored == {"spo2": 1, "heart_rate": 1, "consciousness": 3}


# Each step of the published table as (first value, last value, points); together they cover every value.
STEPS: dict[str, list[tuple[float, float, int]]] = {
    "respiratory_rate": [(0, 8, 3), (9, 11, 1), (12, 20, 0), (21, 24, 2), (25, 80, 3)],
    "systolic": [(0, 90, 3), (91, 100, 2), (101, 110, 1), (111, 219, 0), (220, 300, 3)],
    "heart_rate": [(0, 40, 3), (41, 50, 1), (51, 90, 0), (91, 110, 1), (111, 130, 2), (131, 300, 3)],
    "temperature": [(20, 35.0, 3), (35.1, 36.0, 1), (36.1, 38.0, 0), (38.1, 39.0, 1), (39.1, 45, 2)],
}
LOW_ON_2 = [(0, 83, 3), (84, 85, 2), (86, 87, 1)]
SATURATION = {
    (1, False): [(0, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0)],
    (1, True): [(0, 91, 3), (92, 93, 2), (94, 95, 1), (96, 100, 0)],
    (2, False): [*LOW_ON_2, (88, 92, 0), (93, 100, 0)],
    (2, True): [*LOW_ON_2, (88, 92, 0), (93, 94, 1), (95, 96, 2), (97, 100, 3)],
}
EDGES: list[tuple[str, dict[str, Any], float, float, int]] = [
    (name, {}, *step) for name, steps in STEPS.items() for step in steps
] + [
    ("spo2", {"spo2_scale": scale, "on_oxygen": oxygen}, *step)
    for (scale, oxygen), steps in SATURATION.items()
    for step in steps
]


@pytest.mark.parametrize("name, others, first, last, points", EDGES)
def test_every_edge(name: str, others: dict[str, Any], first: float, last: float, points: int) -> None:
    assert part(name, **others, **{name: first}) == points
    assert part(name, **others, **{name: last}) == points


@pytest.mark.parametrize("level, points", [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)])
def test_consciousness(level: str, points: int) -> None:
    assert part("consciousness", consciousness=level) == points


def test_oxygen_alone_scores_two() -> None:
    assert part("on_oxygen", on_oxygen=True) == 2
    assert part("on_oxygen", on_oxygen=False) == 0


@pytest.mark.parametrize(
    "total, single, named",
    [
        (0, False, "low"),
        (4, False, "low"),
        (3, True, "low-medium"),
        (4, True, "low-medium"),
        (5, False, "medium"),
        (5, True, "medium"),
        (6, True, "medium"),
        (7, False, "high"),
        (20, True, "high"),
    ],
)
def test_bands(total: int, single: bool, named: str) -> None:
    assert band(total, single) == named


@pytest.mark.parametrize(
    "value, to, rounded",
    [
        (8.5, "1", 9),
        (8.49, "1", 8),
        (219.5, "1", 220),
        (2.5, "1", 3),
        (36.05, "0.1", 36.1),
        (35.049, "0.1", 35.0),
        (38.05, "0.1", 38.1),  # in binary a little under, and still half up
        (1.005, "0.01", 1.01),
    ],
)
def test_rounding_is_half_up(value: float, to: str, rounded: float) -> None:
    assert half_up(value, to) == rounded


@pytest.mark.parametrize(
    "name, value, points",
    [
        ("respiratory_rate", 8.4, 3),
        ("respiratory_rate", 8.5, 1),
        ("spo2", 91.4, 3),
        ("spo2", 91.5, 2),
        ("systolic", 219.4, 0),
        ("systolic", 219.5, 3),
        ("heart_rate", 130.4, 2),
        ("heart_rate", 130.5, 3),
        ("temperature", 35.04, 3),
        ("temperature", 35.05, 1),
        ("temperature", 39.05, 2),
    ],
)
def test_values_are_rounded_before_they_are_looked_up(name: str, value: float, points: int) -> None:
    assert part(name, **{name: value}) == points


@pytest.mark.parametrize("name", WELL)
@pytest.mark.parametrize("left_out", [True, False], ids=["left out", "null"])
def test_without_one_parameter_there_is_no_total(name: str, left_out: bool) -> None:
    values = {k: v for k, v in WELL.items() if k != name} if left_out else WELL | {name: None}
    result = score("news2", values)
    assert (result.total, result.band, result.missing) == (None, None, (name,))
    assert name not in result.parts


def test_a_saturation_without_what_chooses_its_scale_has_no_points() -> None:
    assert "spo2" not in score("news2", WELL | {"spo2_scale": None}).parts
    assert "spo2" not in score("news2", WELL | {"spo2_scale": 2, "on_oxygen": None}).parts
    assert score("news2", WELL | {"spo2": 90, "on_oxygen": None}).parts["spo2"] == 3


@pytest.mark.parametrize(
    "name, value",
    [
        ("respiratory_rate", -1),
        ("respiratory_rate", 80.1),
        ("spo2", -0.1),
        ("spo2", 101),
        ("spo2_scale", 0),
        ("spo2_scale", 3),
        ("spo2_scale", True),
        ("on_oxygen", 1),
        ("on_oxygen", "no"),
        ("systolic", 301),
        ("heart_rate", -1),
        ("heart_rate", 301),
        ("heart_rate", "72"),
        ("heart_rate", True),
        ("heart_rate", float("nan")),
        ("heart_rate", 10**400),
        ("consciousness", "a"),
        ("consciousness", "alert"),
        ("temperature", 19.9),
        ("temperature", 98.6),
        ("temperature", float("inf")),
        ("temperature", [37]),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(NotScored, match=f"^{name} should be ") as refused:
        score("news2", WELL | {name: value})
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


measurements = st.fixed_dictionaries(
    {
        "respiratory_rate": st.floats(0, 80),
        "spo2": st.floats(0, 100),
        "spo2_scale": st.sampled_from([1, 2]),
        "on_oxygen": st.booleans(),
        "systolic": st.floats(0, 300),
        "heart_rate": st.integers(0, 300),
        "consciousness": st.sampled_from("ACVPU"),
        "temperature": st.floats(20, 45),
    }
)


@forall(measurements, st.sets(st.sampled_from(list(WELL))))
def test_the_total_is_the_sum_of_the_parts_or_nothing(values: dict[str, Any], unknown: set[str]) -> None:
    result = score("news2", values | dict.fromkeys(unknown))
    assert set(result.missing) == unknown
    if unknown:
        assert result.total is None and result.band is None
    else:
        assert result.total == sum(result.parts.values())
        assert 0 <= result.total <= 20
    whole = score("news2", values).parts
    assert all(points == whole[name] for name, points in result.parts.items())


@pytest.mark.parametrize(
    "name, others, normal",
    [
        ("respiratory_rate", {}, 16),
        ("systolic", {}, 150),
        ("heart_rate", {}, 70),
        ("temperature", {}, 37),
        ("spo2", {}, 100),
        ("spo2", {"spo2_scale": 2, "on_oxygen": True}, 90),
        ("spo2", {"spo2_scale": 2}, 100),
    ],
)
@forall(st.data())
def test_further_from_normal_never_scores_less(
    name: str, others: dict[str, Any], normal: float, data: st.DataObject
) -> None:
    first = min(first for of, _, first, _, _ in EDGES if of == name)
    last = max(last for of, _, _, last, _ in EDGES if of == name)
    away = st.floats(first, normal) | st.floats(normal, last)
    far = data.draw(away)
    near = normal + (far - normal) * data.draw(st.floats(0, 1))
    assert part(name, **others, **{name: near}) <= part(name, **others, **{name: far})

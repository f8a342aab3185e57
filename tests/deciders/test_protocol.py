from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st
from kap import bounds, protocol
from kap.bounds import Bound
from kap.events.session import Band, Priority
from kap.protocol import Protocol, ProtocolError, load

from tests.strategies import json_values

DEFAULTS = {p.name: p for p in protocol.defaults()}
IM = DEFAULTS["intramuscular"]
every_default = pytest.mark.parametrize("default", DEFAULTS.values(), ids=DEFAULTS)


def saved(folder: Path, content: Any) -> Path:
    file = folder / "mine.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def changed(path: str, value: Any, default: Protocol = IM) -> dict[str, Any]:
    """The protocol, the intramuscular one if not said, with the value at `path` changed."""
    content: Any = default.content()
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = content
    for part in way:
        place = place[part]
    place[last] = value
    result: dict[str, Any] = content
    return result


# ---- the defaults


def test_there_is_one_for_each_route() -> None:
    routes = {name: (p.route, p.drug) for name, p in DEFAULTS.items()}
    assert routes == {
        "intramuscular": ("intramuscular", "ketamine"),
        "intranasal": ("intranasal", "ketamine"),
        "spravato": ("spravato", "esketamine"),
        "sublingual": ("sublingual", "ketamine"),
    }


def raised(bands: list[Band], value: float) -> Priority | None:
    """The highest priority that a value raises, as `Band` says it."""
    found = [
        band.priority
        for band in bands
        if (band.low is not None and value < band.low) or (band.high is not None and value > band.high)
    ]
    order: list[Priority] = ["high", "medium", "low"]
    return next((priority for priority in order if priority in found), None)


EDGES: list[tuple[str, float, Priority | None]] = [
    ("spo2", 93, None),
    ("spo2", 92, "medium"),
    ("spo2", 90, "medium"),
    ("spo2", 89, "high"),
    ("systolic", 159, None),
    ("systolic", 160, "low"),
    ("systolic", 179, "low"),
    ("systolic", 180, "high"),
    ("systolic", 90, None),
    ("systolic", 89, "high"),
    ("diastolic", 99, None),
    ("diastolic", 100, "low"),
    ("diastolic", 109, "low"),
    ("diastolic", 110, "high"),
    ("heart_rate", 120, None),
    ("heart_rate", 121, "medium"),
    ("heart_rate", 130, "medium"),
    ("heart_rate", 131, "high"),
    ("heart_rate", 50, None),
    ("heart_rate", 49, "low"),
    ("heart_rate", 41, "low"),
    ("heart_rate", 40, "high"),
    ("respiratory_rate", 9, None),
    ("respiratory_rate", 8, "high"),
    ("respiratory_rate", 24, None),
    ("respiratory_rate", 25, "high"),
]


@every_default
@pytest.mark.parametrize("signal, value, priority", EDGES)
def test_the_limits_are_those_of_the_reference(
    default: Protocol, signal: str, value: float, priority: Priority | None
) -> None:
    assert raised(getattr(default.limits, signal), value) == priority


@every_default
def test_nobody_leaves_before_two_hours_and_silence_is_noticed(default: Protocol) -> None:
    assert default.expected.minimum_stay_min >= 120
    assert default.limits.no_data_after_s == 15


@every_default
def test_every_number_has_its_source_beside_it(default: Protocol) -> None:
    """In its own line, in the comment that stands over its block, or in the field `source` beside it."""
    lines = (files("kap") / "protocols" / f"{default.name}.yaml").read_text().splitlines()
    body = lines[next(n for n, line in enumerate(lines) if line.startswith("expected:")) :]
    sourced = False
    for line in body:
        if not line.strip():
            sourced = False
        elif line.strip().startswith("#"):
            sourced = True
        elif line.strip().startswith(("asks:", "source:")):
            continue  # the schema wants a source beside each question
        elif any(character.isdigit() for character in line.partition("#")[0]):
            assert sourced or "#" in line, f"{default.name}: no source for {line.strip()!r}"


# ---- the digest


@every_default
def test_a_protocol_read_back_from_its_event_has_the_same_digest(default: Protocol) -> None:
    assert Protocol.model_validate(default.content()).digest() == default.digest()


def test_the_digest_does_not_depend_on_how_the_file_is_written(tmp_path: Path) -> None:
    backwards = dict(reversed(IM.content().items()))
    assert load(saved(tmp_path, backwards)).digest() == IM.digest()


@pytest.mark.parametrize(
    "path, value", [("version", 9), ("limits.spo2.0.low", 92), ("expected.peak_min", 21), ("title", "x")]
)
def test_any_change_changes_the_digest(tmp_path: Path, path: str, value: Any) -> None:
    assert load(saved(tmp_path, changed(path, value))).digest() != IM.digest()


# ---- errors


WRONG: list[tuple[str, Any, str]] = [
    ("route", "intravenous", r"line \d+: route should be 'intramuscular', 'sublingual', 'intranasal' or"),
    ("version", 0, r"mine.yaml, line \d+: version should be greater than or equal to 1, and is 0"),
    ("name", "My protocol", r"mine.yaml, line \d+: name .* and is 'My protocol'"),
    ("limits.spo2.0.priority", "urgent", "limits.spo2.0.priority should be 'high', 'medium' or 'low'"),
    ("limits.spo2.0.low", "ninety", "limits.spo2.0.low should be a valid number.*and is 'ninety'"),
    ("limits.spo2.0.lo", 92, "limits.spo2.0.lo is not a field of a protocol"),
    ("limits.sp02", [], "limits.sp02 is not a field of a protocol"),
    ("limits.spo2", [], "limits.spo2 should have a limit"),
    ("limits.spo2.0.low", None, "limits.spo2.0 should have a low or a high"),
    ("limits.systolic.1.low", 179, "limits.systolic.1.low should be under its high"),
    ("limits.no_data_after_s", 0, "limits.no_data_after_s should be greater than or equal to 5"),
    ("expected.peak_min", 90, "onset_min, peak_min and offset_min should follow each other"),
    ("expected.minimum_stay_min", 30, "minimum_stay_min should not be before offset_min"),
    ("expected.checks_min", [10, 5], "checks_min should be a rising list"),
    ("expected.checks_min", [], "checks_min should be a rising list"),
    ("expected.moaas_min", [10, 5], "moaas_min should be a rising list"),
    ("expected.dissociation_min", [40, 40], "dissociation_min should be a rising list"),
]


@pytest.mark.parametrize("path, value, message", WRONG, ids=[f"{path}={value}" for path, value, _ in WRONG])
def test_an_error_names_file_field_and_what_it_should_be(
    tmp_path: Path, path: str, value: Any, message: str
) -> None:
    with pytest.raises(ProtocolError, match=message):
        load(saved(tmp_path, changed(path, value)))


@pytest.mark.parametrize("field", sorted(Protocol.model_fields))
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    content = IM.content()
    del content[field]
    with pytest.raises(ProtocolError, match=f"mine.yaml, line 1: {field} is missing"):
        load(saved(tmp_path, content))


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "should be a list of fields"),
        ("- name", "should be a list of fields"),
        ("name: [", "line 1: "),
        ("name: a\nlimits: {}\nlimits: {}", "line 3: limits stands here twice"),
        ("name: !!python/object/apply:os.getcwd []", "line 1: could not determine a constructor"),
        ("name: \x07", "mine.yaml is not YAML"),
    ],
)
def test_a_file_that_is_no_protocol_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        load(saved(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"none\.yaml cannot be read"):
        load(tmp_path / "none.yaml")


@forall(st.dictionaries(st.sampled_from([*IM.content(), "other"]), json_values))
@settings(max_examples=50, deadline=None)
def test_whatever_stands_in_a_file_the_error_is_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    with pytest.raises(ProtocolError, match=r"mine\.yaml"):
        load(saved(tmp_path_factory.mktemp("protocol"), content))


# ---- the hard bounds


def beyond(bound: Bound) -> Any:
    """A value just outside the bound."""
    match bound.kind:
        case "at least":
            return int(bound.value) - 1 if bound.value > 1 else bound.value / 2
        case "at most":
            return int(bound.value) + 1 if bound.value > 1 else bound.value * 2
        case "among":
            return [*bound.values, 57]
        case "holding":
            return []


BOUNDED = [(bound, route) for bound in bounds.PROTOCOL for route in bound.routes]


@pytest.mark.parametrize("bound, route", BOUNDED, ids=[f"{b.field}-{b.kind}-{r}" for b, r in BOUNDED])
def test_no_protocol_is_wider_than_a_hard_bound(tmp_path: Path, bound: Bound, route: str) -> None:
    if bound.field == "expected.minimum_stay_min" and bound.value == 60:
        assert bound.keeps(60) and not bound.keeps(
            59
        )  # a route's offset is later, so another rule speaks first
    content = changed(bound.field, beyond(bound), DEFAULTS[route])
    with pytest.raises(ProtocolError) as refusal:
        load(saved(tmp_path, content))
    said = next(line for line in str(refusal.value).splitlines() if f" {bound.field} " in line)
    number = int(said.partition(", line ")[2].partition(":")[0])
    written = (tmp_path / "mine.yaml").read_text().splitlines()[number - 1]
    assert written.split(":")[0].strip() == bound.field.rpartition(".")[2]


LIMITS = [(s, "low", o.low) for s, o in bounds.LIMITS.items() if o.low is not None]
LIMITS += [(s, "high", o.high) for s, o in bounds.LIMITS.items() if o.high is not None]


@pytest.mark.parametrize("signal, side, value", LIMITS)
def test_no_limit_is_wider_than_a_hard_bound(signal: str, side: str, value: float) -> None:
    def problems(edge: float | None, priority: Priority = "high") -> dict[str, str]:
        others = [b.model_copy(update={side: None}) for b in getattr(IM.limits, signal)]
        limits = IM.limits.model_copy(
            update={signal: [*others, Band.model_validate({side: edge, "priority": priority})]}
        )
        return dict(bounds.of_limits(limits))

    assert problems(value) == {}
    outside = value - 1 if side == "low" else value + 1
    name, unit = bounds.CALLED[signal]
    where = "under" if side == "low" else "over"
    must = f"{name} must alarm with high priority {where} {value:g} {unit} or earlier"
    [(field, sentence)] = problems(outside).items()
    assert field == f"{signal}.{side}"
    assert sentence.startswith(f"{must}, not only {where} {outside:g} {unit} (hard bound: ")
    for missing in (problems(value, "medium"), problems(None)):
        assert missing[f"{signal}.{side}"].startswith(f"{must} (hard bound: ")


def test_silence_is_not_let_go_on() -> None:
    quiet = IM.limits.model_copy(update={"no_data_after_s": 61})
    assert dict(bounds.of_limits(quiet)) == {
        "no_data_after_s": (
            "A silent monitor must alarm after 60 s at the latest, not after 61 s (hard bound: [D])."
        )
    }


@pytest.mark.parametrize(
    "path, value, message",
    [
        ("dose.warn.over_mg_per_kg", 2.5, "dose.warn should not be over dose.second_sign_off: 2.5 is over 2"),
        ("dose.second_sign_off.over_mg_per_kg", 4.5, "dose.second_sign_off should not be over dose.never"),
        ("dose.never", {}, "dose.never should have an amount"),
        ("dose.total", {}, "dose.total should have an amount"),
        ("dose.concentrations_mg_per_ml", [], "dose.concentrations_mg_per_ml should name the vials"),
        ("eligibility.rules.osa", {"asks": "?"}, "eligibility.rules.osa.standing is missing"),
        ("eligibility.rules.osa.standing", "maybe", "eligibility.rules.osa.standing should be"),
        ("gates.asked", ["weather"], r"gates.asked.0 should be"),
    ],
)
def test_what_does_not_hang_together_is_named(tmp_path: Path, path: str, value: Any, message: str) -> None:
    content: Any = IM.content()
    *way, last = path.split(".")
    place = content
    for part in way:
        place = place[part]
    place[last] = value
    with pytest.raises(ProtocolError, match=message):
        load(saved(tmp_path, content))


def test_all_that_is_wrong_is_said_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (files("kap") / "protocols" / "spravato.yaml").read_text()
    text = text.replace("allowed_mg: [56, 84]", "allowed_mg: [56, 84, 112]").replace(
        "recheck_after_min: 5 ", "recheck_after_min: 1 "
    )
    lines = text.splitlines()
    with pytest.raises(ProtocolError) as refusal:
        load(saved(tmp_path, text))
    first, second = str(refusal.value).splitlines()
    at = [
        next(n for n, line in enumerate(lines, 1) if key in line) for key in ("recheck_after", "allowed_mg")
    ]
    assert first.startswith(
        f"mine.yaml, line {at[0]}: gates.recheck_after_min should be at least 5 (hard bound:"
    )
    assert second == (
        f"mine.yaml, line {at[1]}: dose.allowed_mg should be among 56, 84 (hard bound: Spravato label), "
        "and is 56, 84, 112"
    )

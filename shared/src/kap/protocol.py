"""What a clinic's protocol file says, checked: who may be treated by one route, how, and when they may leave.

A protocol is data: a versioned YAML file that a clinic changes. Adopting one puts its whole content and
digest into the log; a session keeps the version that it began with.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, JsonValue, ValidationError, model_validator
from pydantic_core import ErrorDetails

from kap import bounds
from kap.events.alarm_rules import AlarmRules, Checks, Confirmed, ProbeOff, Sustained, Symptoms
from kap.events.fact import Code, Frozen
from kap.events.rules import Cap, DischargeRules, DoseRules, Eligibility, Gates
from kap.events.session import Band, Drug, ExpectedCourse, Limits, Route

WATCHED = ("spo2", "systolic", "diastolic", "heart_rate", "respiratory_rate")


class ProtocolError(Exception):
    """The file is not a protocol. The message names file, line, field and what it should be."""


class Protocol(Frozen):
    """One version of one route's protocol. Pressures mm[Hg], rates /min, saturation %, times in minutes."""

    name: Code
    version: int = Field(ge=1)
    title: str = Field(min_length=1, max_length=80)
    route: Route
    drug: Drug
    expected: ExpectedCourse
    eligibility: Eligibility
    gates: Gates
    dose: DoseRules
    discharge: DischargeRules
    limits: Limits
    alarms: AlarmRules

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        problems = [
            *_expected(self.expected),
            *_dose(self.dose),
            *_limits(self.limits),
            *_alarms(self.alarms, self.limits),
            *bounds.of_protocol(self, self.route),
            *(f"limits.{field}: {sentence}" for field, sentence in bounds.of_limits(self.limits)),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def content(self) -> dict[str, JsonValue]:
        """The whole protocol as JSON, every default written out, so that it can be read for ever."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: sorted keys, no spaces, UTF-8."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _expected(course: ExpectedCourse) -> Iterator[str]:
    if not course.onset_min <= course.peak_min <= course.offset_min:
        yield "expected: onset_min, peak_min and offset_min should follow each other"
    if course.minimum_stay_min < course.offset_min:
        yield "expected.minimum_stay_min should not be before offset_min"
    if not course.checks_min or course.checks_min != sorted(set(course.checks_min)):
        yield "expected.checks_min should be a rising list of minutes after the dose"
    for name, minutes in (("moaas_min", course.moaas_min), ("dissociation_min", course.dissociation_min)):
        if minutes != sorted(set(minutes)):
            yield f"expected.{name} should be a rising list of minutes after the dose"


def _dose(dose: DoseRules) -> Iterator[str]:
    """Each step stands under the next, and what is needed to check a dose is there."""
    steps = [("warn", dose.warn), ("second_sign_off", dose.second_sign_off), ("never", dose.never)]
    there = [(name, cap) for name, cap in steps if cap is not None]
    for name, cap in [*there, ("total", dose.total)]:
        if cap == Cap():
            yield f"dose.{name} should have an amount: over_mg, over_mg_per_kg or from_mg_per_kg"
    for unit in (_mg, _mg_per_kg):
        amounts = [(name, amount) for name, cap in there if (amount := unit(cap)) is not None]
        for (name, amount), (following, more) in pairwise(amounts):
            if amount > more:
                yield f"dose.{name} should not be over dose.{following}: {amount:g} is over {more:g}"
    if dose.drawn_up and not dose.concentrations_mg_per_ml:
        yield "dose.concentrations_mg_per_ml should name the vials, as the dose is drawn up"


def _mg(cap: Cap) -> float | None:
    return cap.over_mg


def _mg_per_kg(cap: Cap) -> float | None:
    return cap.over_mg_per_kg if cap.from_mg_per_kg is None else cap.from_mg_per_kg


def _limits(limits: Limits) -> Iterator[str]:
    for signal in WATCHED:
        bands: list[Band] = getattr(limits, signal)
        if not bands:
            yield f"limits.{signal} should have a limit: a signal without one never alarms"
        for n, band in enumerate(bands):
            if band.low is None and band.high is None:
                yield f"limits.{signal}.{n} should have a low or a high"
            if band.low is not None and band.high is not None and band.low >= band.high:
                yield f"limits.{signal}.{n}.low should be under its high"


def _alarms(alarms: AlarmRules, limits: Limits) -> Iterator[str]:
    """Each rule hangs together, delays a limit that there is, and no longer than the hard bound."""
    bands = {
        f"{signal}.{side}.{band.priority}"
        for signal in WATCHED
        for band in getattr(limits, signal)
        for side in ("low", "high")
        if getattr(band, side) is not None
    }
    delayed: set[str] = set()
    for name, rule in alarms.rules.items():
        field = f"alarms.rules.{name}"
        if isinstance(rule, Sustained | Confirmed):
            if rule.band not in bands:
                yield f"{field}.band should be a limit that there is, one of {', '.join(sorted(bands))}"
            if rule.band in delayed:
                yield f"{field}.band should have one delay, and {rule.band} has two"
            delayed.add(rule.band)
        match rule:
            case Sustained() if rule.band.endswith(".high") and rule.for_s > bounds.LONGEST_DELAY_S:
                longest = f"{bounds.LONGEST_DELAY_S} for a limit of priority high"
                yield f"{field}.for_s should be at most {longest} (hard bound), and is {rule.for_s:g}"
            case Confirmed() if rule.again_from_s >= rule.again_until_s:
                yield f"{field}.again_until_s should be over again_from_s"
            case ProbeOff() if rule.low_after_s > rule.medium_after_s:
                yield f"{field}.medium_after_s should not be under low_after_s"
            case Checks() if rule.low_after_min > rule.medium_after_min:
                yield f"{field}.medium_after_min should not be under low_after_min"
            case _:
                pass
    if not any(isinstance(rule, Symptoms) for rule in alarms.rules.values()):
        yield "alarms.rules should hold a rule of kind symptoms: they alarm whatever the numbers"


def strictly(content: object) -> Protocol:
    """The protocol in `content`; a word that protocols do not know is an error, not ignored."""
    return Protocol.model_validate(content, extra="forbid")


def load(path: Path | Traversable) -> Protocol:
    """The protocol in a YAML file, else `ProtocolError`."""
    text = text_of(path)
    try:
        content = yaml.load(text, _Once)
        tree = yaml.compose(text, _Once)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ProtocolError(f"{path.name}, line {line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ProtocolError(f"{path.name} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ProtocolError(f"{path.name} should be a list of fields, each a name, a colon and a value")
    try:
        return strictly(content)
    except ValidationError as error:
        problems = [
            f"{path.name}, line {line_of(tree, field)}: {sentence}"
            for detail in error.errors()
            for field, sentence in _sentences(detail)
        ]
        raise ProtocolError("\n".join(problems)) from error


def text_of(path: Path | Traversable) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path.name} cannot be read: {error}") from error


def line_of(tree: yaml.Node | None, field: str) -> int:
    """The line on which a field stands, or what of its way there is."""
    line, rest = 1, field
    while rest and tree is not None:
        below = None
        match tree:
            case yaml.MappingNode():
                for key, value in tree.value:
                    name = str(key.value)  # a rule's key has dots of its own
                    if rest == name or rest.startswith(f"{name}."):
                        line, below, rest = key.start_mark.line + 1, value, rest[len(name) + 1 :]
                        break
            case yaml.SequenceNode():
                number, _, after = rest.partition(".")
                if number.isdigit() and int(number) < len(tree.value):
                    below, rest = tree.value[int(number)], after
                    line = below.start_mark.line + 1
        tree = below
    return line


@dataclass(frozen=True)
class Kept:
    """A protocol and its file. `own`: the clinic's, which counts in place of KAP's default of that name."""

    protocol: Protocol
    file: Path | Traversable
    own: bool = False


def defaults() -> list[Protocol]:
    """The protocols that come with KAP: proposed defaults, to be signed off by the clinic."""
    return [kept.protocol for kept in of_clinic(None)]


def of_clinic(folder: Path | None) -> list[Kept]:
    """The defaults and, in their place or beside them, the files of the clinic's own folder.

    Raises `ProtocolError` when one of these is no protocol, or when two name themselves the same.
    """
    kept: dict[str, Kept] = {}
    for source in (files("kap") / "protocols", folder):
        if source is None:
            continue
        own = source is folder
        for file in sorted(source.iterdir(), key=lambda f: f.name):
            if not file.name.endswith((".yaml", ".yml")):
                continue
            read = load(file)
            other = kept.get(read.name)
            if own and other is not None and other.own:
                raise ProtocolError(f"{file.name} and {other.file.name} are both called {read.name}")
            kept[read.name] = Kept(read, file, own)
    return list(kept.values())


def _sentences(detail: ErrorDetails) -> Iterator[tuple[str, str]]:
    """A validation error as fields with sentences: field, what it should be, what it is."""
    field = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    match detail["type"]:
        case "missing":
            yield field, f"{field} is missing"
        case "extra_forbidden":
            yield field, f"{field} is not a field of a protocol"
        case "value_error":
            for sentence in detail["msg"].removeprefix("Value error, ").splitlines():
                yield sentence.split()[0].rstrip(":"), sentence
        case _:
            what = detail["msg"].replace("Input should", "should", 1)
            yield field, f"{field} {what}, and is {detail['input']!r}"


class _Once(yaml.SafeLoader):
    """YAML in which a name may stand only once: of two `limits`, the first would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name} stands here twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)

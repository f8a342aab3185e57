"""What a clinic's protocol file says, checked: the limits and the expected course of one route.

A protocol is data: a versioned YAML file that a clinic changes. Adopting one puts its whole content and
digest into the log; a session keeps the version that it began with.
"""

import hashlib
import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, JsonValue, ValidationError, model_validator
from pydantic_core import ErrorDetails

from kap.events.fact import Code, Frozen
from kap.events.session import Band, Drug, ExpectedCourse, Limits, Route

WATCHED = ("spo2", "systolic", "diastolic", "heart_rate", "respiratory_rate")


class ProtocolError(Exception):
    """The file is not a protocol. The message names file, field and what it should be."""


class Protocol(Frozen):
    """One version of one route's protocol. Pressures mm[Hg], rates /min, saturation %, times in minutes."""

    name: Code
    version: int = Field(ge=1)
    title: str = Field(min_length=1, max_length=80)
    route: Route
    drug: Drug
    expected: ExpectedCourse
    limits: Limits

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        course = self.expected
        if not course.onset_min <= course.peak_min <= course.offset_min:
            raise ValueError("expected: onset_min, peak_min and offset_min should follow each other")
        if course.minimum_stay_min < course.offset_min:
            raise ValueError("expected.minimum_stay_min should not be before offset_min")
        if not course.checks_min or course.checks_min != sorted(set(course.checks_min)):
            raise ValueError("expected.checks_min should be a rising list of minutes after the dose")
        for signal in WATCHED:
            bands: list[Band] = getattr(self.limits, signal)
            if not bands:
                raise ValueError(f"limits.{signal} should have a limit: a signal without one never alarms")
            for n, band in enumerate(bands):
                if band.low is None and band.high is None:
                    raise ValueError(f"limits.{signal}.{n} should have a low or a high")
                if band.low is not None and band.high is not None and band.low >= band.high:
                    raise ValueError(f"limits.{signal}.{n}.low should be under its high")
        return self

    def content(self) -> dict[str, JsonValue]:
        """The whole protocol as JSON, every default written out, so that it can be read for ever."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: sorted keys, no spaces, UTF-8."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def strictly(content: object) -> Protocol:
    """The protocol in `content`; a word that protocols do not know is an error, not ignored."""
    return Protocol.model_validate(content, extra="forbid")


def load(path: Path | Traversable) -> Protocol:
    """The protocol in a YAML file, else `ProtocolError`."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Once)
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path.name} cannot be read: {error}") from error
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
        problems = [f"{path.name}: {_sentence(detail)}" for detail in error.errors()]
        raise ProtocolError("\n".join(problems)) from error


def defaults() -> list[Protocol]:
    """The protocols that come with KAP: proposed defaults, to be signed off by the clinic."""
    folder = files("kap") / "protocols"
    return [load(file) for file in sorted(folder.iterdir(), key=lambda f: f.name) if _is_yaml(file)]


def _is_yaml(file: Traversable) -> bool:
    return file.name.endswith(".yaml")


def _sentence(detail: ErrorDetails) -> str:
    """One validation error as: field, what it should be, what it is."""
    field = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "missing":
            return f"{field} is missing"
        case "extra_forbidden":
            return f"{field} is not a field of a protocol"
        case "value_error":
            return detail["msg"].removeprefix("Value error, ")
    what = detail["msg"].replace("Input should", "should", 1)
    return f"{field} {what}, and is {detail['input']!r}"


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

"""What a score is given and what it gives: the shape that all of them share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    """In JSON 3.0 is the whole number 3; true is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Given(BaseModel):
    """What one score is made of. A field that is null or left out is missing, never normal.

    The description of each field says what it should be; help and refusals show it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def present(self) -> dict[str, Any]:
        return {name: value for name, value in self if value is not None}

    def missing(self) -> tuple[str, ...]:
        return tuple(name for name, value in self if value is None)


def measured(low: float, high: float, unit: str) -> Any:
    """A measured value, low and high included."""
    what = f"a number from {low:g} to {high:g} ({unit})"
    return Field(default=None, ge=low, le=high, description=what)


def judged(high: int, meaning: str) -> Any:
    """A whole number from 0 that a person judged or asked for."""
    what = f"a whole number from 0 to {high} ({meaning})"
    return Field(default=None, ge=0, le=high, description=what)


@dataclass(frozen=True)
class Score:
    """A published score; while anything is missing it has parts, but neither total nor band."""

    total: int | None
    band: str | None
    missing: tuple[str, ...]
    parts: Mapping[str, int]


def added(parts: Mapping[str, int], missing: tuple[str, ...], band: Callable[[int], str | None]) -> Score:
    """The score whose total is the sum of its parts."""
    if missing:
        return Score(total=None, band=None, missing=missing, parts=parts)
    total = sum(parts.values())
    return Score(total=total, band=band(total), missing=(), parts=parts)

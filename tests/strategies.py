"""Teaches Hypothesis to make any event or command from its own declaration, patterns and bounds included."""

import types
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

import annotated_types as bounds
from hypothesis import strategies as st
from kap.events.fact import SEALED
from pydantic import AwareDatetime, BaseModel, JsonValue
from pydantic.dataclasses import is_pydantic_dataclass
from pydantic.fields import FieldInfo

M = TypeVar("M", bound=BaseModel)

NURSE, THERAPIST, PRESCRIBER, ADMIN = (f"staff:0199a1b2-0000-7000-8000-00000000000{n}" for n in range(4))
SYSTEM = "service:tests"


def sealed(path: str = "text") -> str:
    """A token that looks sealed; it opens with no key."""
    return f"sealed:v1:{UUID(int=7)}:{path}:{'A' * 40}"


tokens = st.builds(
    "sealed:v1:{}:{}:{}".format,
    st.uuids(),
    st.from_regex(r"[a-z0-9_.]{1,120}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-]{38,60}", fullmatch=True),
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC) | offsets)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@cache
def instances(model: type[M]) -> st.SearchStrategy[M]:
    """Valid instances of a frozen model; optional fields are there or not."""
    return likely(model)


def likely(model: type[M], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[M]:
    """Instances in which these fields have these values, as chance would seldom give them."""
    return _fields(model.model_fields, fixed).map(model.model_validate)


def _fields(
    fields: Mapping[str, FieldInfo], fixed: Mapping[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in fields.items():
        target = required if field.is_required() or name in fixed else optional
        target[name] = fixed[name] if name in fixed else values(field.annotation, field.metadata)
    return st.fixed_dictionaries(required, optional=optional)


def values(annotation: Any, metadata: Iterable[Any] = ()) -> st.SearchStrategy[Any]:
    """What may stand at a place declared so."""
    if annotation is AwareDatetime:
        return times
    if annotation is JsonValue:
        return json_values
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        more = [m for item in args[1:] for m in (item.metadata if isinstance(item, FieldInfo) else [item])]
        return values(args[0], [*metadata, *more])
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of([values(part, metadata) for part in args])
    limits = {name: value for item in metadata for name, value in _limits(item)}
    if origin is list:
        return st.lists(
            values(args[0]),
            min_size=limits.get("min_length", 0),
            max_size=min(limits.get("max_length", 3), 3),
        )
    if origin is dict:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=3)
    if annotation is str and limits.get("pattern") == SEALED:
        return tokens
    if annotation is str and "pattern" in limits:
        longest = limits.get("max_length", 1000)
        return st.from_regex(limits["pattern"], fullmatch=True).filter(lambda text: len(text) <= longest)
    if annotation is str:
        return st.text(min_size=limits.get("min_length", 0), max_size=min(limits.get("max_length", 20), 20))
    if annotation is int:
        return st.integers(limits.get("ge", -(2**53)), limits.get("le", 2**53))
    if annotation is float:
        low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
        return st.floats(
            low,
            high,
            exclude_min="gt" in limits,
            exclude_max="lt" in limits,
            allow_nan=False,
            allow_infinity=False,
        )
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return instances(annotation)
    if is_pydantic_dataclass(annotation):
        return _fields(annotation.__pydantic_fields__, {}).map(lambda found: annotation(**found))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        UUID: st.uuids(),
        type(None): st.none(),
    }
    return simple[annotation]


def _limits(item: Any) -> Iterable[tuple[str, Any]]:
    match item:
        case bounds.Ge(ge=value):
            yield "ge", value
        case bounds.Gt(gt=value):
            yield "gt", value
        case bounds.Le(le=value):
            yield "le", value
        case bounds.Lt(lt=value):
            yield "lt", value
        case bounds.MinLen(min_length=value):
            yield "min_length", value
        case bounds.MaxLen(max_length=value):
            yield "max_length", value
    if getattr(item, "pattern", None) is not None:
        yield "pattern", item.pattern

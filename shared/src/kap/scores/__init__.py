"""The published scores that KAP knows, and no other: pure functions, one file each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kap.scores import aldrete, cadss6, moaas, news2
from kap.scores.result import Given, Score

__all__ = ["SCORES", "NotScored", "Published", "Score", "score"]


@dataclass(frozen=True)
class Published:
    title: str
    given: type[Given]
    score: Callable[[Any], Score]


SCORES = {
    "news2": Published("NEWS2", news2.Parameters, news2.score),
    "moaas": Published("MOAA/S", moaas.Level, moaas.score),
    "cadss6": Published("CADSS-6", cadss6.Items, cadss6.score),
    "aldrete": Published("the modified Aldrete score", aldrete.Judgements, aldrete.score),
}


class NotScored(ValueError):
    """What was given cannot be scored. Each line of the message is a sentence that names the field."""


def score(name: str, values: object) -> Score:
    """The score of that name for values as JSON has them; `NotScored` where they cannot be right."""
    published = SCORES.get(name.lower().replace("/", "").replace("-", ""))  # MOAA/S, CADSS-6
    if published is None:
        raise NotScored(f"{_shown(name)} is not a score that KAP knows: they are {', '.join(SCORES)}.")
    try:
        given = published.given.model_validate(values)
    except ValidationError as error:
        problems = [_sentence(published, detail) for detail in error.errors()]
        raise NotScored("\n".join(problems)) from error
    return published.score(given)


def _sentence(published: Published, detail: ErrorDetails) -> str:
    fields = published.given.model_fields
    if not detail["loc"]:
        return f"What is scored should be one JSON object with the fields {', '.join(fields)}."
    name = str(detail["loc"][0])
    if name not in fields:
        return f"{_shown(name)} is not a field of {published.title}: they are {', '.join(fields)}."
    return f"{name} should be {fields[name].description}, and is {_shown(detail['input'])}."


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"

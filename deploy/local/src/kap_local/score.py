"""`kap score`: lets anyone check the published scores that KAP shows."""

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from kap.scores import SCORES, NotScored, Score
from kap.scores import score as scored


def read(text: str) -> Any:
    """The JSON value, else `NotScored`."""
    try:
        return json.loads(sys.stdin.read() if text == "-" else text, object_pairs_hook=_once)
    except NotScored:
        raise
    except (ValueError, RecursionError) as error:
        raise NotScored(f"JSON should be one JSON object, and cannot be read: {error}.") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values under one name, the first would be lost in silence."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise NotScored(f"{json.dumps(name)} stands there twice; it should be given once.")
    return dict(pairs)


def shown(result: Score) -> str:
    return json.dumps(asdict(result), ensure_ascii=False)


def score(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"Which: {', '.join(SCORES)}.")],
    values: Annotated[
        str, typer.Argument(metavar="JSON", help="Its fields as one JSON object; - reads stdin.")
    ],
) -> None:
    try:
        result = scored(name, read(values))
    except NotScored as problems:
        for sentence in str(problems).splitlines():
            print(f"kap: {sentence}", file=sys.stderr)
        raise typer.Exit(2) from problems
    print(shown(result))


def _help() -> str:
    """A paragraph a score; \\b keeps its lines apart."""
    paragraphs = [
        "Work a published score out; prints one JSON object {total, band, missing, parts}.",
        "The total is null while a field is missing (null or left out). "
        "Exit code 2: a value is out of range, or a name unknown.",
    ]
    for name, published in SCORES.items():
        fields = [f"  {field}: {info.description}" for field, info in published.given.model_fields.items()]
        paragraphs.append("\n".join(["\b", f"{name}: {published.title}", *fields]))
    return "\n\n".join(paragraphs)


score.__doc__ = _help()

"""The JSON schema of every event, and what a signal can be: the dashboard's types and bounds are made of it.

`python -m projections.schema`
"""

import json
from typing import Any

from kap.events import Event
from kap.events.vitals import POSSIBLE
from kap.measures import INSTRUMENTS
from pydantic import TypeAdapter


def schema() -> dict[str, Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(Event)
    return _plain(adapter.json_schema(mode="serialization")) | {
        "possible": POSSIBLE,
        "totals": {name: instrument.total for name, instrument in INSTRUMENTS.items()},
    }


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    """Without the titles that pydantic gives each property: a generator would make a type of each."""
    return {
        key: _plain(value)
        if isinstance(value, dict)
        else [_plain(item) if isinstance(item, dict) else item for item in value]
        if isinstance(value, list)
        else value
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))

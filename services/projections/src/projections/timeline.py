"""One row a fact, in every aggregate: what was entered, when and by whom, corrected entries included."""

from collections.abc import Sequence
from uuid import UUID

from kap.envelope import aggregate
from kap.events import Recorded
from kap.events.fact import EntryCorrected, Fact

from projections.read_model import Connection, ReadModel

# `stands` is the id under which the entry can be corrected (again): its own, then its replacement's.
TABLES = """
create table fact (
    position     bigint primary key,
    aggregate    text not null,
    aggregate_id text not null,
    event_id     uuid not null,
    type         text not null,
    at           timestamptz not null,
    by           text not null,
    recorded_at  timestamptz not null,
    data         text not null,
    corrections  text[] not null default '{}',
    stands       uuid
);
create index on fact (aggregate, aggregate_id, at, position);
create index on fact (stands);
"""

CORRECT = """
update fact set corrections = array_append(corrections, $2), stands = $3
where stands = $1
"""


async def apply(connection: Connection, batch: Sequence[Recorded]) -> int:
    """A correction marks the entry that it corrects; it has no row of its own."""
    facts, corrections = [], []
    for item in batch:
        if isinstance(item.event, EntryCorrected):
            corrections.append(item.event)
        elif isinstance(item.event, Fact):
            facts.append(_row(item, item.event))
    if facts:
        await connection.copy_records_to_table("fact", columns=COLUMNS, records=facts)
    for event in corrections:
        replacement = event.replacement
        stands = UUID(str(replacement["id"])) if replacement is not None else None
        await connection.execute(CORRECT, event.event_id, _correction(event), stands)
    return len(facts) + len(corrections)


COLUMNS = (
    "position",
    "aggregate",
    "aggregate_id",
    "event_id",
    "type",
    "at",
    "by",
    "recorded_at",
    "data",
    "stands",
)


def _row(item: Recorded, event: Fact) -> tuple[object, ...]:
    kind, key = aggregate(event).split(".")
    data = event.model_dump_json(exclude={"id", "at", "by", "type"})
    name = type(event).__name__
    return item.position, kind, key, event.id, name, event.at, event.by, item.time, data, event.id


def _correction(event: EntryCorrected) -> str:
    return event.model_dump_json(include={"at", "by", "reason", "replacement"})


timeline = ReadModel("timeline-1", "kap.events.>", TABLES, lambda: apply)

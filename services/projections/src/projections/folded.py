"""A table with one row for each thing of a kind, which is the fold of that thing's facts.

Each new fact moves the row on. The facts are kept beside it, because a correction changes the past: then the
row is folded again from the thing's first fact.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from uuid import UUID

from kap.events import Anything, Recorded, Unknown, corrected, decode, encode
from kap.events.fact import EntryCorrected, Fact, Frozen

from projections.read_model import CannotApply, Connection

S = TypeVar("S", bound=Frozen)

_NO_TIME = datetime.fromtimestamp(0, UTC)  # a fold does not ask when a fact was recorded


@dataclass(frozen=True)
class Folded(Generic[S]):
    """`key` says whose fact it is, None for a fact that this table is not about.

    `columns` are copied out of the document for queries: name → its Postgres type and where it comes from.
    The document is text: jsonb would refuse a string with a NUL, and stop for it.
    Every document has a `record_position`, that of its last fact.
    """

    table: str
    document: type[S]
    key: Callable[[Anything], UUID | None]
    evolve: Callable[[S | None, Anything], S | None]
    columns: Mapping[str, tuple[str, Callable[[S], object]]]

    @property
    def tables(self) -> str:
        columns = "".join(f"    {name} {kind},\n" for name, (kind, _) in self.columns.items())
        return f"""
create table {self.table} (
    id uuid primary key,
{columns}    document text not null
);
create table {self.table}_fact (
    position bigint primary key,
    id       uuid not null,
    event_id uuid not null,
    event    text not null
);
create index on {self.table}_fact (id, position);
create index on {self.table}_fact (event_id);
"""

    async def apply(self, connection: Connection, batch: Sequence[Recorded]) -> int:
        news: dict[UUID, list[Recorded]] = defaultdict(list)
        corrections: list[Recorded] = []
        facts = []
        for item in batch:
            if isinstance(item.event, EntryCorrected):
                corrections.append(item)
            elif isinstance(item.event, Fact) and (key := self.key(item.event)) is not None:
                news[key].append(item)
                facts.append((item.position, key, item.event.id, encode(item.event).decode()))
        if facts:
            await connection.copy_records_to_table(f"{self.table}_fact", records=facts)
        again = [key for item in corrections if (key := await self._correct(connection, item)) is not None]
        rows = await self._moved_on(connection, {k: v for k, v in news.items() if k not in again})
        for key in dict.fromkeys(again):
            rows[key] = await self._from_the_first(connection, key)
        await self._save(connection, rows)
        return len(rows)

    async def _moved_on(
        self, connection: Connection, news: Mapping[UUID, list[Recorded]]
    ) -> dict[UUID, S | None]:
        there = await connection.fetch(
            f"select id, document from {self.table} where id = any($1)", list(news)
        )
        before = {row["id"]: self.document.model_validate_json(row["document"]) for row in there}
        rows: dict[UUID, S | None] = {}
        for key, items in news.items():
            row: S | None = before.get(key)
            for item in items:
                row = self.evolve(row, item.event)
            rows[key] = _at(row, items[-1].position)
        return rows

    async def _correct(self, connection: Connection, item: Recorded) -> UUID | None:
        """Keep the correction with the facts of the thing that it corrects; None when that is not ours."""
        event = item.event
        assert isinstance(event, EntryCorrected)
        key: UUID | None = await connection.fetchval(
            f"select id from {self.table}_fact where event_id = $1", event.event_id
        )
        if key is not None:
            # Under the replacement's id, so that a correction of the correction finds it.
            stands = (event.replacement or {}).get("id") or event.id
            await connection.execute(
                f"insert into {self.table}_fact values ($1, $2, $3, $4)",
                item.position,
                key,
                UUID(str(stands)),
                encode(event).decode(),
            )
        return key

    async def _from_the_first(self, connection: Connection, key: UUID) -> S | None:
        facts = await connection.fetch(
            f"select position, event from {self.table}_fact where id = $1 order by position", key
        )
        history = [Recorded(row["position"], decode(row["event"].encode()), _NO_TIME) for row in facts]
        row: S | None = None
        for event in corrected(history):
            if isinstance(event, Unknown):
                raise CannotApply(f"a correction up to {history[-1].position} brings in {event.type!r}")
            row = self.evolve(row, event)
        return _at(row, history[-1].position)

    async def _save(self, connection: Connection, rows: Mapping[UUID, S | None]) -> None:
        gone = [key for key, row in rows.items() if row is None]
        if gone:  # its first fact was withdrawn
            await connection.execute(f"delete from {self.table} where id = any($1)", gone)
        names = [*self.columns, "document"]
        values = ", ".join(f"${n}" for n in range(1, len(names) + 2))
        changes = ", ".join(f"{name} = excluded.{name}" for name in names)
        await connection.executemany(
            f"insert into {self.table} (id, {', '.join(names)}) values ({values}) "
            f"on conflict (id) do update set {changes}",
            [
                (key, *(get(row) for _, get in self.columns.values()), row.model_dump_json())
                for key, row in rows.items()
                if row is not None
            ],
        )


def _at(row: S | None, position: int) -> S | None:
    return row and row.model_copy(update={"record_position": position})

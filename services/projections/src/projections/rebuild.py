"""Build a read model anew from the first event, beside the one in use, and take its place in one transaction.

The owner goes on while this reads the whole log. At the end the row lock on the checkpoint holds the owner
for a moment; it then finds the generation changed and goes on from what was built here.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic

from kap.events import Recorded
from kap.tasks import ended

from projections import read_model
from projections.read_model import Checkpoint, Connection, Keeper, Log, ReadModel

Progress = Callable[[int, int], None]  # events applied, events there are

CATCH_UP_S = 60.0
COMPARE_S = 600.0


class CannotRebuild(Exception):
    """It cannot be rebuilt now; the message says why. What is in use is as it was."""


@dataclass(frozen=True)
class Rebuilt:
    """`differences`: rows that the read model in use had otherwise; None when it was not compared."""

    name: str
    events: int
    rows: int
    position: int
    seconds: float
    differences: int | None


async def rebuild(
    log: Log,
    database_url: str,
    model: ReadModel,
    *,
    compare: bool = False,
    progress: Progress = lambda done, total: None,
) -> Rebuilt:
    """`compare` brings the one in use to the same position and counts the rows that differ."""
    beside, before = f"{model.name}_rebuild", f"{model.name}_old"
    connection = await read_model.connect(database_url, beside)
    keeper: asyncio.Task[None] | None = None
    try:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", read_model.lock_key(beside)):
            raise CannotRebuild(f"{model.name} is being rebuilt by another process.")
        await read_model.prepare(connection, model)
        async with connection.transaction():
            await connection.execute("set local client_min_messages = warning")
            await connection.execute(f'drop schema if exists "{before}" cascade')
            await read_model.make_schema(connection, model, beside)
        if compare:  # it stands by when another process keeps the read model
            keeper = asyncio.create_task(Keeper(log, database_url, model).run())
        result = await _Rebuild(log, connection, model, progress).run(compare)
        await connection.execute(f'drop schema "{before}" cascade')  # apart: readers may still be in it
        return result
    finally:
        if keeper is not None:
            await ended(keeper)
        connection.terminate()


class _Rebuild:
    def __init__(self, log: Log, connection: Connection, model: ReadModel, progress: Progress) -> None:
        self.log = log
        self.connection = connection
        self.model = model
        self.progress = progress
        self.apply = model.begin()
        self.position = self.events = self.rows = 0

    async def run(self, compare: bool) -> Rebuilt:
        started = monotonic()
        self.follower = self.log.follow(
            self.model.stream, self.model.subject, after=0, name=f"read-models-{self.model.kind}-rebuild"
        )
        async with aclosing(self.follower.batches()) as batches:
            async for batch in batches:
                if batch:
                    async with self.connection.transaction():
                        await self._take(batch)
                if self.follower.pending == 0:
                    break
            differences = await self._take_over(batches, compare)
        return Rebuilt(
            self.model.name, self.events, self.rows, self.position, monotonic() - started, differences
        )

    async def _take(self, batch: list[Recorded]) -> None:
        self.model.check(batch)
        self.rows += await self.apply(self.connection, batch)
        self.position = batch[-1].position
        self.events += len(batch)
        self.progress(self.events, self.events + (self.follower.pending or 0))

    async def _take_over(self, batches: AsyncGenerator[list[Recorded], None], compare: bool) -> int | None:
        name = self.model.name
        if compare:
            await self._until_the_other_is_here()
        differences: int | None = None
        async with self.connection.transaction():
            there = await read_model.read_checkpoint(self.connection, name, "for update")
            if there is not None and await self._is_of_this_log(there):
                while self.position < there.position:  # nobody's rows may go back in time
                    batch = [item for item in await anext(batches) if item.position <= there.position]
                    if batch:
                        await self._take(batch)
                if compare:
                    differences = await compared(self.connection, name, f"{name}_rebuild")
            for schema, renamed in ((name, f"{name}_old"), (f"{name}_rebuild", name)):
                await self.connection.execute(f'alter schema "{schema}" rename to "{renamed}"')
            await self.connection.execute(
                "update public.checkpoint set position = $2, epoch = $3, tables = $4, "
                "generation = generation + 1 where name = $1",
                name,
                self.position,
                self.follower.epoch,
                self.model.digest,
            )
        return differences

    async def _is_of_this_log(self, there: Checkpoint) -> bool:
        head = await self.log.head(self.model.stream)
        return there.epoch in (None, head.epoch) and there.position <= head.last

    async def _until_the_other_is_here(self) -> None:
        deadline = monotonic() + CATCH_UP_S
        while True:
            there = await read_model.read_checkpoint(self.connection, self.model.name)
            if there is not None and there.position >= self.position:
                return
            if monotonic() > deadline:
                raise CannotRebuild(f"{self.model.name} in use does not catch up: nothing to compare with.")
            await asyncio.sleep(0.01)


async def compared(connection: Connection, one: str, other: str) -> int:
    """How many rows are in one of the two schemas and not in the other."""
    tables = await connection.fetch(
        "select relname from pg_class where relnamespace = $1::text::regnamespace and relkind in ('r', 'p') "
        "and not relispartition order by relname",
        f'"{other}"',
    )
    differences = 0
    for (table,) in tables:
        a, b = (f'(select * from "{schema}"."{table}")' for schema in (one, other))
        found = await connection.fetchval(
            f"select count(*) from (({a} except all {b}) union all ({b} except all {a})) as different",
            timeout=COMPARE_S,
        )
        differences += int(found)
    return differences

"""Read models: tables that are a function of the log, so that they can always be thrown away.

Rows and checkpoint move in one transaction, and the checkpoint only from the position that this owner left:
an event that comes twice changes nothing, and of two owners one writes. Each read model has a schema of its
own, so that a rebuild (projections.rebuild) grows beside it and takes its place by a rename.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

import asyncpg
from kap.decider import Unavailable
from kap.envelope import EVENTS, VITALS
from kap.events import Recorded, Unknown
from kap.follow import Head, LogLostTail
from nats.errors import Error as NatsError
from prometheus_client import Counter, Gauge, Histogram

ROWS = Counter("kap_read_model_rows_total", "Rows written to Postgres.", ["model"])
POSITION = Gauge("kap_read_model_position", "The last sequence whose rows are in Postgres.", ["model"])
LAG_EVENTS = Gauge("kap_read_model_lag_events", "Events still to apply; -1 when not known.", ["model"])
LAG_SECONDS = Gauge("kap_read_model_lag_seconds", "How far the rows are behind the log.", ["model"])
STOPPED = Gauge("kap_read_model_stopped", "1 when an event or the log stopped this read model.", ["model"])
OWNER = Gauge("kap_read_model_owner", "1 when this process is the one that writes it.", ["model"])
RETRIES = Counter(
    "kap_read_model_retries_total", "Times Postgres or the log had to be waited for.", ["model"]
)
BATCH = Histogram(
    "kap_read_model_batch_seconds",
    "One batch of events into Postgres.",
    ["model"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

CONNECT_S = 5.0
COMMAND_S = 60.0
GATHER_S = 0.05  # between batches once caught up: a transaction for each reading would cost half a core
PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
STANDBY_S = 1.0  # how often one that waits asks whether the owner is gone
SILENT_S = 3.0  # a keeper that is well says so each second
BEHIND_S = 30.0  # later than this is "not ready"

log = logging.getLogger("kap.read_model")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Apply = Callable[[Connection, Sequence[Recorded]], Awaitable[int]]


class CannotApply(Exception):
    """An event that this read model cannot apply. It stops, rather than show a record that is not whole."""


class Followed(Protocol):
    pending: int | None
    epoch: str | None

    @property
    def lag_s(self) -> float: ...

    def batches(self) -> AsyncGenerator[list[Recorded], None]: ...


class Log(Protocol):
    """What a read model needs of the log."""

    async def head(self, stream: str) -> Head: ...

    def follow(
        self, stream: str, subject: str, *, after: int, name: str, epoch: str | None = None
    ) -> Followed: ...


@dataclass(frozen=True)
class ReadModel:
    """`begin` gives the function that applies a batch and says how many rows it wrote.

    It is called for each connection, so what it remembers is of that connection alone.
    """

    name: str  # ends in a number; other tables get the next number and start at the first event
    subject: str
    tables: str  # made in the read model's own schema
    begin: Callable[[], Apply]
    reads: frozenset[str] | None = None  # the aggregates it is about; None: all of them
    stream: str = EVENTS

    @property
    def kind(self) -> str:
        return self.name.rsplit("-", 1)[0]

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.tables.encode()).hexdigest()

    def check(self, batch: Sequence[Recorded]) -> None:
        for item in batch:
            if isinstance(item.event, Unknown) and (self.reads is None or item.event.aggregate in self.reads):
                raise CannotApply(
                    f"{self.name} cannot read the event {item.event.type!r} at {item.position} of "
                    f"{self.stream}: update KAP, and it goes on from there"
                )


@dataclass(frozen=True)
class Checkpoint:
    """`epoch` names the log that was read; `generation` counts the rebuilds; `tables` is their digest."""

    position: int
    epoch: str | None
    generation: int
    tables: str


CHECKPOINTS = """
create table if not exists public.checkpoint (
    name       text primary key,
    tables     text    not null,
    epoch      text,
    position   bigint  not null default 0,
    generation integer not null default 0
)
"""

ADVANCE = """
update public.checkpoint set position = $3, epoch = $4
where name = $1 and position = $2 and generation = $5
"""

READ = "select position, epoch, generation, tables from public.checkpoint where name = $1"


async def connect(database_url: str, schema: str) -> Connection:
    return await asyncpg.connect(
        database_url,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        server_settings={
            "application_name": f"kap {schema}",
            "search_path": f'"{schema}"',
            "timezone": "UTC",
            # A crash of Postgres may lose the last rows, but their checkpoint with them: they come again.
            "synchronous_commit": "off",
        },
    )


def lock_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"kap {name}".encode()).digest()[:8], signed=True)


async def prepare(connection: Connection, model: ReadModel) -> None:
    """Make the read model's schema when there is none."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", lock_key("prepare"))
        await connection.execute("set local client_min_messages = warning")
        await connection.execute(CHECKPOINTS)
        new = "insert into public.checkpoint (name, tables) values ($1, $2) on conflict do nothing"
        if await connection.execute(new, model.name, model.digest) == "INSERT 0 1":
            await make_schema(connection, model, model.name)


async def make_schema(connection: Connection, model: ReadModel, schema: str) -> None:
    await connection.execute(f'drop schema if exists "{schema}" cascade; create schema "{schema}"')
    await connection.execute(f'set local search_path = "{schema}"')
    await connection.execute(model.tables)


async def read_checkpoint(
    connection: Connection, name: str, lock: Literal["", "for update"] = ""
) -> Checkpoint | None:
    row = await connection.fetchrow(f"{READ} {lock}", name)
    return Checkpoint(**row) if row else None


_AWAY_CLASSES = ("08", "40", "53", "57", "58")  # connection, rollback, resources, shutdown, system
_AWAY_CODES = ("25006", "55P03", "3D000")  # read-only after a failover, lock not available, no database yet


def away(error: BaseException) -> bool:
    """Whether Postgres (or the log) is only gone for now, so that trying again makes sense."""
    if isinstance(error, asyncpg.PostgresError):
        code = str(error.sqlstate or "")
        return code[:2] in _AWAY_CLASSES or code in _AWAY_CODES
    # InternalClientError is what a connection cut in the middle of a batch may raise.
    gone = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, (*gone, Unavailable, NatsError))


State = Literal["starting", "waiting", "standing by", "following", "stopped"]


class Keeper:
    """Keeps one read model up to date, for ever: as its owner, or standing by while another process is."""

    def __init__(self, log: Log, database_url: str, model: ReadModel) -> None:
        self.log = log
        self.database_url = database_url
        self.model = model
        self.state: State = "starting"
        self.why = ""
        self.position = 0
        self._pause = PAUSE_S
        self._good = self._turned = time.monotonic()  # up to when the rows hold everything; when we knew

    async def run(self) -> None:
        STOPPED.labels(self.model.name).set(0)
        LAG_SECONDS.labels(self.model.name).set_function(lambda: self.lag_s)
        while True:
            generation: int | None = None
            try:
                connection = await connect(self.database_url, self.model.name)
                try:
                    await prepare(connection, self.model)
                    checkpoint = await self._stand_by(connection)
                    generation = checkpoint.generation
                    await self._follow(connection, checkpoint)
                finally:
                    OWNER.labels(self.model.name).set(0)
                    # Not close(): that waits for a server that may be gone.
                    connection.terminate()
            except Exception as error:
                if away(error):
                    self._be("waiting", f"{type(error).__name__}: {error}")
                    RETRIES.labels(self.model.name).inc()
                    LAG_EVENTS.labels(self.model.name).set(-1)
                    log.warning(
                        "read model waits for Postgres or the log",
                        extra={"model": self.model.name, "pause_s": self._pause, "reason": self.why},
                    )
                    await asyncio.sleep(self._pause)
                    self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
                else:
                    self._be("stopped", str(error) or type(error).__name__)
                    STOPPED.labels(self.model.name).set(1)
                    log.error(
                        "read model stopped",
                        exc_info=None if isinstance(error, CannotApply | LogLostTail) else error,
                        extra={"model": self.model.name, "position": self.position, "reason": self.why},
                    )
                    await self._until_rebuilt(generation)
                    STOPPED.labels(self.model.name).set(0)

    async def _stand_by(self, connection: Connection) -> Checkpoint:
        """Returns as the owner. The lock is this connection's: it ends with it."""
        while not await connection.fetchval("select pg_try_advisory_lock($1)", lock_key(self.model.name)):
            self._be("standing by", "another process keeps it")
            self._knows(0)
            await asyncio.sleep(STANDBY_S)
        OWNER.labels(self.model.name).set(1)
        checkpoint = await read_checkpoint(connection, self.model.name)
        if checkpoint is None:
            raise CannotApply(f"the checkpoint of {self.model.name} was deleted")
        return checkpoint

    async def _follow(self, connection: Connection, checkpoint: Checkpoint) -> None:
        """Apply batch after batch; returns when a rebuild took this read model's place."""
        model = self.model
        if checkpoint.tables != model.digest:
            raise CannotApply(
                f"the tables of {model.name} are not those of this version of KAP: "
                f"run `kap rebuild {model.kind}`"
            )
        self.position = checkpoint.position
        apply = model.begin()
        follower = self.log.follow(
            model.stream,
            model.subject,
            after=self.position,
            name=f"read-models-{model.kind}",
            epoch=checkpoint.epoch,
        )
        async with aclosing(follower.batches()) as batches:
            async for batch in batches:
                stop_when_told()
                fresh = [item for item in batch if item.position > self.position]
                if not fresh:
                    if await read_checkpoint(connection, model.name) != checkpoint:
                        return
                else:
                    started = time.perf_counter()
                    model.check(fresh)
                    moved = replace(checkpoint, position=fresh[-1].position, epoch=follower.epoch)
                    async with connection.transaction():
                        if not await advance(connection, model.name, checkpoint, moved):
                            return
                        rows = await apply(connection, fresh)
                    checkpoint, self.position = moved, moved.position
                    ROWS.labels(model.name).inc(rows)
                    POSITION.labels(model.name).set(self.position)
                    BATCH.labels(model.name).observe(time.perf_counter() - started)
                self._pause = PAUSE_S
                if follower.pending is not None:
                    self._be("following")
                    self._knows(follower.lag_s)
                    LAG_EVENTS.labels(model.name).set(follower.pending)
                if fresh and not follower.pending:
                    await asyncio.sleep(GATHER_S)

    async def _until_rebuilt(self, generation: int | None) -> None:
        """Nothing but a rebuild (or another version of KAP) helps one that stopped."""
        while True:
            await asyncio.sleep(STANDBY_S)
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await connect(self.database_url, self.model.name)
                try:
                    checkpoint = await read_checkpoint(connection, self.model.name)
                finally:
                    connection.terminate()
                if checkpoint is None or checkpoint.generation != generation:
                    return

    def _be(self, state: State, why: str = "") -> None:
        if state == "following" and self.state != state:
            log.info("read model follows", extra={"model": self.model.name, "position": self.position})
        self.state, self.why = state, why

    def _knows(self, lag_s: float) -> None:
        self._turned = time.monotonic()
        self._good = self._turned - lag_s

    @property
    def lag_s(self) -> float:
        """How far the rows are behind the log; it grows while nothing is heard of either."""
        now = time.monotonic()
        return now - self._good if now - self._turned > SILENT_S else self._turned - self._good

    @property
    def unready(self) -> str | None:
        """Why a reader of this read model may not get all that was recorded."""
        if self.state in ("stopped", "waiting", "starting"):
            return f"{self.model.name} {self.state}{': ' if self.why else ''}{self.why}"
        if self.lag_s > BEHIND_S:
            return f"{self.model.name} is {self.lag_s:.0f} s behind"
        return None


async def advance(connection: Connection, name: str, from_: Checkpoint, to: Checkpoint) -> bool:
    """Move the checkpoint in the transaction of the rows; False when somebody else moved it."""
    done = await connection.execute(ADVANCE, name, from_.position, to.position, to.epoch, from_.generation)
    return done == "UPDATE 1"


def stop_when_told() -> None:
    """Python 3.11's wait_for forgets a cancellation that comes together with its result."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def together(*parts: Apply) -> Apply:
    """One function that applies a batch to several tables."""

    async def apply(connection: Connection, batch: Sequence[Recorded]) -> int:
        return sum([await part(connection, batch) for part in parts])

    return apply


async def keep(keepers: Sequence[Keeper]) -> None:
    """Keep several read models, each on its own connection: one that stops does not stop the others."""
    async with asyncio.TaskGroup() as tasks:
        for keeper in keepers:
            tasks.create_task(keeper.run())


def unready(keepers: Sequence[Keeper]) -> str | None:
    """For /readyz: what is wrong, of all read models; None when nothing is."""
    return "; ".join(reason for keeper in keepers if (reason := keeper.unready)) or None


__all__ = ["EVENTS", "VITALS", "CannotApply", "Connection", "Keeper", "ReadModel", "keep", "unready"]

"""One row a reading, as recorded, in a partition a week; and each minute's least, sum and greatest."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kap.envelope import VITALS
from kap.events import Recorded
from kap.events.vitals import SIGNALS, VitalRecorded

from projections.read_model import Apply, Connection, ReadModel

# The same reading has the same three values of the key, so that a repeat conflicts with itself.
# A sum is numeric: a sum of floats would depend on the order, and a rebuild would differ in the last bit.
TABLES = f"""
create table reading (
    session_id   uuid not null,
    observed_at  timestamptz not null,
    id           uuid not null,
    source       text not null,
    device_id    text,
    entered_by   text,
    backfilled   boolean not null,
    questionable text[],
    {", ".join(f"{signal} double precision" for signal in SIGNALS)},
    primary key (session_id, observed_at, id)
) partition by range (observed_at);

create table reading_other partition of reading default;

create table minute (
    session_id uuid not null,
    minute     timestamptz not null,
    source     text not null,
    {
    ", ".join(
        f"{s}_min double precision, {s}_sum numeric, {s}_n integer not null, {s}_max double precision"
        for s in SIGNALS
    )
},
    primary key (session_id, minute, source)
) with (fillfactor = 80);
"""

ARRIVED = "create temp table if not exists arrived (like reading) on commit delete rows"

# Only what was new goes into the minutes.
STORE = f"""
with new as (insert into reading select * from arrived on conflict do nothing returning *)
insert into minute as m
select session_id, date_bin('1 minute', observed_at, 'epoch'), source,
    {", ".join(f"min({s}), sum({s}::numeric), count({s}), max({s})" for s in SIGNALS)}
from new group by 1, 2, 3
on conflict (session_id, minute, source) do update set
    {
    ", ".join(
        f"{s}_min = least(m.{s}_min, excluded.{s}_min),"
        f"{s}_sum = case when m.{s}_n = 0 then excluded.{s}_sum when excluded.{s}_n = 0 then m.{s}_sum"
        f" else m.{s}_sum + excluded.{s}_sum end,"
        f"{s}_n = m.{s}_n + excluded.{s}_n,"
        f"{s}_max = greatest(m.{s}_max, excluded.{s}_max)"
        for s in SIGNALS
    )
}
"""

# Outside these, a reading's time is a clock gone wrong: all such share one partition.
FIRST, LAST = datetime(2020, 1, 6, tzinfo=UTC), datetime(2060, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def begin() -> Apply:
    ready: set[datetime] = set()

    async def apply(connection: Connection, batch: Sequence[Recorded]) -> int:
        readings = [item.event for item in batch if isinstance(item.event, VitalRecorded)]
        for week in _weeks([reading.observed_at for reading in readings]) - ready:
            await connection.execute(ARRIVED)
            await _make_partition(connection, week)
            ready.add(week)
        await connection.copy_records_to_table("arrived", records=map(_row, readings))
        await connection.execute(STORE)
        return len(readings)

    return apply


def _weeks(times: Sequence[datetime]) -> set[datetime]:
    """The weeks' first days; nearly always there is one."""
    ends = {_week(time) for time in (min(times), max(times))} if times else set()
    return ends if len(ends) < 2 else {_week(time) for time in times}


def _week(time: datetime) -> datetime:
    return FIRST + (time - FIRST) // WEEK * WEEK


async def _make_partition(connection: Connection, week: datetime) -> None:
    if FIRST <= week < LAST:
        await connection.execute(
            f"create table if not exists reading_{week:%Y_%m_%d} partition of reading "
            f"for values from ('{week.isoformat()}') to ('{(week + WEEK).isoformat()}')"
        )


_PLACE = {signal: n for n, signal in enumerate(SIGNALS)}


def _row(reading: VitalRecorded) -> tuple[object, ...]:
    values: list[float | None] = [None] * len(SIGNALS)
    questionable = None
    for name, sample in reading.signals.items():
        values[_PLACE[name]] = sample.value
        if sample.quality != "ok":
            questionable = [*(questionable or ()), name]
    return (
        reading.session_id,
        reading.observed_at,
        reading.id,
        reading.source,
        reading.device_id,
        reading.entered_by,
        reading.backfilled,
        questionable,
        *values,
    )


vitals = ReadModel("vitals-1", "kap.vitals.>", TABLES, begin, frozenset({"session"}), VITALS)

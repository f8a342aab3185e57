"""One row a reading, as recorded, in a partition a week; and each minute's least, sum and greatest.

A reading by hand that was corrected lies apart, with what corrected it: no query of what counts meets it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kap.envelope import VITALS
from kap.events import Recorded
from kap.events.vitals import SIGNALS, VitalCorrected, VitalRecorded

from projections.read_model import Apply, Connection, ReadModel

# The same reading has the same three values of the key, so that a repeat conflicts with itself.
# A sum is numeric: a sum of floats would depend on the order, and a rebuild would differ in the last bit.
# `first` is the reading that was typed, of which this one, or the one before it, took the place.
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

create table withdrawn (
    session_id  uuid not null,
    observed_at timestamptz not null,
    id          uuid not null,
    entered_by  text,
    {", ".join(f"{signal} double precision" for signal in SIGNALS)},
    position    bigint not null,
    first       uuid not null,
    correction  text not null,
    replaced_by uuid,
    primary key (session_id, id)
);
"""

ARRIVED = "create temp table if not exists arrived (like reading) on commit delete rows"

OF_A_MINUTE = f"""
select session_id, date_bin('1 minute', observed_at, 'epoch'), source,
    {", ".join(f"min({s}), sum({s}::numeric), count({s}), max({s})" for s in SIGNALS)}
"""

# Only what was new goes into the minutes.
STORE = f"""
with new as (insert into reading select * from arrived on conflict do nothing returning *)
insert into minute as m {OF_A_MINUTE} from new group by 1, 2, 3
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

# The second of two corrections of a reading finds nothing to withdraw.
WITHDRAW = f"""
with gone as (
    delete from reading where session_id = $1 and id = $2 and source = 'manual' returning *
)
insert into withdrawn
select session_id, observed_at, id, entered_by, {", ".join(SIGNALS)}, $3,
    coalesce((select first from withdrawn where session_id = $1 and replaced_by = $2), id), $4, $5
from gone
returning observed_at
"""

FORGET_MINUTE = """
delete from minute
where session_id = $1 and source = 'manual' and minute = date_bin('1 minute', $2::timestamptz, 'epoch')
"""

COUNT_MINUTE = f"""
insert into minute {OF_A_MINUTE} from reading
where session_id = $1 and source = 'manual'
    and date_bin('1 minute', observed_at, 'epoch') = date_bin('1 minute', $2::timestamptz, 'epoch')
group by 1, 2, 3
"""

# Outside these, a reading's time is a clock gone wrong: all such share one partition.
FIRST, LAST = datetime(2020, 1, 6, tzinfo=UTC), datetime(2060, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def begin() -> Apply:
    ready: set[datetime] = set()

    async def apply(connection: Connection, batch: Sequence[Recorded]) -> int:
        readings = [item.event for item in batch if isinstance(item.event, VitalRecorded)]
        await store(connection, readings)
        corrections = [(i.position, i.event) for i in batch if isinstance(i.event, VitalCorrected)]
        for position, correction in corrections:
            await correct(connection, position, correction)
        return len(readings) + len(corrections)

    async def store(connection: Connection, readings: Sequence[VitalRecorded]) -> None:
        for week in _weeks([reading.observed_at for reading in readings]) - ready:
            await connection.execute(ARRIVED)
            await _make_partition(connection, week)
            ready.add(week)
        if readings:
            await connection.copy_records_to_table("arrived", records=map(_row, readings))
            await connection.execute(STORE)

    async def correct(connection: Connection, position: int, event: VitalCorrected) -> None:
        instead = event.replacement
        observed_at = await connection.fetchval(
            WITHDRAW,
            event.session_id,
            event.reading_id,
            position,
            _correction(event),
            instead and instead.id,
        )
        if observed_at is None:
            return
        await connection.execute(FORGET_MINUTE, event.session_id, observed_at)
        await connection.execute(COUNT_MINUTE, event.session_id, observed_at)
        if instead is not None:
            if ready:  # what this batch brought lies there still, the wrong one perhaps among it
                await connection.execute("delete from arrived")
            await store(connection, [instead])

    return apply


def _correction(event: VitalCorrected) -> str:
    """As the timeline keeps the corrections of facts."""
    instead = event.replacement
    replacement = instead and {
        "id": str(instead.id),
        "at": instead.observed_at.isoformat(),
        "by": instead.entered_by,
        "signals": {signal: sample.value for signal, sample in instead.signals.items()},
    }
    told = {"at": event.at.isoformat(), "by": event.by, "reason": event.reason, "replacement": replacement}
    return json.dumps(told)


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


vitals = ReadModel("vitals-2", "kap.vitals.>", TABLES, begin, frozenset({"session"}), VITALS)

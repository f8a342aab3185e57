"""Every reading once, and what a chart asks for: all, or the least, mean and greatest of each step."""

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import given as forall
from hypothesis import strategies as st
from kap.events.vitals import SIGNALS, Sample, VitalRecorded
from kap.testing import MemoryLog
from projections import queries
from projections.read_models import MODELS

from tests.projections.history import SESSION, apply, put, readings
from tests.projections.live import NURSE, START, reading, typed, withdrawn

vitals = MODELS["vitals"]


async def test_a_reading_in_the_log_twice_is_counted_once(database: str) -> None:
    log = MemoryLog()
    put(log, *readings(130), *readings(50))
    await apply(log, database, vitals)
    put(log, *readings(90))
    await apply(log, database, vitals)
    db = await queries.pool(database)
    assert await db.fetchval(f"select count(*) from {queries.READING}") == 130
    counted = await db.fetchrow(f"select sum(spo2_n) as n, sum(systolic_n) as m from {queries.MINUTE}")
    assert counted is not None and tuple(counted) == (127, 3)
    await db.close()


async def test_few_readings_come_as_they_are(database: str) -> None:
    log = MemoryLog()
    entered = typed(SESSION, 30, systolic=131, diastolic=84)
    doubtful = reading(SESSION, 40, spo2=88).model_copy(
        update={"signals": {"spo2": Sample(value=88, quality="questionable")}}
    )
    put(log, reading(SESSION, 0, spo2=97, heart_rate=71.5), entered, doubtful)
    await apply(log, database, vitals)
    db = await queries.pool(database)
    series = await queries.vitals(db, SESSION)
    ms = [round((START + timedelta(seconds=s)).timestamp() * 1000) for s in (0, 30, 40)]
    assert series == {
        "from": "2026-11-22T09:00:00+00:00",
        "to": "2026-11-22T09:00:40+00:00",
        "resolution_s": 0,
        "signals": {
            "spo2": every([ms[0], ms[2]], [97, 88], "monitor"),
            "heart_rate": every([ms[0]], [71.5], "monitor"),
            "systolic": every([ms[1]], [131], "manual"),
            "diastolic": every([ms[1]], [84], "manual"),
        },
    }
    assert (await queries.vitals(db, UUID(int=9)))["signals"] == {}
    part = await queries.vitals(db, SESSION, START + timedelta(seconds=10), START + timedelta(seconds=35))
    assert set(part["signals"]) == {"systolic", "diastolic"}
    rows = await db.fetch(f"select questionable from {queries.READING} where questionable is not null")
    assert [row["questionable"] for row in rows] == [["spo2"]]
    await db.close()


async def test_steps_of_seconds_and_of_minutes_hide_no_extreme(database: str) -> None:
    log = MemoryLog()
    sent = [r.model_copy(deep=True) for r in readings(3 * 3600)]
    sent[5000] = reading(SESSION, 5000, spo2=61)
    put(log, *sent, reading(SESSION, 5001, systolic=90).model_copy(update={"source": "manual"}))
    await apply(log, database, vitals)
    db = await queries.pool(database)
    for points, step in ((1000, 15), (200, 60), (90, 120), (10, 1800)):
        series = await queries.vitals(db, SESSION, points=points)
        assert series["resolution_s"] == step
        spo2 = series["signals"]["spo2"]
        assert len(spo2["t"]) <= points + 1
        assert (min(spo2["min"]), max(spo2["max"])) == (61, 97)
        assert all(
            low <= mean <= high
            for low, mean, high in zip(spo2["min"], spo2["mean"], spo2["max"], strict=True)
        )
        pressure = series["signals"]["systolic"]
        manual = [
            value
            for value, source in zip(pressure["mean"], pressure["source"], strict=True)
            if source == "manual"
        ]
        assert manual == [90]  # never put together with the monitor's
        cuff = START.timestamp() * 1000
        assert pressure["t"][0] == cuff  # at its own time, not the step's
    await db.close()


async def test_what_is_corrected_counts_no_more_and_is_still_told(database: str) -> None:
    log = MemoryLog()
    slip, right = (
        typed(SESSION, 61, systolic=212, diastolic=75),
        typed(SESSION, 61, systolic=112, diastolic=75),
    )
    better, alone = typed(SESSION, 70, systolic=114), typed(SESSION, 65, systolic=90)
    put(log, *readings(130), slip, alone, typed(SESSION, 66, spo2=95), withdrawn(slip, right))
    await apply(log, database, vitals)
    put(log, withdrawn(right, better), withdrawn(slip), withdrawn(alone))
    await apply(log, database, vitals)
    db = await queries.pool(database)
    for points in (5000, 1):
        pressure = (await queries.vitals(db, SESSION, points=points))["signals"]["systolic"]
        by_hand = [
            (low, high)
            for low, high, source in zip(pressure["min"], pressure["max"], pressure["source"], strict=True)
            if source == "manual"
        ]
        assert by_hand == [(114, 114)]
    first, gone, kept = await queries.by_hand(db, SESSION)
    assert (first["event_id"], first["data"]) == (
        str(slip.id),
        {"signals": {"systolic": 212, "diastolic": 75}},
    )
    assert first["withdrawn"] and first["correction"]["replacement"]["signals"] == {"systolic": 114}
    [earlier] = first["earlier"]
    assert earlier["replacement"]["id"] == str(right.id) and earlier["replacement"]["by_name"] is None
    assert (earlier["by"], earlier["reason"].startswith("sealed:")) == (NURSE, True)
    assert gone["withdrawn"] and gone["correction"]["replacement"] is None
    assert (kept["withdrawn"], kept["correction"], kept["data"]) == (False, None, {"signals": {"spo2": 95}})
    await db.close()


async def test_eight_hours_of_one_session_come_in_well_under_300_ms(database: str) -> None:
    log = MemoryLog()
    put(log, *readings(8 * 3600))
    for other in range(3):
        put(log, *readings(3600, UUID(int=1000 + other)))
    await apply(log, database, vitals)
    db = await queries.pool(database)
    for points in (500, 2000, queries.POINTS):
        taken = []
        for _ in range(5):
            started = time.perf_counter()
            series = await queries.vitals(db, SESSION, points=points)
            taken.append(time.perf_counter() - started)
        assert len(series["signals"]["spo2"]["t"]) > points / 4
        assert min(taken) < 0.3, f"{points} points took {min(taken):.3f} s"
    await db.close()


async def test_a_partition_is_made_for_each_week_and_one_for_clocks_gone_wrong(database: str) -> None:
    log = MemoryLog()
    for start in (
        datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 23, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2099, 1, 1, tzinfo=UTC),
    ):
        put(log, reading(SESSION, 0, start, spo2=97))
    await apply(log, database, vitals)
    db = await queries.pool(database)
    rows = await db.fetch(
        f"select tableoid::regclass::text as part, count(*) from {queries.READING} group by 1"
    )
    assert sorted((row["part"].split(".")[1], row["count"]) for row in rows) == [
        ("reading_2026_11_16", 1),
        ("reading_2026_11_23", 1),
        ("reading_other", 2),
    ]
    await db.close()


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@forall(
    st.lists(
        st.tuples(
            st.integers(0, 400),
            st.sampled_from(["monitor", "manual"]),
            st.dictionaries(st.sampled_from(SIGNALS), st.floats(-1e6, 1e6), min_size=1),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_the_minutes_are_what_the_readings_say(
    database: str, sent: Sequence[tuple[int, str, dict[str, float]]]
) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("drop table if exists public.checkpoint")
        log = MemoryLog()
        made: list[VitalRecorded] = [
            reading(SESSION, second, START, **values).model_copy(update={"source": source, "id": UUID(int=n)})
            for n, (second, source, values) in enumerate(sent)
        ]
        for part in (made[: len(made) // 2], made[len(made) // 3 :]):  # some of it twice
            put(log, *part)
            await apply(log, database, vitals)
        rows = await connection.fetch(f"select * from {queries.MINUTE}")
        for signal in SIGNALS:
            for row in rows:
                values = [
                    r.signals[signal].value
                    for r in made
                    if signal in r.signals
                    and r.source == row["source"]
                    and r.observed_at.replace(second=0, microsecond=0) == row["minute"]
                ]
                assert row[f"{signal}_n"] == len(values)
                if values:
                    assert (row[f"{signal}_min"], row[f"{signal}_max"]) == (min(values), max(values))
                    total = float(row[f"{signal}_sum"])
                    assert math.isclose(total, math.fsum(values), rel_tol=1e-12, abs_tol=1e-6)
        await connection.close()

    asyncio.run(run())


def every(t: list[int], values: list[float], source: str) -> dict[str, list[object]]:
    return {
        "t": [*t],
        "min": [*values],
        "mean": [*values],
        "max": [*values],
        "source": [source] * len(t),
    }

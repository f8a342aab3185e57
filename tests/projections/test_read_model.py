"""What every read model keeps: each event once, whatever happens, and a rebuild gives the same rows."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as forall
from hypothesis import strategies as st
from kap.events import CATALOGUE, decode
from kap.events.fact import EntryCorrected, Fact
from kap.events.session import DeviceAttached, NoteRecorded
from kap.events.vitals import Vital, VitalCorrected, VitalRecorded
from kap.testing import MemoryLog
from projections import read_model
from projections.read_model import STOPPED, Checkpoint, Keeper, ReadModel, unready
from projections.read_models import MODELS
from projections.rebuild import Rebuilt, rebuild

from tests.projections.history import (
    COURSE,
    PATIENT,
    PLAN,
    SESSION,
    TASK,
    Stuttering,
    apply,
    caught_up,
    corrected,
    kept,
    put,
    readings,
    registered,
    treatment,
)
from tests.projections.live import opened, sealed, stamp
from tests.strategies import instances

each = pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.kind)
sessions = MODELS["sessions"]


async def rebuilt(log: MemoryLog, database: str, model: ReadModel) -> Rebuilt:
    return await rebuild(log, database, model, compare=True)


@each
async def test_delivered_twice_counted_once(model: ReadModel, database: str) -> None:
    log = MemoryLog()
    put(log, *treatment(), *readings(700))
    async with kept(Stuttering(log), database, model) as keepers:
        await caught_up(log, keepers)
        put(log, NoteRecorded(**stamp(), session_id=SESSION, text=sealed("text")), *readings(800)[700:])
        await caught_up(log, keepers)
    result = await rebuilt(log, database, model)
    assert result.rows > 0
    assert result.differences == 0


# ---- a rebuild gives the same rows


IDS = {
    "patient_id": PATIENT,
    "course_id": COURSE,
    "session_id": SESSION,
    "care_plan_id": PLAN,
    "task_id": TASK,
    "alarm_id": UUID(int=106),
}
OPENINGS = ("PatientRegistered", "CourseOpened", "SessionOpened", "CarePlanned", "TaskOpened")


def about_few(event: Fact | Vital, choice: int) -> Fact | Vital:
    """The same event about one of two patients, courses, sessions …"""
    few = {name: UUID(int=id_.int + 1000 * choice) for name, id_ in IDS.items() if hasattr(event, name)}
    return event.model_copy(update=few)


@st.composite
def of_one_of(draw: st.DrawFn, events: Sequence[Fact | Vital], correction: VitalCorrected) -> VitalCorrected:
    """Of a reading that there is, or of what stands in the place of one."""
    there = [e for e in events if isinstance(e, VitalRecorded)]
    there += [e.replacement for e in events if isinstance(e, VitalCorrected) and e.replacement]
    wrong = draw(st.sampled_from(there))
    changes: dict[str, Any] = {"reading_id": wrong.id, "session_id": wrong.session_id}
    if (instead := correction.replacement) is not None:
        by_hand = {"source": "manual", "session_id": wrong.session_id}
        changes["replacement"] = instead.model_copy(update=by_hand)
    return correction.model_copy(update=changes)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact | Vital]:
    kinds = [name for name in CATALOGUE if name != "EntryCorrected"]
    names = [*OPENINGS, *["VitalRecorded"] * 3, *draw(st.lists(st.sampled_from(kinds), max_size=40))]
    events: list[Fact | Vital] = []
    for n, name in enumerate(names):
        event = about_few(draw(instances(CATALOGUE[name])), draw(st.integers(0, 1)) if n > 9 else 0)
        if isinstance(event, VitalCorrected):
            event = draw(of_one_of(events, event))
        events.append(event.model_copy(update={"id": UUID(int=n + 1)}))
    for n in range(draw(st.integers(0, 8))):
        place = draw(st.integers(1, len(events)))
        entry = draw(st.sampled_from([e for e in events[:place] if isinstance(e, Fact)]))
        if isinstance(entry, EntryCorrected) and entry.replacement is not None:
            known = decode(json.dumps(entry.replacement).encode())  # a correction of what was corrected
            assert isinstance(known, Fact)
            entry = known
        if isinstance(entry, EntryCorrected):
            continue
        changes: dict[str, Any] = {"id": UUID(int=1000 + n), "at": entry.at + timedelta(minutes=5)}
        replacement = entry.model_copy(update=changes) if draw(st.booleans()) else None
        events.insert(place, corrected(entry, replacement))
    return events


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@forall(events=histories(), cuts=st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_a_rebuild_equals_what_was_built_bit_by_bit(
    database: str, events: Sequence[Fact | Vital], cuts: tuple[int, int]
) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute("drop table if exists public.checkpoint")
        await connection.close()
        log = MemoryLog()
        first, second = sorted(cuts)
        for part in (events[:first], events[first:second], events[second:]):
            put(log, *part)
            await apply(log, database)
        results = await asyncio.gather(*(rebuilt(log, database, model) for model in MODELS.values()))
        assert [(result.name, result.differences) for result in results if result.differences] == []

    asyncio.run(run())


# ---- what stops a read model, and what does not


async def test_an_unknown_event_stops_the_read_models_that_are_about_it(database: str) -> None:
    log = MemoryLog()
    put(log, registered(), opened(SESSION, course_id=COURSE, patient_id=PATIENT), *readings(1))
    async with kept(log, database) as keepers:
        await asyncio.gather(*map(goes_on, keepers))
        await caught_up(log, keepers)
        assert unready(keepers) is None

        class SessionDreamt(DeviceAttached):  # a later version's event
            type: str = "SessionDreamt"  # type: ignore[assignment]

        put(log, SessionDreamt(**stamp(), session_id=SESSION, device_id="a"))
        put(log, registered().model_copy(update={"patient_id": UUID(int=7)}))
        state = {keeper.model.kind: keeper for keeper in keepers}
        async with asyncio.timeout(10):
            while {k for k, v in state.items() if v.state == "stopped"} != {"sessions", "alarms", "timeline"}:
                await asyncio.sleep(0.01)
        await caught_up(log, [state["courses"], state["care_plans"], state["vitals"]])
        assert "cannot read the event 'SessionDreamt' at 3 of EVENTS" in state["sessions"].why
        assert "sessions-2 stopped" in (unready(keepers) or "")
        assert STOPPED.labels("sessions-2")._value.get() == 1
        assert state["sessions"].position == 2
    assert await fetch(database, 'select count(*) from "sessions-2".session') == 1
    assert await fetch(database, 'select count(*) from "courses-1".patient') == 2


async def test_another_log_stops_it_and_a_rebuild_heals_it_while_it_runs(database: str) -> None:
    log = MemoryLog()
    put(log, opened(SESSION), opened(UUID(int=2)))
    await apply(log, database, sessions)

    other = MemoryLog()
    other.epoch = "another"
    put(other, opened(SESSION))
    async with kept(other, database, sessions) as (keeper,):
        await stops(keeper)
        await rebuild(other, database, sessions)
        await goes_on(keeper)
        await caught_up(other, [keeper])
        assert STOPPED.labels("sessions-2")._value.get() == 0
    assert await fetch(database, 'select count(*) from "sessions-2".session') == 1


async def test_tables_of_another_version_are_not_written_to(database: str) -> None:
    log = MemoryLog()
    put(log, opened(SESSION))
    await apply(log, database, sessions)
    newer = ReadModel(
        sessions.name, sessions.subject, f"{sessions.tables} create table more ();", sessions.begin
    )
    async with kept(log, database, newer) as (keeper,):
        await stops(keeper)
        assert "run `kap rebuild sessions`" in keeper.why
        await rebuild(log, database, newer)
        await goes_on(keeper)


# ---- one writer


async def test_of_two_owners_one_writes_and_the_other_takes_over(database: str) -> None:
    log = MemoryLog()
    put(log, *treatment())
    async with kept(log, database, sessions) as (first,):
        await caught_up(log, [first])
        async with kept(log, database, sessions) as (second,):
            async with asyncio.timeout(5):
                while second.state != "standing by":
                    await asyncio.sleep(0.01)
            assert second.unready is None
            ends = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            await fetch(database, ends)
            for n in range(20):
                put(log, opened(UUID(int=1000 + n)))
                await asyncio.sleep(0.05)
            async with asyncio.timeout(10):
                while {first.state, second.state} != {"standing by", "following"}:
                    await asyncio.sleep(0.01)
            await caught_up(log, [first if first.state == "following" else second])
    assert await fetch(database, 'select count(*) from "sessions-2".session') == 21
    assert (await rebuilt(log, database, sessions)).differences == 0


async def test_the_checkpoint_moves_only_from_where_its_owner_left_it(database: str) -> None:
    log = MemoryLog()
    put(log, opened(SESSION))
    await apply(log, database, sessions)
    connection = await read_model.connect(database, sessions.name)
    here = await read_model.read_checkpoint(connection, sessions.name)
    assert here == Checkpoint(1, log.epoch, 0, sessions.digest)
    next_ = replace(here, position=2)
    assert not await read_model.advance(connection, sessions.name, replace(here, position=0), next_)
    assert not await read_model.advance(connection, sessions.name, replace(here, generation=1), next_)
    assert await read_model.advance(connection, sessions.name, here, next_)
    await connection.close()


async def stops(keeper: Keeper) -> None:
    async with asyncio.timeout(10):
        while keeper.state != "stopped":
            await asyncio.sleep(0.01)


async def goes_on(keeper: Keeper) -> None:
    async with asyncio.timeout(10):
        while keeper.state != "following":
            await asyncio.sleep(0.01)


async def fetch(database: str, sql: str) -> Any:
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()

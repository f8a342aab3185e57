"""The live board folds the log once, in order, whatever the log does to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from kap.events import Recorded, Unknown
from kap.events.fact import EntryCorrected
from kap.events.intake import PatientChanged, PatientRegistered, PersonForgotten
from kap.events.session import Discharged
from kap.follow import LogLostTail, Merged
from kap.log import JetStreamLog
from kap.testing import MemoryLog
from projections.board import TREND_MS, TREND_STEP_MS, Board, Change
from pydantic_core import to_json

from tests.projections.live import (
    START,
    append,
    dosed,
    opened,
    raised,
    reading,
    sealed,
    stamp,
    typed,
    withdrawn,
)

S, T = UUID(int=1), UUID(int=2)


def shown(board: Board) -> Any:
    """The board as a viewer sees it."""
    return json.loads(
        to_json(
            [
                (entry.session, entry.latest_json(), entry.trend_json())
                for _, entry in sorted(board.entries.items())
            ]
        )
    )


@asynccontextmanager
async def following(log: MemoryLog, file: Path | None = None) -> AsyncIterator[Board]:
    board = Board()
    task = asyncio.create_task(board.run(cast(JetStreamLog, log), file))
    try:
        done, _ = await asyncio.wait(
            [task, ready := asyncio.create_task(board.ready.wait())],
            timeout=5,
            return_when=asyncio.FIRST_COMPLETED,
        )
        ready.cancel()
        if task in done:
            task.result()
        assert board.ready.is_set()
        yield board
    finally:
        task.cancel()
        await asyncio.wait([task])


async def reaches(board: Board, log: MemoryLog) -> None:
    async with asyncio.timeout(5):
        while (board.events, board.vitals) != (len(log.streams["EVENTS"]), len(log.streams["VITALS"])):
            await asyncio.sleep(0.005)


def facts(*recorded: Recorded) -> Merged:
    return [("EVENTS", item) for item in recorded]


def readings(*recorded: Recorded) -> Merged:
    return [("VITALS", item) for item in recorded]


def at(position: int, event: Any) -> Recorded:
    return Recorded(position, event, START)


def test_the_newest_observation_is_shown_and_a_late_one_never_replaces_it() -> None:
    board = Board()
    board.apply(facts(at(1, opened(S))))
    board.apply(readings(at(1, reading(S, 60, spo2=97, heart_rate=70))))
    change = board.apply(
        readings(at(2, reading(S, 30, spo2=91, systolic=120)), at(3, reading(S, 61, spo2=96)))
    )
    latest = board.entries[S].latest_json()
    assert {signal: value["value"] for signal, value in latest.items()} == {
        "spo2": 96,
        "heart_rate": 70,
        "systolic": 120,
    }
    assert len(change.readings) == 2  # the late one is still handed on: charts have room for it
    assert [value for _, value in board.entries[S].trend_json()["spo2"]] == [91, 96]


def test_a_withdrawn_reading_leaves_what_stood_before_it() -> None:
    board = Board()
    board.apply(facts(at(1, opened(S))))
    slip = typed(S, 30, systolic=212)
    items = [reading(S, 0, systolic=121), slip, reading(S, 31, spo2=97)]
    board.apply(readings(*(at(n, event) for n, event in enumerate(items, start=1))))
    entry = board.entries[S]
    assert entry.latest_json()["systolic"]["value"] == 212
    assert [value for _, value in entry.trend_json()["systolic"]] == [121, 212]

    change = board.apply(readings(at(4, withdrawn(slip))))

    assert change.corrected == {S: [slip.id]} and change.readings == []
    now = entry.latest_json()["systolic"]
    assert (now["value"], now["observed_at"], now["source"]) == (121, START, "monitor")
    assert [value for _, value in entry.trend_json()["systolic"]] == [121]
    assert not board.apply(readings(at(5, withdrawn(slip, typed(S, 30, systolic=190)))))  # the first counts


def test_what_stands_in_the_place_of_a_reading_counts_from_its_own_time() -> None:
    board = Board()
    board.apply(facts(at(1, opened(S))))
    slip, later = typed(S, 30, systolic=212), reading(S, 90, systolic=125)
    board.apply(
        readings(at(1, slip), at(2, later), at(3, withdrawn(slip, right := typed(S, 30, systolic=112))))
    )
    entry = board.entries[S]
    assert entry.latest_json()["systolic"]["value"] == 125
    assert [value for _, value in entry.trend_json()["systolic"]] == [112, 125]
    board.apply(readings(at(4, withdrawn(right))))
    assert [value for _, value in entry.trend_json()["systolic"]] == [125]


def test_the_only_reading_of_a_signal_leaves_nothing() -> None:
    board = Board()
    board.apply(facts(at(1, opened(S))))
    slip = typed(S, 30, systolic=212)
    board.apply(readings(at(1, slip), at(2, withdrawn(slip))))
    assert board.entries[S].latest_json() == board.entries[S].trend_json() == {}


def test_delivered_twice_counts_once() -> None:
    board = Board()
    story = [
        *facts(at(1, opened(S)), at(2, dosed(S)), at(3, raised(S))),
        *readings(at(1, reading(S, 1)), at(2, reading(S, 2))),
    ]
    assert board.apply(story)
    once = shown(board)
    again = board.apply(story)
    assert not again
    assert (again.events, again.vitals) == (3, 2)
    assert shown(board) == once


def test_the_trend_is_bounded() -> None:
    board = Board()
    board.apply(facts(at(1, opened(S))))
    for n in range(4000):
        board.apply(readings(at(n + 1, reading(S, n, spo2=90 + n % 10))))
    trend = board.entries[S].trend_json()["spo2"]
    assert len(trend) == TREND_MS // TREND_STEP_MS == 180
    assert trend == sorted(trend)
    assert trend[-1][0] - trend[0][0] < TREND_MS
    board.apply(readings(at(5000, reading(S, 10, spo2=50))))  # an hour late
    assert board.entries[S].trend_json()["spo2"] == trend


def test_readings_of_nobody_on_the_board_are_not_handed_on() -> None:
    board = Board()
    assert not board.apply(readings(at(1, reading(S))))
    assert board.vitals == 1


def test_what_cannot_be_read_marks_the_session_incomplete_and_stops_nothing() -> None:
    board = Board()
    unknown = Unknown(type="SomethingNew", aggregate="session", aggregate_id=str(S))
    board.apply(facts(at(1, opened(S)), at(2, opened(T))))
    change = board.apply(facts(at(3, unknown)))
    assert list(change.sessions) == [S]
    board.apply(readings(at(1, unknown.model_copy(update={"aggregate_id": str(T)})), at(2, reading(T))))
    assert [session.incomplete for session in board.sessions] == [True, True]
    assert board.entries[T].latest
    assert not board.apply(facts(at(4, unknown.model_copy(update={"aggregate_id": "not-a-session"}))))


def test_a_fact_of_a_session_changes_it_and_an_alarm_is_handed_on_as_recorded() -> None:
    board = Board()
    alarm = raised(S)
    change = board.apply(facts(at(1, opened(S)), at(2, alarm), at(3, dosed(S))))
    assert list(change.sessions) == [S]
    assert [json.loads(fact)["alarm_id"] for fact in change.alarms] == [str(alarm.alarm_id)]
    assert board.entries[S].session.record_position == 3


def test_changes_add_up() -> None:
    board, total = Board(), Change()
    story = facts(at(1, opened(S)), at(2, opened(T)), at(3, raised(S))) + readings(at(1, reading(S)))
    for step in story:
        total.add(board.apply([step]))
    assert list(total.sessions) == [T, S]
    assert (total.events, total.vitals, len(total.readings), len(total.alarms)) == (3, 1, 1, 1)


def test_a_changed_name_changes_the_sessions_of_that_patient() -> None:
    board = Board()
    patient = UUID(int=9)
    board.apply(facts(at(1, opened(S, patient_id=patient)), at(2, opened(T))))
    registered = PatientRegistered(
        **stamp(), patient_id=patient, name=sealed(), number="0417", birth_year=1980, sex_at_birth="female"
    )
    assert list(board.apply(facts(at(3, registered))).sessions) == [S]
    changed = PatientChanged(**stamp(), patient_id=patient, name=sealed())
    assert list(board.apply(facts(at(4, changed))).sessions) == [S]
    forgotten = board.apply(facts(at(5, PersonForgotten(**stamp(), patient_id=patient, ground="request"))))
    assert list(forgotten.sessions) == [S]
    assert forgotten.forgotten


def test_an_ended_session_stays_half_an_hour() -> None:
    board = Board()
    end = START + timedelta(hours=2)
    left = Discharged(**stamp(end), session_id=S, course_id=uuid4(), patient_id=uuid4())
    board.apply(facts(at(1, opened(S)), at(2, left), at(3, opened(T))))
    board.prune(end + timedelta(minutes=29))
    assert {session.session_id for session in board.sessions} == {S, T}
    board.prune(end + timedelta(minutes=30))
    assert {session.session_id for session in board.sessions} == {T}


def correction(of: Any, replacement: Any = None) -> EntryCorrected:
    return EntryCorrected(
        **stamp(),
        of="session",
        of_id=str(S),
        event_id=of.id,
        reason=sealed("reason"),
        replacement=None if replacement is None else replacement.model_dump(mode="json"),
    )


async def test_a_correction_changes_the_past() -> None:
    log = MemoryLog()
    wrong, right = dosed(S, 500), dosed(S, 50)
    async with following(log) as board:
        await append(log, opened(S), wrong)
        await log.record([reading(S)], 2)
        await reaches(board, log)
        await append(log, correction(wrong, right), dosed(S, 20, START + timedelta(minutes=30)))
        await reaches(board, log)
        entry = board.entries[S]
        assert [given.dose.milligrams for given in entry.session.doses] == [50, 20]
        assert entry.latest
        assert not entry.session.incomplete


async def test_a_withdrawn_discharge_brings_the_session_back() -> None:
    log = MemoryLog()
    left = Discharged(**stamp(), session_id=S, course_id=uuid4(), patient_id=uuid4())
    await append(log, opened(S), left)
    async with following(log) as board:
        assert board.sessions == []  # it ended long ago
        await append(log, correction(left))
        await reaches(board, log)
        assert [session.state for session in board.sessions] == ["open"]


def test_a_correction_without_its_facts_marks_the_session_incomplete() -> None:
    board = Board()
    wrong = dosed(S, 500)
    board.apply(facts(at(1, opened(S)), at(2, wrong), at(3, correction(wrong))))
    assert board.sessions[0].incomplete
    broken = correction(wrong).model_copy(update={"replacement": {"type": "Dosed"}})
    board.apply(facts(at(4, broken)), {4: [at(1, opened(S)), at(2, wrong), at(4, broken)]})
    assert board.sessions[0].incomplete


async def test_catching_up_gives_what_following_gave() -> None:
    """A reading recorded before its session's end comes before it, also when both are read later."""
    log = MemoryLog()
    async with following(log) as live:
        await append(log, opened(S), opened(T))
        for n in range(40):
            await log.record([reading(S, n, spo2=90 + n % 9, heart_rate=60 + n), reading(T, n)], 2 + n)
            await append(log, raised(S) if n % 3 else dosed(S, 1 + n, START + timedelta(minutes=n)))
            await reaches(live, log)
        await reaches(live, log)
        async with following(log) as rebuilt:
            assert shown(rebuilt) == shown(live)


async def test_a_restart_goes_on_from_the_snapshot(tmp_path: Path) -> None:
    log, file = MemoryLog(), tmp_path / "board.snapshot"
    registered = PatientRegistered(
        **stamp(), patient_id=UUID(int=9), name=sealed(), number="0417", birth_year=1980, sex_at_birth="male"
    )
    async with following(log) as board:
        await append(log, registered, opened(S, patient_id=UUID(int=9)), raised(S))
        await log.record([reading(S, n, spo2=90 + n % 9, heart_rate=60 + n) for n in range(60)], 3)
        slip = typed(S, 30, systolic=212)
        await log.record([reading(S, 20, systolic=120), slip, typed(S, 31, systolic=122)], 3)
        await log.record([withdrawn(slip, typed(S, 32, systolic=123))], 3)
        await reaches(board, log)
        await board.save(file)
        before = shown(board)
    assert file.stat().st_mode & 0o777 == 0o600
    read_again: list[Recorded] = []
    restored = Board(on_change=lambda change: read_again.extend(change.readings))  # type: ignore[arg-type]
    await log.record([reading(S, 99, spo2=99)], 3)
    task = asyncio.create_task(restored.run(cast(JetStreamLog, log), file))
    await asyncio.wait_for(restored.ready.wait(), 5)
    assert len(read_again) == 1
    person = restored.directory.person(UUID(int=9))
    assert person is not None and person.number == "0417"
    task.cancel()
    await asyncio.wait([task])
    async with following(log) as rebuilt:
        assert shown(restored) == shown(rebuilt) != before


async def test_a_snapshot_of_another_log_or_a_longer_one_is_refused(tmp_path: Path) -> None:
    log, file = MemoryLog(), tmp_path / "board.snapshot"
    async with following(log) as board:
        await append(log, opened(S))
        await log.record([reading(S)], 1)
        await reaches(board, log)
        await board.save(file)
    shorter = MemoryLog()
    with pytest.raises(LogLostTail):
        async with following(shorter, file):
            pass
    shorter.epoch = log.epoch
    with pytest.raises(LogLostTail):
        async with following(shorter, file):
            pass


async def test_a_damaged_snapshot_costs_only_time(tmp_path: Path) -> None:
    log, file = MemoryLog(), tmp_path / "board.snapshot"
    await append(log, opened(S))
    file.write_bytes(b'{"format": 1, "sess')
    async with following(log, file) as board:
        assert len(board.sessions) == 1


async def test_the_board_is_saved_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.board.SAVE_EVERY_S", 0.1)
    log, file = MemoryLog(), tmp_path / "board.snapshot"
    async with following(log, file):
        await append(log, opened(S))
        async with asyncio.timeout(5):
            while not file.exists():
                await asyncio.sleep(0.05)
        assert str(S) in file.read_text()


def test_the_body_recorded_is_the_body_handed_on() -> None:
    board = Board()
    board.apply(facts(at(1, opened(S))))
    item = replace(at(1, reading(S)), body=b'{"type":"VitalRecorded", "as":"recorded"}')
    assert board.apply(readings(item)).readings == [item.body]

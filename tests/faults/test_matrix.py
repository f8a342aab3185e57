"""Each process killed, and each stopped for ten seconds, in a whole KAP under load.

Afterwards every acknowledged reading and command is in the log exactly once, the read models equal a rebuild,
the board equals one that was folded anew from the log, a viewer who stayed has seen it whole, and the alarms
on record are those that a replay finds. While one is away, those that do not need it go on.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from kap.events import Recorded
from kap.events.session import AlarmCleared, AlarmRaised
from kap.log import JetStreamLog
from kap.tasks import ended
from kap_local.clinic_client import Staff
from kap_local.guard import Guard
from kap_local.watchdog import with_descendants
from projections.board import Board
from projections.read_models import MODELS
from projections.rebuild import rebuild
from pydantic_core import from_json, to_json
from session_monitor import watch
from session_monitor.session import RaiseAlarm
from session_monitor.watch import Watch

from tests.faults.load import Load
from tests.system.clinic import Json, Kap, Viewer, admit, everything, in_order, running_kap, until
from tests.system.running import gone

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

PROCESSES = ("intake", "session-monitor", "integration", "gateway", "read-models", "nats", "postgres")
STOPPED_S = 10.0
BACK_S = 30.0
LIVE_S = 1.5  # the longest that no value may come to the screen while something else is away

# Whom a process's absence must not touch; what else is away is not asked.
UNTOUCHED = {
    "intake": {"monitor", "gateway", "session", "integration", "feed"},
    "session-monitor": {"intake", "integration"},
    "integration": {"monitor", "gateway", "intake", "session", "feed"},
    "gateway": {"monitor", "gateway"},
    "read-models": {"monitor", "gateway", "intake", "session", "integration", "feed"},
    "nats": set(),
    "postgres": {"monitor", "gateway", "intake", "session", "integration", "feed"},
}


@pytest.fixture(scope="module")
def kap(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kap]:
    with running_kap(guard, tmp_path_factory.mktemp("faults")) as kap:
        yield kap


@dataclass
class Scene:
    """Four patients, staff, the log, and a viewer who stays through all that happens."""

    kap: Kap
    staff: dict[str, Staff]
    log: JetStreamLog
    load: Load
    viewer: Viewer
    queries: list[int] = field(default_factory=list)  # statuses of a history query

    def touched_by(self, *names: str) -> list[str]:
        """The senders that need one of these processes."""
        spared = set.intersection(*(UNTOUCHED[name] for name in names))
        return [sender for sender in self.load.senders if sender.split()[0] not in spared]

    def untouched_by(self, *names: str) -> list[str]:
        touched = self.touched_by(*names)
        return [sender for sender in self.load.senders if sender not in touched]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(kap: Kap) -> AsyncIterator[Scene]:
    async with kap.staff() as staff, kap.nats("gateway") as devices, kap.logs() as log:
        beds = [await admit(kap, staff, devices, str(n)) for n in range(1, 5)]
        for bed in beds[:2]:
            await staff["nurse"].send(
                "session",
                "AttachDevice",
                datetime.now(UTC),
                session_id=bed.session_id,
                device_id=f"GATEWAY-{bed.room}",
            )
        load = Load(kap, staff, devices, monitors=beds, gateways=beds[:2])
        async with Viewer(staff["therapist"]).watching() as viewer:
            yield Scene(kap, staff, log, load, viewer)


# ---- the matrix


@pytest.mark.parametrize("name", PROCESSES)
async def test_kill(scene: Scene, name: str) -> None:
    before = scene.kap.run["pids"][name]
    async with asking(scene), scene.load.running() as load:
        os.kill(before, signal.SIGKILL)
        await until(lambda: gone(before), f"{name} is dead")
        if spared := scene.untouched_by(name):
            await load.goes_on(spared, 5, f"while {name} was away")
        await until(lambda: scene.kap.run["pids"][name] != before, f"{name} is started again", 15)
        await back(scene, f"after {name} was killed")
    await whole(scene)


# What nothing shown here depends on may be away together; each is looked at by itself.
@pytest.mark.parametrize(
    "names",
    [("intake", "integration", "read-models"), ("session-monitor",), ("gateway",), ("nats",), ("postgres",)],
    ids="+".join,
)
async def test_stop(scene: Scene, names: Sequence[str]) -> None:
    async with asking(scene), scene.load.running() as load:
        async with stopped(scene.kap, names):
            await asyncio.sleep(4)  # what was on its way has been answered, or has not
            counts = dict(load.count)
            checkpoints = await positions(scene) if "read-models" in names else {}
            feed = len(scene.viewer.readings)
            await asyncio.sleep(STOPPED_S - 4)
            for name in names:  # who cannot have been there was not
                for sender in load.senders:
                    if needs(sender, name):
                        assert load.count[sender] == counts[sender], f"{sender} while {name} was stopped"
            if "read-models" in names:
                assert await positions(scene) == checkpoints
            for sender in scene.untouched_by(*names):
                assert load.count[sender] > counts[sender] + 5, f"{sender} while {names} were stopped"
            if all("feed" in UNTOUCHED[name] for name in names):
                assert gap(scene, STOPPED_S - 1) < LIVE_S, f"the screen while {names} were stopped"
            else:
                assert len(scene.viewer.readings) == feed
        await back(scene, f"after {names} were stopped")
    await whole(scene)


async def test_with_postgres_down_only_history_is_missing(scene: Scene) -> None:
    nurse = scene.staff["nurse"]
    session = scene.load.monitors[1].session_id
    history = (
        "/api/courses", "/api/worklist", "/api/alarms?state=all", "/api/sessions?state=all",
        f"/api/sessions/{session}/timeline", f"/api/sessions/{session}/vitals",
    )  # fmt: skip
    async with scene.load.running() as load, stopped(scene.kap, ["postgres"]):
        started = time.monotonic()
        answers = await asyncio.gather(*(nurse.http.get(path) for path in history))
        for path, reply in zip(history, answers, strict=True):
            assert reply.status_code == 503, f"{path}: {reply.status_code}"
            assert reply.json()["refused"].endswith("."), path
        for path in ("/api/sessions", f"/api/sessions/{session}", "/api/alarms", "/api/devices", "/api/me"):
            assert (await nurse.http.get(path)).status_code == 200, path
        user = next(user for user in scene.kap.run["users"] if user["role"] == "prescriber")
        late = Staff(scene.kap.run["http"])
        await late.sign_in(user["username"], user["password"])
        await late.close()
        async with Viewer(nurse).watching() as fresh:  # who comes now sees the board too
            assert session in fresh.sessions
            before = len(fresh.readings)
            await until(lambda: len(fresh.readings) > before + 20, "live values for a new viewer", 3)
        await load.goes_on(load.senders, 5, "with Postgres down", times=10)
        for name in ("gateway", "session-monitor"):
            reply = await nurse.http.get(f"{scene.kap.run['services'][name]}/readyz")
            assert reply.status_code == 200, name
        assert gap(scene, time.monotonic() - started) < LIVE_S
    await whole(scene)


# ---- faults


@contextlib.asynccontextmanager
async def stopped(kap: Kap, names: Sequence[str]) -> AsyncIterator[None]:
    """SIGSTOP for the block, their children included; then SIGCONT."""
    pids = with_descendants({kap.run["pids"][name] for name in names})
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def needs(sender: str, name: str) -> bool:
    """Whether nothing of this sender's can be acknowledged without the process."""
    kind = sender.split()[0]
    return {
        "nats": True,
        "gateway": kind in ("intake", "session", "integration"),
        "session-monitor": kind in ("monitor", "gateway", "session"),
    }.get(name, kind == name)


@contextlib.asynccontextmanager
async def asking(scene: Scene) -> AsyncIterator[None]:
    """Somebody reads history meanwhile: 200 or 503, and nothing else, ever."""
    scene.queries.clear()

    async def ask() -> None:
        while True:
            with contextlib.suppress(httpx.TransportError):
                reply = await scene.staff["prescriber"].http.get("/api/courses", timeout=8)
                scene.queries.append(reply.status_code)
            await asyncio.sleep(0.3)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        await ended(task)


# ---- what must hold


async def back(scene: Scene, when: str) -> None:
    """All is acknowledged again, every monitor's values come to the screen, and history answers."""
    viewer = scene.viewer
    assert set(scene.queries) <= {200, 503}, scene.queries
    scene.queries.clear()
    seen = len(viewer.readings)
    rooms = {bed.device for bed in scene.load.monitors}
    await scene.load.goes_on(scene.load.senders, BACK_S, when)
    await until(
        lambda: {reading["device_id"] for _, reading in viewer.readings[seen:]} >= rooms,
        f"every monitor on the feed {when}",
        BACK_S,
    )
    await until(lambda: scene.queries[-2:] == [200, 200], f"history {when}", BACK_S)


def gap(scene: Scene, seconds: float) -> float:
    """The longest time of the last `seconds` in which no value came to the screen."""
    now = time.monotonic()
    times = [now - seconds, *(at for at, _ in scene.viewer.readings if at > now - seconds), now]
    return max(b - a for a, b in itertools.pairwise(times))


async def whole(scene: Scene) -> None:
    """Log, board, viewer, alarms and read models after the load has ended."""
    log, viewer = scene.log, scene.viewer
    events, vitals = await everything(log, "EVENTS"), await everything(log, "VITALS")
    scene.load.check(events, vitals)
    ends = (events[-1].position, vitals[-1].position)
    await until(lambda: viewer.events >= ends[0] and viewer.vitals >= ends[1], f"the viewer at {ends}", 20)
    end = time.monotonic() + 10
    while True:  # one encoded snapshot serves who comes within a second of each other
        async with Viewer(scene.staff["nurse"]).watching() as fresh:
            if fresh.whole_at[1] >= ends[1]:
                same = lambda: (fresh.events, fresh.vitals) == (viewer.events, viewer.vitals)  # noqa: E731
                await until(same, "both viewers at the same place")
                stayed, anew, trend = state(viewer), state(fresh), unnamed(fresh.trend)
                at = (fresh.events, fresh.vitals)
                break
        assert time.monotonic() < end, f"no snapshot at {ends}"
        await asyncio.sleep(0.2)
    assert stayed == anew, "who stayed sees another board than who comes now"
    events, vitals = await everything(log, "EVENTS"), await everything(log, "VITALS")
    made = folded(*up_to(at, events, vitals))
    assert trend == made.pop("trend"), "the board's trends are not those of the log"
    assert unnamed(anew) == made, "the board is not the fold of the log"
    check_alarms(*up_to(at, events, vitals))
    await check_read_models(scene)


def state(viewer: Viewer) -> Json:
    """What the viewer shows now, apart from later changes."""
    shown: Json = from_json(to_json({"sessions": viewer.sessions, "latest": viewer.latest}))
    return shown


def up_to(
    at: tuple[int, int], events: list[Recorded], vitals: list[Recorded]
) -> tuple[list[Recorded], list[Recorded]]:
    return [e for e in events if e.position <= at[0]], [v for v in vitals if v.position <= at[1]]


def folded(events: list[Recorded], vitals: list[Recorded]) -> Json:
    """The board as its own fold makes it from the log alone, as it goes over the feed."""
    board = Board("main")
    board.apply(list(in_order(events, vitals)))
    made: Json = from_json(
        to_json(
            {
                "sessions": {str(key): e.session.model_dump(mode="json") for key, e in board.entries.items()},
                "latest": {str(key): entry.latest_json() for key, entry in board.entries.items()},
                "trend": {str(key): entry.trend_json() for key, entry in board.entries.items()},
            }
        )
    )
    found: Json = unnamed(made)
    return found


NAMES = ("name", "label", "responsible_name", "acknowledged_by_name")


def unnamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unnamed(part) for key, part in value.items() if key not in NAMES}
    return [unnamed(part) for part in value] if isinstance(value, list) else value


def check_alarms(events: list[Recorded], vitals: list[Recorded]) -> None:
    """What a replay of the log finds is on record already, each once, and nothing else is."""
    raised = [i.event.alarm_id for i in events if isinstance(i.event, AlarmRaised)]
    cleared = [i.event.alarm_id for i in events if isinstance(i.event, AlarmCleared)]
    assert raised and len(raised) == len(set(raised)) and len(cleared) == len(set(cleared))
    assert set(cleared) <= set(raised), "an alarm ended that had not begun"
    again = Watch()
    for _, item in in_order(events, vitals):
        watch.fold(again, item)
    wanted = [a for a in watch.take(again) if not (isinstance(a, RaiseAlarm) and a.rule == watch.NO_DATA)]
    assert wanted == [], "a replay finds other alarms than were recorded"
    low = {
        str(i.event.alarm_id)
        for i in events
        if isinstance(i.event, AlarmRaised) and i.event.rule.startswith("spo2")
    }
    found = {
        str(id) for s in again.sessions.values() for id, a in s.alarms.items() if a.rule.startswith("spo2")
    }
    unexplained = {str(id) for s in again.sessions.values() for id in s.unexplained}
    assert low and unexplained & low == set() and found <= low


async def positions(scene: Scene) -> dict[str, int]:
    connection = await asyncpg.connect(scene.kap.run["postgres"])
    try:
        rows = await connection.fetch("select name, position from public.checkpoint")
    finally:
        await connection.close()
    return {row["name"]: row["position"] for row in rows}


async def check_read_models(scene: Scene) -> None:
    rebuilt = await asyncio.gather(
        *(rebuild(scene.log, scene.kap.run["postgres"], model, compare=True) for model in MODELS.values())
    )
    assert {one.name: one.differences for one in rebuilt} == {one.name: 0 for one in rebuilt}
    assert all(one.rows for one in rebuilt), "an empty read model equals any other"

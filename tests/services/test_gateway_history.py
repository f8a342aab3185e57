"""What staff read: live from the board, history from Postgres, names opened; a wall sees no names."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from kap.events import decode
from kap.events.fact import Fact
from kap.events.session import AlarmRaised, NoteRecorded
from kap.events.vitals import Sample, VitalRecorded, reading_id
from kap.log import JetStreamLog
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from nats.aio.client import Client
from pydantic_core import to_json

from tests.projections import live
from tests.services import gateway as gw
from tests.services import process
from tests.services.test_forget import read_models_running

NAME, NOTE = "Perpetua Wintergreen", "Invented: the heron again."
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


class Scene:
    """One patient in one open session, recorded as the services would."""

    def __init__(self, running: gw.Running, log: JetStreamLog, patient_id: str) -> None:
        self.running = running
        self.log = log
        self.patient_id = patient_id
        self.session_id = uuid4()
        self.last = 0

    async def record(self, fact: Fact) -> None:
        self.last = await self.log.append(f"session.{self.session_id}", [fact], self.last)

    async def open(self, by: str) -> None:
        fact = live.opened(self.session_id, at=datetime.now(UTC), patient_id=UUID(self.patient_id))
        await self.record(fact.model_copy(update={"by": f"staff:{by}"}))

    async def note(self, text: str, by: str) -> NoteRecorded:
        """Sealed as the gateway seals it."""
        command = {"type": "RecordNote", "id": str(uuid4()), "session_id": str(self.session_id), "text": text}
        sealed = await self.running.gateway.people.seal(command, "session_id")
        fact = decode(
            to_json(
                {
                    "type": "NoteRecorded", "id": uuid4(), "at": datetime.now(UTC), "by": f"staff:{by}",
                    "session_id": self.session_id, "text": sealed["text"],
                }
            )
        )  # fmt: skip
        assert isinstance(fact, NoteRecorded)
        await self.record(fact)
        return fact


@contextlib.asynccontextmanager
async def scene(
    guard: Guard, server: NatsServer, client: Client, folder: Any, database: str
) -> AsyncIterator[Scene]:
    async with (
        process.running(guard, server, folder, "intake"),
        gw.running(server, folder, database=database) as running,
    ):
        nurse = await running.signed_in("nurse")
        scene = Scene(running, JetStreamLog(client, "main", "tests"), await gw.register(nurse, NAME, "0417"))
        await scene.open((await nurse.get("/api/me")).json()["staff_id"])
        yield scene
        await scene.log.close()


async def test_the_timeline_shows_texts_and_who_wrote_them_and_a_wall_neither(
    guard: Guard, nats_server: NatsServer, client: Client, database: str, tmp_path: Any
) -> None:
    async with (
        scene(guard, nats_server, client, tmp_path, database) as scene_,
        read_models_running(nats_server, database),
    ):
        running, session_id = scene_.running, scene_.session_id
        nurse, wall = await running.signed_in("nurse"), await running.signed_in("wall")
        me = (await nurse.get("/api/me")).json()["staff_id"]
        await scene_.note(NOTE, me)
        await scene_.log.record([reading(session_id, 0), reading(session_id, 1)], scene_.last)

        async def timeline() -> Any:
            reply = await nurse.get(f"/api/sessions/{session_id}/timeline")
            return reply.json() if reply.status_code == 200 and len(reply.json()) == 2 else None

        items = await gw.until(timeline, "the timeline", 15)
        assert [item["type"] for item in items] == ["SessionOpened", "NoteRecorded"]
        assert items[1]["data"]["text"] == NOTE and items[1]["by_name"] == "Invented nurse"
        assert items[1]["event_id"] and items[1]["correction"] is None
        seen = await wall.get(f"/api/sessions/{session_id}/timeline")
        assert seen.json()[1]["data"]["text"] is None and NOTE not in seen.text

        async def series() -> Any:
            reply = await nurse.get(f"/api/sessions/{session_id}/vitals", params={"points": 100})
            return reply.json() if reply.status_code == 200 and reply.json()["signals"] else None

        assert (await gw.until(series, "the vitals", 15))["signals"]["spo2"]["mean"] == [97.0, 97.0]
        for http, label, name in ((nurse, "PW 0417", NAME), (wall, None, None)):
            [shown] = (await http.get("/api/sessions", params={"state": "all"})).json()
            assert (shown["label"], shown["name"], shown["number"]) == (label, name, "0417")
        unknown = await nurse.get(f"/api/sessions/{uuid4()}/timeline")
        assert unknown.status_code == 404 and unknown.json() == {"refused": "There is no such session."}
        for wrong in ("points=0", "from=yesterday", "from=2026-01-01T00:00:00"):
            reply = await nurse.get(f"/api/sessions/{session_id}/vitals?{wrong}")
            assert reply.status_code == 422 and reply.json()["invalid"][0]["field"] in ("points", "from")


async def test_with_postgres_down_everything_live_works_and_history_says_so(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Any
) -> None:
    async with scene(guard, nats_server, client, tmp_path, NOWHERE) as scene_:
        running, session_id = scene_.running, scene_.session_id
        nurse, wall = await running.signed_in("nurse"), await running.signed_in("wall")
        await scene_.record(
            AlarmRaised(
                **live.stamp(datetime.now(UTC), "service:session-monitor"), session_id=session_id,
                alarm_id=uuid4(), rule="spo2_low", priority="high", kind="physiological", text="SpO₂ low",
                signal="spo2", value=84, limit=90, onset=datetime.now(UTC),
            )
        )  # fmt: skip

        async def sessions() -> Any:
            return (await nurse.get("/api/sessions")).json()

        [shown] = await gw.until(sessions, "the session")
        assert (shown["label"], shown["name"]) == ("PW 0417", NAME)
        one = (await wall.get(f"/api/sessions/{session_id}")).json()
        assert (one["label"], one["name"], one["room"]) == (None, None, "3")

        async def alarms() -> Any:
            return (await nurse.get("/api/alarms")).json()

        [alarm] = await gw.until(alarms, "the alarm")
        assert (alarm["text"], alarm["room"], alarm["session_id"]) == ("SpO₂ low", "3", str(session_id))
        assert await gw.register(nurse, "Ansgar Holloway", "0418")
        for path in (
            f"/api/sessions/{session_id}/timeline", f"/api/sessions/{session_id}/vitals", "/api/courses",
            f"/api/courses/{uuid4()}", f"/api/patients/{scene_.patient_id}/outcomes", "/api/worklist",
            "/api/sessions?state=all", "/api/alarms?state=all",
        ):  # fmt: skip
            reply = await nurse.get(path)
            assert reply.status_code == 503, path
            assert reply.json()["refused"].startswith("History is not available right now")


async def test_devices_are_what_the_session_monitor_says_now(
    nats_server: NatsServer, client: Client, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.gateway.DEVICES_KNOWN_FOR_S", 0.5)
    async with gw.running(nats_server, tmp_path) as running:
        nurse = await running.signed_in("nurse")
        silent = await nurse.get("/api/devices")
        assert silent.status_code == 503 and "session monitor is silent" in silent.json()["refused"]
        monitor = await nats.connect(
            nats_server.url("session-monitor"), inbox_prefix="_INBOX_session-monitor"
        )
        said = [{"device_id": "monitor-1", "name": None, "session_id": None, "last_seen": None}]
        await monitor.publish("kap.live.devices.main", to_json(said))
        await monitor.flush()

        async def devices() -> Any:
            reply = await nurse.get("/api/devices")
            return reply.json() if reply.status_code == 200 else None

        assert await gw.until(devices, "the devices") == said
        await asyncio.sleep(0.6)
        assert (await nurse.get("/api/devices")).status_code == 503
        await monitor.close()


def reading(session_id: UUID, seconds: float) -> VitalRecorded:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    signals: Any = {"spo2": Sample(value=97.0)}
    return VitalRecorded(
        id=reading_id(session_id, "monitor-1", at.isoformat(), signals), session_id=session_id,
        device_id="monitor-1", source="monitor", device_time=at, observed_at=at, received_at=at,
        signals=signals,
    )  # fmt: skip

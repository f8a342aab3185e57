"""Integration as a process under its own NATS user: care plans follow discharges, each exactly once."""

import asyncio
import json
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import nats
from integration import care_plan, rems
from integration.reactions import DURABLE
from kap.events.integration import CarePlanned, Integrated, TaskAnswered, TaskOpened
from kap.events.session import Discharged, Dosed, SessionAborted, SessionOpened
from kap.log import JetStreamLog
from kap_local import deploy_files
from kap_local import nats_server as embedded_nats
from kap_local.guard import Guard
from kap_local.nats_server import NatsServer
from kap_local.ports import free_port
from nats.aio.client import Client

from tests.deciders import sessions as deciding
from tests.deciders.sessions import DOSES
from tests.services.process import command, ready, running, start
from tests.strategies import NURSE, THERAPIST, sealed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BY_THERAPIST = {"by": THERAPIST, "role": "therapist"}


async def discharge(log: JetStreamLog, session_id: UUID | None = None) -> Discharged:
    """What session-monitor appends at the end of a session."""
    event = Discharged(
        id=uuid4(),
        at=NOON,
        by=NURSE,
        session_id=session_id or uuid4(),
        course_id=uuid4(),
        patient_id=uuid4(),
        escort=sealed("escort"),
    )
    session = f"session.{event.session_id}"
    history = await log.load(session)
    await log.append(session, [event], history[-1].position if history else 0)
    return event


def plan_of(discharged: Discharged) -> UUID:
    return care_plan.after(discharged).care_plan_id


async def planned(log: JetStreamLog, discharged: Discharged, within: float = 10) -> CarePlanned:
    """The care plan, once it is there; that it is there once."""
    end = time.monotonic() + within
    while not (history := await log.load(f"care_plan.{plan_of(discharged)}")):
        assert time.monotonic() < end, "no care plan"
        await asyncio.sleep(0.02)
    [item] = history
    assert isinstance(item.event, CarePlanned)
    return item.event


async def settled(client: Client) -> None:
    """Until the consumer has nothing left to deliver or to wait for."""
    end = time.monotonic() + 20
    while True:
        info = await client.jetstream().consumer_info("EVENTS", DURABLE)
        if not info.num_pending and not info.num_ack_pending:
            return
        assert time.monotonic() < end, info
        await asyncio.sleep(0.05)


async def dosed_session(log: JetStreamLog, route: str = "spravato") -> UUID:
    """A session in which a dose of this route was given at noon."""
    session_id, dose = uuid4(), DOSES[route]
    facts = [deciding.opened(route), deciding.dosed(0, dose)]
    own = [fact.model_copy(update={"id": uuid4(), "at": NOON, "session_id": session_id}) for fact in facts]
    assert isinstance(own[0], SessionOpened) and isinstance(own[1], Dosed)
    await log.append(f"session.{session_id}", own, 0)
    return session_id


async def abort(log: JetStreamLog, session_id: UUID) -> SessionAborted:
    ended = SessionAborted(id=uuid4(), at=NOON, by=NURSE, session_id=session_id, reason=sealed("reason"))
    history = await log.load(f"session.{session_id}")
    await log.append(f"session.{session_id}", [ended], history[-1].position)
    return ended


async def form_of(log: JetStreamLog, ended: Discharged | SessionAborted, within: float = 10) -> TaskOpened:
    """The task of sending this session's REMS form, once it is there; that it is there once."""
    history = await log.load(f"session.{ended.session_id}")
    asked = rems.after(ended, [item.event for item in history])
    assert asked is not None
    end = time.monotonic() + within
    while not (tasks := await log.load(f"task.{asked.task_id}")):
        assert time.monotonic() < end, "no task"
        await asyncio.sleep(0.02)
    [item] = tasks
    assert isinstance(item.event, TaskOpened)
    return item.event


async def test_a_care_plan_follows_a_discharge_by_itself(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    async with running(guard, nats_server, tmp_path, "integration"):
        discharged = await discharge(log)
        plan = await planned(log, discharged)
    assert (plan.session_id, plan.course_id, plan.patient_id, plan.by) == (
        discharged.session_id,
        discharged.course_id,
        discharged.patient_id,
        "service:integration",
    )
    assert plan.visits_due == [NOON + timedelta(days=days) for days in (1, 3, 7, 14)]


async def test_also_when_integration_was_down_and_once_however_often_it_starts(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    before = [await discharge(log) for _ in range(3)]
    async with running(guard, nats_server, tmp_path, "integration"):
        for discharged in before:
            await planned(log, discharged)
    meanwhile = await discharge(log)
    one, two = (running(guard, nats_server, tmp_path, "integration") for _ in range(2))
    async with one, two:
        await planned(log, meanwhile)
        again = await discharge(log, meanwhile.session_id)  # as if it had been discharged twice
        await settled(client)
    for discharged in [*before, meanwhile, again]:
        await planned(log, discharged)


async def test_the_rems_form_is_a_task_after_a_session_with_spravato_once_and_answered_when_sent(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    other = await discharge(log, await dosed_session(log, "intranasal"))
    before = await discharge(log, await dosed_session(log))
    async with running(guard, nats_server, tmp_path, "integration"):
        form = await form_of(log, before)
        assert (form.kind, form.due) == ("rems-monitoring-form", NOON + timedelta(days=7))
        assert (form.session_id, form.by) == (before.session_id, "service:integration")
        await form_of(log, await abort(log, await dosed_session(log)))  # given is given
    again = await discharge(log, before.session_id)  # heard of anew by a service started anew
    async with running(guard, nats_server, tmp_path, "integration"):
        await settled(client)
        await form_of(log, again)
        sent = {**BY_THERAPIST, "task_id": str(form.task_id), "answer": "sent"}
        assert (await command(client, "integration", type="AnswerTask", **sent))["recorded"] == 1
        refused = await command(client, "integration", type="AnswerTask", **sent)
        assert refused == {"refused": "This task is already answered."}
    assert [type(item.event) for item in await log.load(f"task.{form.task_id}")] == [TaskOpened, TaskAnswered]
    opened = await client.jetstream().stream_info("EVENTS", subjects_filter="kap.events.*.task.*.task_opened")
    assert len(opened.state.subjects or {}) == 2, f"none for {other.session_id}"


async def test_also_when_it_is_killed_in_the_middle(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    discharges = [await discharge(log) for _ in range(300)]
    for some in (5, 100):
        service = start(guard, nats_server, tmp_path, "integration")
        await planned(log, discharges[some])
        guard.stop(service.process, signal.SIGKILL)
        assert await log.load(f"care_plan.{plan_of(discharges[-1])}") == [], "killed too late to say anything"
    async with running(guard, nats_server, tmp_path, "integration"):
        await settled(client)
    for discharged in discharges:
        await planned(log, discharged)


async def test_also_when_the_server_is_killed_meanwhile(guard: Guard, tmp_path: Path) -> None:
    server = embedded_nats.prepare(tmp_path / "nats", free_port(), free_port())

    async def serve() -> subprocess.Popen[bytes]:
        process = guard.start(server.command, log=tmp_path / "nats.log")
        async with httpx.AsyncClient(trust_env=False) as http:
            while not await server.answers(http):
                await asyncio.sleep(0.02)
        return process

    process = await serve()
    client = await nats.connect(server.url(), max_reconnect_attempts=-1, reconnect_time_wait=0.1)
    try:
        await deploy_files.streams().declare(client)
        log = JetStreamLog(client, "main", "tests")
        async with running(guard, server, tmp_path, "integration") as service:
            await planned(log, await discharge(log))
            for _ in range(2):
                guard.stop(process, signal.SIGKILL)
                await asyncio.sleep(1)
                process = await serve()
                await client.flush(timeout=10)
                await planned(log, await discharge(log))
            await ready(service)
    finally:
        await client.close()
        guard.stop(process, signal.SIGTERM)


async def test_a_discharge_that_cannot_be_read_is_said_and_holds_up_no_other(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    await client.jetstream().publish(
        f"kap.events.main.session.{uuid4()}.discharged", b'{"type":"Discharged"}'
    )
    discharged = await discharge(log)
    async with running(guard, nats_server, tmp_path, "integration") as service:
        await planned(log, discharged)
        await asyncio.sleep(2.5)
        errors = [line["message"] for line in service.lines() if line["level"] == "error"]
    assert 1 <= len(errors) <= 3, "tried again, with pauses"
    assert set(errors) == {"what follows a session is not done yet; trying again"}


async def test_a_deleted_consumer_ends_the_service_loudly(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    service = start(guard, nats_server, tmp_path, "integration")
    await ready(service)
    await client.jetstream().delete_consumer("EVENTS", DURABLE)
    await asyncio.to_thread(service.process.wait, 15)
    guard.ended(service.process)
    said = [line for line in service.lines() if line["level"] == "critical"]
    assert [line["message"] for line in said] == [
        f"what follows a session stopped: its consumer {DURABLE} is gone, run deploy/streams.py; ending"
    ]


async def test_visits_measures_tasks_and_the_end_are_recorded(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    async with running(guard, nats_server, tmp_path, "integration"):
        discharged = await discharge(log)
        await planned(log, discharged)
        plan, task = {"care_plan_id": str(plan_of(discharged))}, {"task_id": str(uuid4())}

        async def send(type: str, **fields: Any) -> dict[str, Any]:
            return await command(client, "integration", type=type, **BY_THERAPIST | fields)

        visit = {**plan, "visit": 1, "themes": sealed("themes")}
        assert (await send("RecordIntegration", **visit))["recorded"] == 1
        assert "already on record" in (await send("RecordIntegration", **visit))["refused"]
        impossible = {"instrument": "gad-7", "total": 22}
        assert "should be 0 to 21" in (await send("RecordMeasure", **plan, measure=impossible))["refused"]
        measure = {"instrument": "gad-7", "items": [1] * 7}
        assert (await send("RecordMeasure", **plan, measure=measure))["recorded"] == 1
        assert (await send("MissVisit", **plan, visit=2))["recorded"] == 1
        assert (await send("CloseCarePlan", **plan, outcome="completed"))["recorded"] == 1
        assert await send("MissVisit", **plan, visit=3) == {"refused": "This care plan is closed."}
        opening = {**task, "patient_id": str(uuid4()), "kind": "c-ssrs", "text": sealed()}
        assert (await send("OpenTask", **opening))["recorded"] == 1
        assert (await send("AnswerTask", **task, answer="negative"))["recorded"] == 1

        # what only the service itself may do, and what is none of its business
        assert "invalid" in await send("PlanCare", **plan, session_id=str(uuid4()))
        other = {"of": "patient", "of_id": "x", "event_id": str(uuid4()), "reason": sealed("reason")}
        assert "not one of" in (await send("CorrectEntry", **other))["refused"]

        [_, integrated, *_] = await log.load(f"care_plan.{plan['care_plan_id']}")
        assert isinstance(integrated.event, Integrated)
        correction = {
            "of": "care_plan",
            "of_id": plan["care_plan_id"],
            "event_id": str(integrated.event.id),
            "reason": sealed("reason"),
            "replacement": {"visit": 2, "themes": sealed("replacement.themes")},
        }
        assert (await send("CorrectEntry", **correction))["recorded"] == 1


async def test_it_says_how_it_is(
    guard: Guard, nats_server: NatsServer, client: Client, tmp_path: Path
) -> None:
    log = JetStreamLog(client, "main", "tests")
    async with running(guard, nats_server, tmp_path, "integration") as service:
        await planned(log, await discharge(log))
        await settled(client)
        await asyncio.sleep(2.2)  # the backlog is asked for every two seconds
        async with httpx.AsyncClient(trust_env=False, base_url=service.http) as http:
            metrics = (await http.get("/metrics")).text
            docs = (await http.get("/docs")).json()
            assert (await http.get("/readyz")).status_code == 200
    assert f'kap_follower_lag_events{{follower="{DURABLE}"}} 0.0' in metrics
    assert 'kap_events_appended_total{type="CarePlanned"} 1.0' in metrics
    assert "RecordIntegration" in json.dumps(docs)
    assert not [line for line in service.lines() if line["level"] in ("error", "critical")]

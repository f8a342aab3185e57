"""Vitals in on a real log, under the service's own NATS user: by MLLP and by ingest."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import nats
import pytest
from kap.decider import Cache, Unavailable
from kap.envelope import EVENTS, VITALS
from kap.events.fact import Fact
from kap.events.session import AlarmCleared, AlarmRaised
from kap.events.vitals import VitalRecorded
from kap.log import JetStreamLog
from kap.service import nats_options
from kap.tasks import ended
from kap_local.nats_server import NatsServer
from nats.aio.client import Client
from session_monitor import vitals as vitals_module
from session_monitor.patient_numbers import AGAIN, PatientNumbers
from session_monitor.vitals import Vitals, vitals_in

from tests.hl7.messages import BPM, EUI, HR, MINDRAY_DEMO, MMHG, PERCENT, SPO2, SYS, obx, pcd01
from tests.services.test_attachments import A, attached, opened

START, END = b"\x0b", b"\x1c\r"


@pytest.fixture
async def service(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Client]:
    """Connected as the session monitor, to fresh streams."""
    client = await nats.connect(nats_server.url("session-monitor"), **nats_options("session-monitor"))
    yield client
    await client.close()


@asynccontextmanager
async def running(service: Client) -> AsyncIterator[tuple[Vitals, JetStreamLog]]:
    """Vitals in as its owner runs it, every fact of the log folded."""
    log = JetStreamLog(service, "main", "session-monitor")
    async with vitals_in(log, service, "main", ZoneInfo("Europe/Vienna"), 0, "127.0.0.1") as vitals:
        follower = log.follow(EVENTS, "kap.events.*.session.>", after=0, name="session-monitor-ingest-events")

        async def fold() -> None:
            async for batch in follower:
                for item in batch:
                    vitals.fold(item)
                if follower.caught_up:
                    vitals.folded()

        folding = asyncio.create_task(fold())
        try:
            async with asyncio.timeout(10):
                await vitals.ready.wait()
            yield vitals, log
        finally:
            await ended(folding)


async def happened(vitals: Vitals, log: JetStreamLog, *facts: Fact) -> None:
    for fact in facts:
        expected = max((r.position for r in await log.load(f"session.{A}")), default=0)
        position = await log.append(f"session.{A}", [fact], expected)
    await vitals.wait_for(position)


def session_now(device: str = EUI) -> tuple[Fact, Fact]:
    """Open for an hour, with the device attached half an hour ago."""
    now = datetime.now(UTC)
    return (
        opened().model_copy(update={"at": now - timedelta(hours=1)}),
        attached(device=device).model_copy(update={"at": now - timedelta(minutes=30)}),
    )


async def readings(log: JetStreamLog, count: int) -> list[VitalRecorded]:
    """All readings on record, which should be so many."""
    assert (await log.head(VITALS)).last == count
    if not count:
        return []
    follower = log.follow(VITALS, "kap.vitals.main.*", after=0, name="session-monitor-ingest-vitals")
    found: list[VitalRecorded] = []
    batches = follower.batches()
    async with asyncio.timeout(10):
        async for batch in batches:
            found += [r.event for r in batch if isinstance(r.event, VitalRecorded)]
            if len(found) >= count:
                break
    await batches.aclose()
    return found


def stamp(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}.{at.microsecond // 100:04d}+0000"


def now_message(control: str = "M1", *extra: str, age_s: float = 0, sent: datetime | None = None) -> bytes:
    at = sent or datetime.now(UTC)
    shown = stamp(at - timedelta(seconds=age_s))
    return pcd01(
        obx(HR, "71", BPM, at=shown),
        obx(SPO2, "96", PERCENT, at=shown),
        *extra,
        sent=stamp(at),
        control=control,
    )


class Monitor:
    def __init__(self, port: int) -> None:
        self.port = port

    async def send(self, *messages: bytes) -> list[list[str]]:
        """MSA of the answer to each, as fields."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"".join(START + m + END for m in messages))
        found = []
        async with asyncio.timeout(20):
            for _ in messages:
                reply = (await reader.readuntil(END)).decode()
                found.append(reply.split("\r")[1].split("|"))
        writer.close()
        return found


async def told(client: Client, vitals: Vitals) -> list[dict[str, Any]]:
    """What is published of the devices, the next second."""
    subscription = await client.subscribe("kap.live.devices.main")
    message = await subscription.next_msg(timeout=5)
    await subscription.unsubscribe()
    found: list[dict[str, Any]] = json.loads(message.data)
    return found


async def test_accepted_means_on_record(service: Client, client: Client) -> None:
    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        cuff = stamp(datetime.now(UTC) - timedelta(minutes=4))
        message = now_message("M1", obx(SYS, "131", MMHG, at=cuff))
        assert await Monitor(vitals.mllp_port).send(message) == [["MSA", "AA", "M1"]]
        old, new = await readings(log, 2)
        assert {s: v.value for s, v in new.signals.items()} == {"heart_rate": 71, "spo2": 96}
        assert (new.session_id, new.device_id, new.source, new.sent_id) == (A, EUI, "monitor", "M1")
        assert timedelta(minutes=3.9) < new.observed_at - old.observed_at < timedelta(minutes=4.1)
        (device,) = await told(client, vitals)
        assert (device["device_id"], device["session_id"]) == (EUI, str(A))
        assert device["signals"]["systolic"]["value"] == 131


async def test_a_repeat_is_harmless_also_after_a_restart(service: Client) -> None:
    message = now_message()
    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        first, again = await Monitor(vitals.mllp_port).send(message, message)
        assert first == ["MSA", "AA", "M1"]
        assert again == ["MSA", "AA", "M1", "not stored: already on record"]
        await readings(log, 1)
    async with running(service) as (vitals, log):
        assert vitals.session_of(EUI, datetime.now(UTC)) == A
        (again,) = await Monitor(vitals.mllp_port).send(message)
        assert again == ["MSA", "AA", "M1", "not stored: already on record"]
        await readings(log, 1)


async def test_unattached_readings_show_in_the_devices_alone(service: Client, client: Client) -> None:
    async with running(service) as (vitals, log):
        (msa,) = await Monitor(vitals.mllp_port).send(now_message())
        assert msa[1] == "AA" and msa[3].startswith("not stored: the device was not attached")
        await readings(log, 0)
        (device,) = await told(client, vitals)
        assert device["session_id"] is None
        assert device["signals"]["spo2"]["value"] == 96


async def test_demo_data_is_accepted_and_not_stored(service: Client) -> None:
    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        (msa,) = await Monitor(vitals.mllp_port).send(MINDRAY_DEMO)
        assert msa[1] == "AA" and "demo or test" in msa[3]
        await readings(log, 0)


async def test_a_monitor_with_another_patients_number_alarms_until_it_is_right(service: Client) -> None:
    """The reading is on record, and so is that the monitor names somebody else; also over a restart."""

    async def alarms(log: JetStreamLog) -> list[str]:
        history = await log.load(f"session.{A}")
        return [type(r.event).__name__ for r in history if isinstance(r.event, AlarmRaised | AlarmCleared)]

    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        monitor = Monitor(vitals.mllp_port)
        wrong = now_message().replace(b"PID|||4711^", b"PID|||0815^")
        assert [a[1] for a in await monitor.send(wrong)] == ["AA"]
        assert len(await readings(log, 1)) == 1
        numbers = PatientNumbers(log, Cache(), vitals)
        await numbers.look(datetime.now(UTC))
        await numbers.look(datetime.now(UTC))
        assert await alarms(log) == ["AlarmRaised"]
        after_restart = PatientNumbers(log, Cache(), vitals)
        await after_restart.look(datetime.now(UTC))
        assert await alarms(log) == ["AlarmRaised"]
        await monitor.send(now_message("M2"))
        await after_restart.look(datetime.now(UTC))
        assert await alarms(log) == ["AlarmRaised", "AlarmCleared"]
        await monitor.send(now_message("M3").replace(b"PID|||4711^", b"PID|||0815^"))
        await after_restart.look(datetime.now(UTC))
        assert await alarms(log) == ["AlarmRaised", "AlarmCleared", "AlarmRaised"]

        # taken off between two looks, which ended the alarm, and put on again: it names the other one still
        by_the_watch: dict[str, Any] = {
            "id": uuid4(),
            "at": datetime.now(UTC),
            "by": "service:session-monitor",
            "session_id": A,
        }
        last = (await log.load(f"session.{A}"))[-1].event
        assert isinstance(last, AlarmRaised)
        await happened(vitals, log, AlarmCleared(**by_the_watch, alarm_id=last.alarm_id))
        await after_restart.look(datetime.now(UTC) + AGAIN)
        await after_restart.look(datetime.now(UTC) + 2 * AGAIN)
        assert (await alarms(log))[-3:] == ["AlarmRaised", "AlarmCleared", "AlarmRaised"]


async def test_what_can_never_be_read_is_refused_for_good(service: Client) -> None:
    async with running(service) as (vitals, _):
        answers = await Monitor(vitals.mllp_port).send(
            b"hello", now_message().replace(b"ORU^R01^ORU_R01", b"ADT^A01")
        )
        assert [a[1] for a in answers] == ["AR", "AR"]


async def test_a_log_that_does_not_answer_is_said_and_nothing_is_lost(
    service: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        message = now_message("M7")
        record = log.record

        async def away(*args: Any, **kwargs: Any) -> None:
            raise Unavailable("The log does not answer.")

        monkeypatch.setattr(log, "record", away)
        (msa,) = await Monitor(vitals.mllp_port).send(message)
        assert msa == ["MSA", "AE", "M7", "The log does not answer."]
        monkeypatch.setattr(log, "record", record)
        assert await Monitor(vitals.mllp_port).send(message) == [["MSA", "AA", "M7"]]
        await readings(log, 1)


async def test_before_the_facts_are_known_nothing_is_judged(
    service: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals_module, "START_S", 0.2)
    log = JetStreamLog(service, "main", "session-monitor")
    async with vitals_in(log, service, "main", ZoneInfo("UTC"), 0, "127.0.0.1") as vitals:
        (msa,) = await Monitor(vitals.mllp_port).send(now_message())
        assert msa == ["MSA", "AE", "M1", "KAP is starting. Send this again."]


# ---- ingest


async def ask(client: Client, body: Any) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = await client.request("kap.ingest.main.vitals", data, timeout=10)
    found: dict[str, Any] = json.loads(reply.data)
    return found


def request(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    sent = datetime.now(UTC)
    found = [{"device_time": sent.isoformat(), "signals": {"spo2": 95}} | item for item in items]
    return {"device_id": EUI, "sent_at": sent.isoformat(), "readings": found} | more


async def test_ingest_answers_each_reading(service: Client, client: Client) -> None:
    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        long_ago = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
        body = request(
            {
                "signals": {
                    "spo2": 95,
                    "heart_rate": {"value": 80, "channel": "II", "quality": "questionable"},
                }
            },
            {"signals": {"temperature": 384.5}},
            {"device_time": long_ago},
            {"signals": {"spo2": 95, "respiratory_rate": 200}},
        )
        answers = (await ask(client, body))["answers"]
        assert [a["status"] for a in answers] == ["recorded", "refused", "unattached", "recorded"]
        assert "not possible" in answers[1]["reason"]
        assert (await ask(client, body))["answers"][0]["status"] == "repeated"
        first, second = await readings(log, 2)
        assert UUID(answers[0]["id"]) == first.id
        assert first.source == "gateway" and not first.backfilled
        assert first.signals["heart_rate"].quality == "questionable"
        assert set(second.signals) == {"spo2"}


async def test_backfill_is_declared_by_the_sender(service: Client, client: Client) -> None:
    async with running(service) as (vitals, log):
        await happened(vitals, log, *session_now())
        earlier = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
        await ask(client, request({"device_time": earlier}, backfilled=True))
        (reading,) = await readings(log, 1)
        assert reading.backfilled
        assert timedelta(minutes=19) < datetime.now(UTC) - reading.observed_at < timedelta(minutes=21)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        ({"device_id": "M1", "readings": []}, "sent_at"),
        (request(device_id="a b"), "device_id"),
        (request(), "readings"),
        (request(*[{}] * 501), "readings"),
        (request({"signals": {}}), "readings.0.signals"),
        (request({}, {"signals": {"spo3": 1}}), "readings.1.signals.spo3"),
        (request({"signals": {"spo2": "97"}}), "readings.0.signals.spo2"),
        (request({"signals": {"spo2": {"value": 97, "quality": "fine"}}}), "readings.0.signals.spo2.quality"),
        (request({"device_time": "now"}), "readings.0.device_time"),
        (request({"device_time": 5}), "readings.0.device_time"),
        (request({}, sent_at="9999-12-31T23:59:59-14:00"), "sent_at"),
        (request({}, {"device_time": "0001-01-01T00:00:00+14:00"}), "readings.1.device_time"),
    ],
)
async def test_bad_input_names_the_field(service: Client, client: Client, body: Any, field: str) -> None:
    async with running(service) as (_, log):
        answer = await ask(client, body)
        assert field in [wrong["field"] for wrong in answer["invalid"]]
        await readings(log, 0)


async def test_many_devices_at_once_are_all_on_record(service: Client, client: Client) -> None:
    async with running(service) as (vitals, log):
        devices = [f"D{n}" for n in range(20)]
        now = datetime.now(UTC)
        await happened(
            vitals,
            log,
            opened().model_copy(update={"at": now - timedelta(hours=1)}),
            *(
                attached(device=d).model_copy(update={"id": uuid4(), "at": now - timedelta(minutes=30)})
                for d in devices
            ),
        )
        times = [(now - timedelta(seconds=n)).isoformat() for n in range(50)]
        bodies = [request(*({"device_time": t} for t in times), device_id=d) for d in devices]
        found = await asyncio.gather(*(ask(client, body) for body in bodies))
        assert all(a["status"] == "recorded" for f in found for a in f["answers"])
        assert len({r.id for r in await readings(log, 1000)}) == 1000

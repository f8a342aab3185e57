"""What the bench counts is what is there, and it says what that comes to."""

from typing import Any

import pytest
from kap.envelope import VITALS
from kap_local.bench import child, devices
from kap_local.bench.table import goals
from kap_local.nats_server import NatsServer
from nats.aio.client import Client

from tests.services.test_attachments import attached
from tests.services.test_vitals_in import happened, running, session_now
from tests.services.test_vitals_in import service as service


@pytest.mark.parametrize("rate", [None, 500.0])
async def test_the_devices_count_each_reading_that_is_on_disk(
    service: Client, nats_server: NatsServer, rate: float | None
) -> None:
    names = [f"BENCH-{n}" for n in range(8)]
    task = devices.Task(nats_server.url("device-gateway"), "main", names, seconds=0.3, rate=rate, size=5)
    async with running(service) as (vitals, log):
        opening, first = session_now(names[0])
        others = [attached(device=name).model_copy(update={"at": first.at}) for name in names[1:]]
        await happened(vitals, log, opening, first, *others)
        result = await child.hand_in(task)
        assert result.recorded > 8 * 5  # many at a time, each more than once
        assert result.refused == 0
        assert (await log.head(VITALS)).last == result.recorded


def result(**changes: Any) -> dict[str, Any]:
    took = {"p50": 5.0, "p95": 7.0, "p99": 9.0, "lost": 0, "overloaded": False}
    return {
        "e2e_ms": {"500": took, "2000": took, "10000": took},
        "command_ms": {"p50": 3.0, "p99": 10.0},
        "alarm_ms": {"p99": 150.0},
        "ingest_per_s": 30_000.0,
        "project_per_s": 20_000.0,
        "feed_per_s": {"100": 1e5, "500": 1e5},
        "save_1": 5_000.0,
        "save_1_of_many": 5_000.0,
        "peer": {"save_1": 1_000.0, "save_1_of_many": 1_000.0, "save_10": 5_000.0, "project": 2_000.0},
    } | changes


def missed(found: dict[str, Any]) -> list[str]:
    return [goal.goal for goal in goals(found) if not goal.met]


def test_a_goal_is_met_at_its_limit() -> None:
    assert missed(result()) == []
    assert missed(result(project_per_s=19_999.0)) == ["readings projected, /s", "projected, × the peer"]


def test_a_rate_at_which_nothing_arrives_is_missed() -> None:
    nothing = {"lost": 70, "overloaded": False}
    slow = result(e2e_ms={"500": nothing, "2000": nothing, "10000": nothing})
    assert len(missed(slow)) == 4
    assert [goal.as_json()["value"] for goal in goals(slow)][:4] == [None, None, None, 210]

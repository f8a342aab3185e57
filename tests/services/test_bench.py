"""What the bench counts is what is there."""

import pytest
from kap.envelope import VITALS
from kap_local.bench import child, devices
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

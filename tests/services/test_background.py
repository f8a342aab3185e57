"""What a service does beside its requests: when it ends, however it ends, so does the service, loudly."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator

import pytest
from kap import service
from kap.tasks import ended


@pytest.fixture
async def stopped() -> AsyncIterator[asyncio.Event]:
    """Set when the process was told to stop."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    yield told
    loop.remove_signal_handler(signal.SIGTERM)


async def returns() -> None:
    await asyncio.sleep(0)


async def fails() -> None:
    await asyncio.sleep(0)
    raise LookupError("the log is another one")


async def goes_on() -> None:
    await asyncio.Event().wait()


async def test_work_that_fails_stops_the_process_and_says_why(
    stopped: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with service.in_background(fails(), "the board"), asyncio.timeout(2):
        await stopped.wait()
    [said] = caplog.records
    assert said.levelno == logging.CRITICAL
    assert said.getMessage() == "the board stopped: the log is another one; ending"
    assert said.exc_info is not None


async def test_work_that_just_returns_stops_the_process_too(
    stopped: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with service.in_background(returns(), "the board"), asyncio.timeout(2):
        await stopped.wait()
    [said] = caplog.records
    assert (said.levelno, said.getMessage()) == (logging.CRITICAL, "the board came to an end; ending")


async def test_work_ended_with_the_service_is_no_accident(
    stopped: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    async with service.in_background(goes_on(), "the board"):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    assert not stopped.is_set() and not caplog.records


async def forgetful() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    await asyncio.sleep(3600)


async def test_who_ends_others_ends_after_them_however_often_it_is_told() -> None:
    inner = asyncio.create_task(forgetful())

    async def outer() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await ended(inner)

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await ended(task)
    assert task.cancelled() and inner.cancelled()


async def test_who_forgets_a_cancellation_is_told_again() -> None:
    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await ended(task)
    assert task.cancelled()

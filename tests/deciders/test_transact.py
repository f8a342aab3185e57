"""The write path: what is kept of a record saves asking for it, and never decides anything by itself."""

from typing import Any
from uuid import uuid4

import pytest
from intake import course
from intake.course import CloseCourse, GiveConsent, OpenCourse, WithdrawConsent
from kap.decider import Cache, Command, Decider, Outcome, Refused, transact
from kap.events import Recorded
from kap.testing import MemoryLog

from tests.deciders.test_course import P, said

COURSE: Decider[Any, Any] = course


class Log(MemoryLog):
    """Counts how often it was asked what it holds."""

    asked = 0

    async def load(self, aggregate: str, after: int = 0) -> list[Recorded]:
        self.asked += 1
        return await super().load(aggregate, after)


class Process:
    """One that keeps what it folded; another of the same service keeps its own."""

    def __init__(self, log: Log) -> None:
        self.log, self.cache = log, Cache()

    async def send(self, kind: type[Command], **fields: Any) -> Outcome:
        command = kind.model_validate(said() | {"id": uuid4()} | fields)
        return await transact(self.log, COURSE, command, self.cache)

    async def open(self) -> None:
        await self.send(OpenCourse, patient_id=P, indication="trd", patient="registered")


async def test_a_record_that_is_kept_is_not_asked_for_again() -> None:
    log = Log()
    process = Process(log)
    await process.open()
    log.asked = 0
    await process.send(GiveConsent, document="one")
    assert log.asked == 1  # by the append, which checks what it was decided on


async def test_what_another_process_wrote_refuses() -> None:
    log = Log()
    one, other = Process(log), Process(log)
    await one.open()
    await other.send(CloseCourse, outcome="completed")
    with pytest.raises(Refused):
        await one.send(GiveConsent, document="one")
    assert len(log.events) == 2


async def test_what_another_process_wrote_allows() -> None:
    log = Log()
    one, other = Process(log), Process(log)
    await one.open()
    await other.send(GiveConsent, document="one")
    assert (await one.send(WithdrawConsent)).recorded == 1


async def test_what_another_process_did_is_not_done_again() -> None:
    log = Log()
    one, other = Process(log), Process(log)
    await one.open()
    same = uuid4()
    first = await other.send(GiveConsent, id=same, document="one")
    assert await one.send(GiveConsent, id=same, document="one") == first
    assert len(log.events) == 2

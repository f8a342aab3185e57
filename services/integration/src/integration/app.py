"""Commands in, events out; and what follows the end of a session by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from faststream.asgi import AsgiFastStream
from kap import service, settings
from kap.decider import Cache, CorrectEntry, Outcome, Refused, Store, transact
from kap.log import JetStreamLog
from pydantic import Field

from integration import care_plan, reactions, task
from integration.task import AnswerTask, OpenTask

Command = Annotated[care_plan.OnTheWire | task.Command | CorrectEntry, Field(discriminator="type")]


@dataclass
class Integration:
    """The service over its log: any `Store`, so that the tests can give it one in memory."""

    store: Store
    cache: Cache = field(default_factory=Cache)

    async def act(self, command: Command) -> Outcome:
        match command:
            case OpenTask() | AnswerTask() | CorrectEntry(of="task"):
                return await transact(self.store, task, command, self.cache)
            case CorrectEntry() if command.of != "care_plan":
                raise Refused("This entry is not one of a care plan's or a task's.")
            case _:
                return await transact(self.store, care_plan, command, self.cache)


def build() -> AsgiFastStream:
    clinic = settings.clinic()
    nats = service.broker("integration")
    backlog = reactions.Backlog()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        client = await nats.connect()
        integration = Integration(JetStreamLog(client, clinic, "integration"))

        @nats.subscriber(f"kap.commands.{clinic}.integration", queue="integration", max_workers=32)
        async def handle(command: Command, dry_run: service.DryRun) -> service.Answer:
            return await service.answer(command, integration.act, dry_run)

        reactions.subscribe(nats, integration.store, integration.cache)
        async with service.in_background(backlog.watch(client), "what follows a session"):
            yield

    return service.app("integration", nats, lifespan, backlog.ready)

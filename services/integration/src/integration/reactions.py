"""What follows the end of a session by itself, exactly once: a care plan, and Spravato's REMS form to send.

The durable consumers are declared in deploy/streams.py. They keep what ended while this service was down; the
ids of plan and task are made of the session's and must be new, so hearing of an end twice does it once.
"""

import asyncio
import logging
import time

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.annotations import NatsMessage
from kap import metrics
from kap.decider import Cache, Store, transact
from kap.events import corrected, decode
from kap.events.session import Discharged, SessionAborted
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from integration import care_plan, rems, task

DURABLE = "integration-care-plans-1"
ENDS = {
    DURABLE: "kap.events.*.session.*.discharged",
    "integration-aborted-1": "kap.events.*.session.*.session_aborted",
}
TRY_AGAIN_S = 2

log = logging.getLogger("kap")


async def follow_end(store: Store, body: bytes, cache: Cache) -> None:
    """Plan the care that a discharge asks for; open the task that a dose of Spravato asks for."""
    event = decode(body)
    if not isinstance(event, Discharged | SessionAborted):
        raise ValueError(f"{type(event).__name__} stands where the end of a session should")
    if isinstance(event, Discharged):
        await transact(store, care_plan, care_plan.after(event), cache)
    history = await store.load(f"session.{event.session_id}")
    if all(item.event != event for item in history):  # a replica that lags behind may lack the dose, too
        raise LookupError("the session's record does not hold its end yet")
    if (form := rems.after(event, corrected(history))) is not None:
        await transact(store, task, form, cache)


def subscribe(nats: NatsBroker, store: Store, cache: Cache) -> None:
    for durable, subject in ENDS.items():
        _subscribe(nats, store, cache, durable, subject)


def _subscribe(nats: NatsBroker, store: Store, cache: Cache, durable: str, subject: str) -> None:
    """One at a time; sessions do not depend on each other, so one that fails waits and the next goes on."""

    @nats.subscriber(
        subject,
        stream=JStream("EVENTS", declare=False),
        durable=durable,
        pull_sub=PullSub(batch_size=1, timeout=1),
        inbox_prefix=b"_INBOX_integration.",  # PullSub ignores the broker's own
        ack_policy=AckPolicy.MANUAL,  # else an error would count as done
    )
    async def handle(message: NatsMessage) -> None:
        try:
            await follow_end(store, message.body, cache)
        except Exception as error:
            log.error("what follows a session is not done yet; trying again", exc_info=error)
            await message.nack(delay=TRY_AGAIN_S)
        else:
            await message.ack()


class Backlog:
    """How many ended sessions still wait for what follows; None while the server does not say."""

    def __init__(self) -> None:
        self.waiting: int | None = None
        self.behind_since: dict[str, float] = {}

    async def watch(self, nats: Client) -> None:
        """A deleted consumer looks like a passing error for ever, so its loss ends the process."""
        durable = DURABLE
        while True:
            try:
                waiting = 0
                for durable in ENDS:
                    waiting += self._heard(durable, await nats.jetstream().consumer_info("EVENTS", durable))
                self.waiting = waiting
            except NotFoundError as error:
                raise LookupError(f"its consumer {durable} is gone, run deploy/streams.py") from error
            except (NatsError, TimeoutError):
                self.waiting = None
            await asyncio.sleep(2)

    def _heard(self, durable: str, info: ConsumerInfo) -> int:
        """How many wait on this consumer, as its metrics say; their lag is for how long some have waited."""
        waiting = (info.num_pending or 0) + (info.num_ack_pending or 0)
        now = time.monotonic()
        since = self.behind_since.setdefault(durable, now) if waiting else None
        if since is None:
            self.behind_since.pop(durable, None)
        metrics.FOLLOWER_PENDING.labels(durable).set(waiting)
        metrics.FOLLOWER_LAG.labels(durable).set(0.0 if since is None else now - since)
        metrics.FOLLOWER_POSITION.labels(durable).set(info.ack_floor.stream_seq if info.ack_floor else 0)
        return waiting

    async def ready(self) -> str | None:
        if self.waiting is None:
            return "It is not known how many ended sessions wait for what follows them"
        return None if self.waiting < 100 else f"{self.waiting} ended sessions wait for what follows them"

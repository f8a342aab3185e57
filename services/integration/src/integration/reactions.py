"""What follows an event by itself: a care plan after each discharge, exactly once.

The durable consumer is declared in deploy/streams.py. It keeps what was discharged while this service was
down; the plan's id is made of the session's and must be new, so hearing of a discharge twice plans once.
"""

import asyncio
import logging
import time

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.annotations import NatsMessage
from kap import metrics, service
from kap.decider import Cache, Outcome, Store, transact
from kap.events import decode
from kap.events.session import Discharged
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from integration import care_plan

DURABLE = "integration-care-plans-1"
DISCHARGES = "kap.events.*.session.*.discharged"
TRY_AGAIN_S = 2

log = logging.getLogger("kap")


async def follow_discharge(store: Store, body: bytes, cache: Cache) -> Outcome:
    """Plan the care that this discharge asks for."""
    event = decode(body)
    if not isinstance(event, Discharged):
        raise ValueError(f"{type(event).__name__} stands where a discharge should")
    return await transact(store, care_plan, care_plan.after(event), cache)


def subscribe(nats: NatsBroker, store: Store, cache: Cache) -> None:
    """One at a time; plans do not depend on each other, so one that fails waits and the next goes on."""

    @nats.subscriber(
        DISCHARGES,
        stream=JStream("EVENTS", declare=False),
        durable=DURABLE,
        pull_sub=PullSub(batch_size=1, timeout=1),
        inbox_prefix=b"_INBOX_integration.",  # PullSub ignores the broker's own
        ack_policy=AckPolicy.MANUAL,  # else an error would count as done
    )
    async def handle(message: NatsMessage) -> None:
        try:
            await follow_discharge(store, message.body, cache)
        except Exception as error:
            log.error("no care plan yet; trying again", exc_info=error)
            await message.nack(delay=TRY_AGAIN_S)
        else:
            await message.ack()


class Backlog:
    """How many discharges still wait for their care plan; None while the server does not say."""

    def __init__(self) -> None:
        self.waiting: int | None = None
        self.behind_since: float | None = None

    @property
    def lag_s(self) -> float:
        """For how long some discharge has been waiting."""
        return 0.0 if self.behind_since is None else time.monotonic() - self.behind_since

    async def watch(self, nats: Client) -> None:
        """A deleted consumer looks like a passing error for ever, so its loss ends the process."""
        while True:
            try:
                info = await nats.jetstream().consumer_info("EVENTS", DURABLE)
                self.waiting = (info.num_pending or 0) + (info.num_ack_pending or 0)
                self.behind_since = (self.behind_since or time.monotonic()) if self.waiting else None
                metrics.FOLLOWER_PENDING.labels(DURABLE).set(self.waiting)
                metrics.FOLLOWER_LAG.labels(DURABLE).set(self.lag_s)
                metrics.FOLLOWER_POSITION.labels(DURABLE).set(
                    info.ack_floor.stream_seq if info.ack_floor else 0
                )
            except NotFoundError:
                log.critical("the consumer is gone; run deploy/streams.py", extra={"consumer": DURABLE})
                service.signal_stop()
                return
            except (NatsError, TimeoutError):
                self.waiting = None
            await asyncio.sleep(2)

    async def ready(self) -> str | None:
        if self.waiting is None:
            return "It is not known how many discharges wait for their care plan"
        return None if self.waiting < 100 else f"{self.waiting} discharges wait for their care plan"

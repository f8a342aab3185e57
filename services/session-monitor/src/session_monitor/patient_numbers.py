"""The technical alarm for a monitor that names another patient than its session's (decision 12).

The number stands in the message and is dropped with it, so the watch, which reads the log alone, cannot
know: this is raised from what was seen of the devices, and looks at the log for what is open already.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from kap.decider import Cache, Refused, Store, Unavailable, transact
from kap.events import corrected
from kap.events.session import AlarmCleared, AlarmRaised, Priority
from nats.errors import Error as NatsError

from session_monitor import session
from session_monitor.session import WATCH, ClearAlarm, RaiseAlarm
from session_monitor.vitals import Vitals
from session_monitor.watch.state import OTHER_PATIENT as RULE

PRIORITY: Priority = "medium"  # [D] the values may be another person's
LOOK_S = 1.0
AGAIN = timedelta(seconds=10)  # while a number differs, the log is asked so often if its alarm is open

log = logging.getLogger("kap.patient-numbers")


class PatientNumbers:
    def __init__(self, store: Store, cache: Cache, vitals: Vitals) -> None:
        self.store = store
        self.cache = cache
        self.vitals = vitals
        # of each session's device: whether its number differed, and when the log was asked about that
        self.asked: dict[tuple[UUID, str], tuple[bool, datetime]] = {}

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if not self.vitals.ready.is_set():
                continue
            try:
                await self.look(datetime.now(UTC))
            except (Unavailable, TimeoutError, NatsError) as error:
                log.warning("a patient number's alarm waits for the log", extra={"reason": str(error)})
            except Refused as error:
                log.error("a patient number's alarm is not on record", extra={"reason": str(error)})

    async def look(self, now: datetime) -> None:
        """Raise for each attached device that names another patient, clear for each that no longer does."""
        attached = {
            (session_id, device_id): self.vitals.faults(device_id)
            for device_id in self.vitals.devices.ids()
            if (session_id := self.vitals.session_of(device_id, now)) is not None
        }
        self.asked = {key: asked for key, asked in self.asked.items() if key in attached}
        for key, faults in attached.items():
            fault = next((f for f in faults if f.fault.kind == "patient number differs"), None)
            differs = fault is not None
            differed, asked = self.asked.get(key, (not differs, now))
            # also of one that goes on: detaching the device ends its alarm, and it may be back by now
            if differed == differs and (not differs or now - asked < AGAIN):
                continue
            alarm, ended = await self._on_record(*key)
            if fault is None and alarm is not None:
                await self._clear(key[0], alarm, now)
            elif fault is not None and alarm is None:
                await self._raise(*key, fault.first if ended is None else max(fault.first, ended))
            self.asked[key] = differs, now

    async def _on_record(self, session_id: UUID, device_id: str) -> tuple[UUID | None, datetime | None]:
        """The alarm that is open, and when the one before it ended."""
        found, ended = None, None
        for event in corrected(await self.store.load(f"session.{session_id}")):
            if isinstance(event, AlarmRaised) and event.rule == RULE and event.device_id == device_id:
                found = event.alarm_id
            elif isinstance(event, AlarmCleared) and event.alarm_id == found:
                found, ended = None, event.at
        return found, ended

    async def _raise(self, session_id: UUID, device_id: str, onset: datetime) -> None:
        alarm_id = uuid5(session_id, f"{RULE}|{device_id}|{onset.isoformat()}")
        command = RaiseAlarm(
            id=uuid5(alarm_id, "raise"),
            at=onset,
            by=WATCH,
            role="service",
            session_id=session_id,
            alarm_id=alarm_id,
            rule=RULE,
            priority=PRIORITY,
            kind="technical",
            text="Monitor shows another patient number",
            device_id=device_id,
            onset=onset,
        )
        await transact(self.store, session, command, self.cache)

    async def _clear(self, session_id: UUID, alarm_id: UUID, now: datetime) -> None:
        command = ClearAlarm(
            id=uuid5(alarm_id, "clear"),
            at=now,
            by=WATCH,
            role="service",
            session_id=session_id,
            alarm_id=alarm_id,
        )
        await transact(self.store, session, command, self.cache)

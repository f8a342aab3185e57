"""Readings that somebody typed: recorded as those of a device are, and corrected as any entry is.

The watch knows which there are: it folds every reading, and goes back to what stood before a wrong one.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from kap.decider import CorrectEntry, Outcome, Refused, may_correct, not_in_the_future
from kap.events.fact import Frozen
from kap.events.vitals import POSSIBLE, Sample, Signal, VitalCorrected, VitalRecorded
from pydantic import AwareDatetime, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from session_monitor.codes import possible
from session_monitor.session import RecordVitals
from session_monitor.vitals import Vitals
from session_monitor.watch.state import Typed

FOLDED_WITHIN_S = 1.0

Find = Callable[[UUID, UUID], Typed | None]  # session, reading → the reading, as the watch has it


class Instead(Frozen):
    """What stands in a reading's place."""

    at: AwareDatetime
    signals: dict[Signal, float] = Field(min_length=1)


class ByHand:
    def __init__(self, vitals: Vitals, find: Find) -> None:
        self.vitals = vitals
        self.find = find
        self._correcting = asyncio.Lock()  # who comes second sees what the first one corrected

    async def record(self, command: RecordVitals) -> Outcome:
        if wrong := mistyped(command.signals, ("signals",)):
            raise wrong
        signals = {name: Sample(value=value) for name, value in command.signals.items()}
        if command.dry_run:
            self.vitals.recorder.check_manual(command.session_id, signals, command.at)
            return Outcome(0, self.vitals.position)
        answer = await self.vitals.recorder.record_manual(command.session_id, signals, command.at, command.by)
        if answer.status == "repeated" and answer.id is not None:
            known = self.find(command.session_id, answer.id)
            if known is not None and known.correction is not None:
                raise Refused(
                    "The same values of that time were withdrawn or replaced. Enter them with another time, "
                    "if they were right after all."
                )
        return Outcome(1 if answer.status == "recorded" else 0, self.vitals.position)

    def found(self, command: CorrectEntry) -> Typed | None:
        """The reading that is to be corrected, when the entry is one."""
        try:
            return self.find(UUID(command.of_id), command.event_id)
        except ValueError:
            return None

    async def correct(self, command: CorrectEntry, wrong: Typed) -> Outcome:
        """Answered once the watch goes by it. A repeated command gets its first result."""
        async with self._correcting:
            done = Outcome(1, self.vitals.position)
            if wrong.correction == command.fact_id():
                return done
            correction = self._correction(command, wrong)
            if command.dry_run:
                return Outcome(0, self.vitals.position)
            await self.vitals.recorder.correct(correction)
            with suppress(TimeoutError):  # it is on record all the same, and will be folded
                async with asyncio.timeout(FOLDED_WITHIN_S):
                    while wrong.correction is None:  # noqa: ASYNC110 - the watch's fold is not slowed to tell us
                        await asyncio.sleep(0.01)
            self._still(command, wrong)  # an earlier one was on record, and not folded yet
            return done

    @staticmethod
    def _still(command: CorrectEntry, wrong: Typed) -> None:
        """Refused when another correction of it counts."""
        if wrong.correction not in (None, command.fact_id()):
            raise Refused("This entry was corrected before.")

    def _correction(self, command: CorrectEntry, wrong: Typed) -> VitalCorrected:
        self._still(command, wrong)
        may_correct(command, wrong.reading.entered_by)
        return VitalCorrected(
            **command.stamp,
            session_id=wrong.reading.session_id,
            reading_id=wrong.reading.id,
            reason=command.reason,
            replacement=self._instead(command, wrong.reading),
        )

    def _instead(self, command: CorrectEntry, wrong: VitalRecorded) -> VitalRecorded | None:
        if command.replacement is None:
            return None
        try:
            instead = Instead.model_validate({"at": wrong.observed_at} | command.replacement)
        except ValidationError as error:
            raise Refused("The corrected reading needs values by the name of their signal.") from error
        if impossible := mistyped(instead.signals, ("replacement", "signals")):
            raise impossible
        not_in_the_future(instead.at, wrong.observed_at, command)
        signals = {name: Sample(value=value) for name, value in instead.signals.items()}
        self.vitals.recorder.check_manual(wrong.session_id, signals, instead.at)
        at = instead.at.astimezone(UTC)
        return VitalRecorded(
            id=command.fact_id(1),
            session_id=wrong.session_id,
            source="manual",
            entered_by=command.by,
            device_time=at,
            observed_at=at,
            received_at=datetime.now(UTC),
            signals=signals,
        )


def mistyped(signals: dict[Signal, float], where: tuple[str, ...]) -> ValidationError | None:
    """Each value that nobody living can have, at its own field, so that it can be shown beside it."""
    problems = []
    for name, value in signals.items():
        if not possible(name, value):
            low, high = POSSIBLE[name]
            text = f"{value:g} is not possible here. It should be from {low:g} to {high:g}."
            why = PydanticCustomError("impossible", "{text}", {"text": text})
            problems.append(InitErrorDetails(type=why, loc=(*where, name), input=value))
    return ValidationError.from_exception_data("RecordVitals", problems) if problems else None

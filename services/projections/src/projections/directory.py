"""Who belongs to whom: each record's patient, each patient's number and sealed name, and who is forgotten;
and what the clinic has.

`Facts` is a pure fold; `Directory` can also wait, so that a command right after another finds its session.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from kap.events import Anything, Recorded, substitute
from kap.events.fact import EntryCorrected
from kap.events.intake import (
    CourseOpened,
    PatientChanged,
    PatientRegistered,
    PersonForgotten,
    ProtocolAdopted,
    RoomDefined,
)
from kap.events.integration import CarePlanned, TaskOpened
from kap.events.session import SessionOpened

from projections.clinic import Clinic


@dataclass
class Entry:
    """What one fact said of the person; None where it said nothing."""

    name: str | None = None
    contact: str | None = None
    number: str | None = None
    birth_year: int | None = None
    sex_at_birth: str | None = None


@dataclass
class Person:
    """`entries` by event, so that a corrected one can be taken out again. Name and contact are sealed."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    forgotten: bool = False

    @property
    def name(self) -> str | None:
        return next((e.name for e in reversed(self.entries.values()) if e.name), None)

    @property
    def contact(self) -> str | None:
        return next((e.contact for e in reversed(self.entries.values()) if e.contact), None)

    @property
    def number(self) -> str | None:
        return next((e.number for e in reversed(self.entries.values()) if e.number), None)

    @property
    def birth_year(self) -> int | None:
        return next((e.birth_year for e in reversed(self.entries.values()) if e.birth_year), None)

    @property
    def sex_at_birth(self) -> str | None:
        return next((e.sex_at_birth for e in reversed(self.entries.values()) if e.sex_at_birth), None)


@dataclass
class Facts:
    """`owners`: the patient of each course, session, care plan and task, by the record's id."""

    position: int = 0
    people: dict[UUID, Person] = field(default_factory=dict)
    owners: dict[UUID, UUID] = field(default_factory=dict)
    clinic: Clinic = field(default_factory=Clinic)

    def fold(self, item: Recorded) -> UUID | None:
        """The patient whose name or standing this fact changed."""
        if item.position <= self.position:
            return None
        self.position = item.position
        return self._apply(item.event)

    def _apply(self, event: Anything) -> UUID | None:
        match event:
            case PatientRegistered():
                self._person(event.patient_id).entries[event.id] = _registered(event)
                return event.patient_id
            case PatientChanged():
                self._person(event.patient_id).entries[event.id] = Entry(event.name, event.contact)
                return event.patient_id
            case PersonForgotten():
                self._person(event.patient_id).forgotten = True
                return event.patient_id
            case CourseOpened():
                self.owners.setdefault(event.course_id, event.patient_id)
            case SessionOpened():
                self.owners.setdefault(event.session_id, event.patient_id)
            case CarePlanned():
                self.owners.setdefault(event.care_plan_id, event.patient_id)
            case TaskOpened():
                self.owners.setdefault(event.task_id, event.patient_id)
            case EntryCorrected(of="patient"):
                return self._correct(event)
            case ProtocolAdopted() | RoomDefined() | EntryCorrected(of="clinic"):
                self.clinic.fold(event)
        return None

    def _person(self, patient_id: UUID) -> Person:
        return self.people.setdefault(patient_id, Person())

    def _correct(self, event: EntryCorrected) -> UUID | None:
        """The replacement stands where the withdrawn entry stood."""
        patient_id = UUID(event.of_id)
        person = self._person(patient_id)
        if event.event_id not in person.entries:
            return None
        entries: dict[UUID, Entry] = {}
        for event_id, entry in person.entries.items():
            if event_id != event.event_id:
                entries[event_id] = entry
            elif (stands := _replacement(event)) is not None:
                entries[stands[0]] = stands[1]
        person.entries = entries
        return patient_id


def _registered(fact: PatientRegistered) -> Entry:
    return Entry(fact.name, fact.contact, fact.number, fact.birth_year, fact.sex_at_birth)


def _replacement(event: EntryCorrected) -> tuple[UUID, Entry] | None:
    match substitute(event):
        case PatientRegistered() as fact:
            return fact.id, _registered(fact)
        case PatientChanged() as fact:
            return fact.id, Entry(fact.name, fact.contact)
    return None


class Directory:
    """The facts so far, and a way to wait for the next ones. Fed by the board, in the order of EVENTS.

    `on_person` hears of each patient whose name or standing changed, at once.
    """

    def __init__(self, on_person: Callable[[UUID], None] | None = None) -> None:
        self.on_person = on_person
        self._facts = Facts()
        self._moved = asyncio.Event()
        self._waiting = 0

    @property
    def facts(self) -> Facts:
        return self._facts

    @facts.setter
    def facts(self, facts: Facts) -> None:
        """As they were when they were saved."""
        self._facts = facts
        for patient_id in facts.people:
            self._changed(patient_id)

    @property
    def position(self) -> int:
        return self._facts.position

    def fold(self, item: Recorded) -> UUID | None:
        """The patient whose name or standing this fact changed."""
        changed = self._facts.fold(item)
        if changed is not None:
            self._changed(changed)
        if self._waiting:
            self._moved.set()
            self._moved = asyncio.Event()
        return changed

    def _changed(self, patient_id: UUID) -> None:
        if self.on_person is not None:
            self.on_person(patient_id)

    def person(self, patient_id: UUID) -> Person | None:
        return self.facts.people.get(patient_id)

    def holder(self, number: str) -> UUID | None:
        """Whose number this is, as far as it is known here; a forgotten person's is nobody's."""
        people = self.facts.people.items()
        return next((i for i, person in people if person.number == number and not person.forgotten), None)

    def owner(self, record: UUID) -> UUID | None:
        """The patient of a course, session, care plan or task; of a patient, themself."""
        return record if record in self.facts.people else self.facts.owners.get(record)

    @property
    def forgotten(self) -> list[UUID]:
        return [patient_id for patient_id, person in self.facts.people.items() if person.forgotten]

    async def find(self, record: UUID, within_s: float = 1.0) -> UUID | None:
        """The owner, waiting a moment for the fact that names it: a command may come right after another."""
        end = asyncio.get_running_loop().time() + within_s
        self._waiting += 1
        try:
            async with asyncio.timeout_at(end):
                while (owner := self.owner(record)) is None:
                    await self._moved.wait()
            return owner
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

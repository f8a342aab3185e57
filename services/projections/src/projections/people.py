"""The patients as staff know them: names in memory, commands sealed, views opened, persons forgotten."""

import asyncio
import contextlib
import logging
import unicodedata
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from kap import personal, service
from kap.decider import Refused, Unavailable
from prometheus_client import Counter, Gauge

from projections import sealing
from projections.directory import Directory
from projections.keys import FORGOTTEN, Forgotten, KeyRing, Missing
from projections.sealing import JsonObject

log = logging.getLogger("kap.people")

UNREADABLE = Counter(
    "kap_unreadable_names_total", "Names that did not open: altered, or their key is missing."
)
PENDING = Gauge("kap_forgetting_pending", "Persons forgotten whose key is still to be erased.")

AT_ONCE = 20  # more changed names than this are read with the whole bucket instead of one by one
RETRY_S = 1.0

# The clinic's own entries belong to no patient; a reason written for correcting one is sealed under this id.
_CLINIC = UUID("0b7c8f5e-53b1-5a44-8d0c-6d7a7d9d1c11")

NO_SUCH = {
    "session_id": "There is no such session.",
    "course_id": "There is no such course of treatment.",
    "care_plan_id": "There is no such care plan.",
    "task_id": "There is no such task.",
    "of_id": "There is no such record.",
    "patient_id": "There is no such patient.",
}
ERASED = "This person was forgotten: nothing personal can be recorded about them any more."
NOBODYS = bytes(32)  # the key of a dry run for somebody new: what it seals is thrown away
LOST = "This person's key is missing, so nothing personal can be recorded. Restore the key backup."


@dataclass(frozen=True)
class Found:
    patient_id: UUID
    number: str | None
    name: str | None
    birth_year: int | None


class People:
    """Follows the directory: names are opened, and keys of the forgotten erased, in the background.

    `on_name` hears of each patient whose name reads otherwise than before.
    """

    def __init__(self, directory: Directory, keys: KeyRing, clinic: str) -> None:
        self.on_name: Callable[[UUID], None] | None = None
        self.directory = directory
        self.keys = keys
        self.clinic_person = uuid5(_CLINIC, clinic)
        self._names: dict[UUID, str] = {}
        self._changed: dict[UUID, None] = dict.fromkeys(directory.facts.people)
        self._settling = False
        self._wake = asyncio.Event()
        directory.on_person = self._on_person

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._wake.set()
        async with service.in_background(self._keep_up(), "the opening of names and erasing of keys"):
            yield

    def _on_person(self, patient_id: UUID) -> None:
        if self.directory.facts.people[patient_id].forgotten:
            self._names.pop(patient_id, None)
            PENDING.set(1)
        self._changed[patient_id] = None
        self._wake.set()

    @property
    def settled(self) -> bool:
        """Every name known is opened, and every key to be erased is."""
        return not self._changed and not self._settling

    # ---- names

    def name(self, patient_id: UUID) -> str | None:
        return self._names.get(patient_id)

    def label(self, patient_id: UUID) -> str | None:
        """Initials and number, `MK 0417`; of a forgotten person the number alone."""
        person = self.directory.person(patient_id)
        words = self._names.get(patient_id, "").split()
        initials = "".join(word[0] for word in ([words[0], words[-1]] if len(words) > 1 else words)).upper()
        return " ".join(part for part in (initials, person and person.number) if part) or None

    def found(self, patient_id: UUID) -> Found | None:
        person = self.directory.person(patient_id)
        if person is None:
            return None
        if person.forgotten:
            return Found(patient_id, person.number, sealing.ERASED, None)
        return Found(patient_id, person.number, self._names.get(patient_id), person.birth_year)

    def search(self, text: str, limit: int) -> list[Found]:
        """By number, or by the beginning of each word given, in any order, accents aside; newest first."""
        wanted = _plain(text).split()
        matches: list[Found] = []
        for patient_id, person in reversed(self.directory.facts.people.items()):
            words = [*_plain(self._names.get(patient_id, "")).split(), person.number or ""]
            if all(any(word.startswith(part) for word in words) for part in wanted):
                if found := self.found(patient_id):
                    matches.append(found)
                if len(matches) >= limit:
                    break
        return matches

    async def _keep_up(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._settle()
            except (Unavailable, OSError) as error:
                log.warning("names or keys are behind", extra={"reason": str(error)})
                self._wake.set()
                await asyncio.sleep(RETRY_S)

    async def _settle(self) -> None:
        todo, self._changed = self._changed, {}
        self._settling = True
        try:
            stored = await self.keys.stored() if len(todo) > AT_ONCE else None
            for n, patient_id in enumerate(list(todo)):
                await self._settle_one(patient_id, stored)
                del todo[patient_id]
                if n % 200 == 199:
                    await asyncio.sleep(0)
            PENDING.set(0)
        finally:
            self._changed = todo | self._changed
            self._settling = False

    async def _settle_one(self, patient_id: UUID, stored: dict[UUID, bytes] | None) -> None:
        person = self.directory.facts.people[patient_id]
        if person.forgotten:
            self._names.pop(patient_id, None)
            if stored is None or stored.get(patient_id) != FORGOTTEN:
                await self.forget(patient_id)
        elif person.name is not None:
            await self._read_name(patient_id, person.name, stored)

    async def _read_name(self, patient_id: UUID, token: str, stored: dict[UUID, bytes] | None) -> None:
        try:
            if stored is None:
                key = await self.keys.key(patient_id)
            elif patient_id in stored:
                key = self.keys.unwrap(patient_id, stored[patient_id])
            else:
                raise Missing
            self._named(patient_id, personal.open(token, key, patient_id))
        except Forgotten:
            self._names.pop(patient_id, None)
        except (Missing, personal.Unreadable):
            UNREADABLE.inc()
            self._named(patient_id, sealing.UNREADABLE)
            log.error("a name does not open", extra={"patient": str(patient_id)})

    def _named(self, patient_id: UUID, name: str) -> None:
        if self.directory.facts.people[patient_id].forgotten:
            return  # meanwhile
        if self._names.get(patient_id) != name:
            self._names[patient_id] = name
            if self.on_name is not None:
                self.on_name(patient_id)

    async def forget(self, patient_id: UUID) -> None:
        """Erase the key, the name and what the key backup held. Idempotent."""
        self._names.pop(patient_id, None)
        await self.keys.forget(patient_id)
        self._names.pop(patient_id, None)
        log.info("a person was forgotten", extra={"patient": str(patient_id)})

    # ---- in and out

    async def seal(self, command: JsonObject, belongs: str | None, dry_run: bool = False) -> JsonObject:
        """The command with its Personal values sealed. Raises `Refused` when nobody knows whose they are.

        A dry run makes no key: what it seals for somebody new is thrown away.
        """
        if belongs is None or not sealing.holds_personal(command):
            return command
        command_id = UUID(command["id"])
        if command.get("of") == "clinic":
            reason = {"reason": command["reason"]} if "reason" in command else {}
            key = NOBODYS if dry_run else await self.keys.make(self.clinic_person)
            return command | sealing.seal(reason, key, self.clinic_person, command_id)
        patient_id, key = await self._key_for(command, belongs, dry_run)
        return sealing.seal(command, key, patient_id, command_id)

    async def _key_for(self, command: JsonObject, belongs: str, dry_run: bool) -> tuple[UUID, bytes]:
        try:
            record = UUID(str(command.get(belongs)))
        except ValueError:
            raise Refused(NO_SUCH[belongs]) from None
        new = command["type"] == "RegisterPatient"
        patient_id = record if new else await self.directory.find(record)
        if patient_id is None:
            raise Refused(NO_SUCH[belongs])
        person = self.directory.person(patient_id)
        if person is not None and person.forgotten:
            raise Refused(ERASED)
        if new and dry_run:
            return patient_id, NOBODYS
        try:
            return patient_id, await (self.keys.make if new else self.keys.key)(patient_id)
        except Forgotten:
            raise Refused(ERASED) from None
        except Missing:
            raise Refused(LOST) from None

    async def open(self, view: Any, patient_id: UUID | None = None) -> Any:
        """The view with its sealed values opened, each with the key of the patient it belongs to."""
        owner = self._owner
        keys: dict[UUID, bytes | None] = {}
        for patient in sealing.sealed_for(view, owner, patient_id):
            try:
                keys[patient] = await self.keys.key(patient)
            except Forgotten:
                keys[patient] = None
            except Missing:
                log.error("a patient's key is missing", extra={"patient": str(patient)})
        return sealing.open_view(view, owner, keys, patient_id)

    def _owner(self, record: UUID) -> UUID | None:
        return self.directory.owner(record)


def _plain(text: str) -> str:
    """Lower case and without accents, as people type names."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))

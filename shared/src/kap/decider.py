"""The one write path: load, decide, append; decide again when someone else wrote first.

A decider is a module with five names: `stream`, `initial`, `evolve`, `decide`, `revise`. All are pure: times
and ids come in the command, and what a decision needs from elsewhere is put into the command by the edge.
"""

import asyncio
import json
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial, reduce
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, overload
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field, JsonValue, ValidationError
from pydantic.json_schema import SkipJsonSchema

from kap.events import Anything, NotAnEvent, Recorded, Unknown, corrected, decode, substitute
from kap.events.fact import Actor, Aggregate, EntryCorrected, Fact, Frozen, Personal
from kap.events.intake import PersonForgotten
from kap.wrong import wrong

Role = Literal["nurse", "therapist", "prescriber", "admin", "service"]


class Refused(Exception):
    """The command is not possible now. The reason is a sentence for the clinician.

    `points` are the single reasons where there are several, each a sentence by the name of its gate or point.
    """

    def __init__(self, reason: str, points: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.points = dict(points or {})


class Conflict(Exception):
    """The aggregate moved on since it was loaded."""


class Unavailable(Exception):
    """The log does not answer, or the aggregate is too busy: nothing is known to be recorded; try again."""


class Command(Frozen):
    """What somebody wants to happen. `id` makes a repeat harmless; `at` is when it happened.

    `dry_run` asks whether it could: all is checked and decided, and nothing recorded. The edge alone sets it.
    """

    id: UUID
    at: AwareDatetime
    by: Actor
    role: Role
    dry_run: SkipJsonSchema[bool] = Field(default=False, exclude=True)

    def fact_id(self, n: int = 0) -> UUID:
        """The id of the n-th event that this command causes: a retry makes the same events."""
        return uuid5(self.id, str(n))

    @property
    def stamp(self) -> dict[str, Any]:
        """`id`, `at` and `by` of the first event that this command causes."""
        return {"id": self.fact_id(), "at": self.at, "by": self.by}


class CorrectEntry(Command):
    """Withdraw an entry of any aggregate; `replacement` holds the fields that stand in its place."""

    type: Literal["CorrectEntry"] = "CorrectEntry"
    of: Aggregate
    of_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    event_id: UUID
    reason: Personal
    replacement: dict[str, JsonValue] | None = None


S = TypeVar("S")
C = TypeVar("C", bound=Command, contravariant=True)


class Decider(Protocol[S, C]):
    def stream(self, command: C) -> str: ...
    def initial(self) -> S: ...
    def evolve(self, state: S, event: Anything) -> S: ...
    def decide(self, state: S, command: C) -> Sequence[Fact]: ...
    def revise(self, state: S, entry: Fact, instead: Fact) -> Fact:
        """What stands in the entry's place; refused when no command could have recorded such values."""


class Store(Protocol):
    """What `transact` needs of a log. `aggregate` is like `session.0199…`."""

    async def load(self, aggregate: str, after: int = 0) -> list[Recorded]: ...

    async def append(
        self, aggregate: str, events: Sequence[Fact], expected: int, command: UUID | None = None
    ) -> int: ...


@dataclass(frozen=True)
class Outcome:
    """How many events the command recorded, and the position of the last in EVENTS."""

    recorded: int
    position: int


@dataclass(frozen=True)
class Folded(Generic[S]):
    state: S
    position: int = 0
    outcomes: dict[UUID, Outcome] = field(default_factory=dict)
    unknown: str = ""  # the type of an event that this version does not know


class Cache(OrderedDict[str, Folded[Any]]):
    """The folded state of the aggregates decided about last, at most `size` of them."""

    def __init__(self, size: int = 2000) -> None:
        super().__init__()
        self.size = size

    def keep(self, aggregate: str, folded: Folded[Any]) -> None:
        self[aggregate] = folded
        self.move_to_end(aggregate)
        while len(self) > self.size:
            self.popitem(last=False)


RETRY_FOR_S = 2.0


def fold(decider: Decider[S, C], history: Iterable[Anything]) -> S:
    return reduce(decider.evolve, history, decider.initial())


@overload
async def transact(
    store: Store, decider: Decider[S, C], command: C, cache: Cache | None = None
) -> Outcome: ...


@overload
async def transact(
    store: Store, decider: Decider[Any, Any], command: CorrectEntry, cache: Cache | None = None
) -> Outcome: ...


async def transact(
    store: Store, decider: Decider[S, C], command: C | CorrectEntry, cache: Cache | None = None
) -> Outcome:
    """Decide and append; a repeated command gets its first result.

    Raises `Refused` with a sentence for the clinician, `Unavailable` when conflicts or time-outs go on
    for two seconds: then nothing is known to be recorded, and the same command may be sent again.
    """
    cache = Cache() if cache is None else cache
    correction = isinstance(command, CorrectEntry)
    aggregate = (
        f"{command.of}.{command.of_id}" if isinstance(command, CorrectEntry) else decider.stream(command)
    )
    deadline = asyncio.get_running_loop().time() + RETRY_FOR_S
    pause = 0.002
    # What is kept of the record is taken at its word where the append will check it; nothing is refused, and
    # nothing called unchanged, before the log was asked what came after.
    sure = correction or command.dry_run or aggregate not in cache
    while True:
        try:
            folded = await _folded(store, decider, aggregate, cache) if sure else cache[aggregate]
            try:
                if command.role != "service":  # an alarm goes on record whatever else the record holds
                    readable(folded)
                if command.id in folded.outcomes:
                    done = folded.outcomes[command.id]
                    return Outcome(0, done.position) if command.dry_run else done
                if isinstance(command, CorrectEntry):
                    history, revise = await store.load(aggregate), partial(decider.revise, folded.state)
                    events: Sequence[Fact] = correct(history, command, revise)
                else:
                    events = decider.decide(folded.state, command)
            except Refused:
                if sure:
                    raise
                events = []
            if not events and not sure:
                sure = True
                continue
            if not events or command.dry_run:
                return Outcome(0, folded.position)
            position = await store.append(aggregate, events, folded.position, command.id)
            outcome = Outcome(len(events), position)
            if not correction:
                state = reduce(decider.evolve, events, folded.state)
                outcomes_now = folded.outcomes | {command.id: outcome}
                cache.keep(aggregate, Folded(state, position, outcomes_now, folded.unknown))
            return outcome
        except (Conflict, TimeoutError) as error:
            sure = True
            # After a time-out the outcome is unknown: what the log then holds says what happened.
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("The record is busy or the log does not answer. Try again.") from error
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 0.25)


async def current(store: Store, decider: Decider[S, C], aggregate: str, cache: Cache) -> Folded[S]:
    """The aggregate's state now. Raises `Refused` when it holds what this version cannot read."""
    return readable(await _folded(store, decider, aggregate, cache))


def readable(folded: Folded[S]) -> Folded[S]:
    if folded.unknown:
        raise Refused(
            f"This record holds an entry that this version of KAP cannot read ({folded.unknown}). "
            "Nothing can be recorded on it until KAP is updated."
        )
    return folded


async def _folded(store: Store, decider: Decider[S, C], aggregate: str, cache: Cache) -> Folded[S]:
    """What the cache holds and what came after it."""
    folded: Folded[S] = cache.get(aggregate) or Folded(decider.initial())
    news = await store.load(aggregate, folded.position)
    if any(isinstance(item.event, EntryCorrected) for item in news) and folded.position:
        folded, news = Folded(decider.initial()), await store.load(aggregate)
    if not news:
        return folded
    unknown = next((item.event.type for item in news if isinstance(item.event, Unknown)), folded.unknown)
    state = reduce(decider.evolve, corrected(news), folded.state)
    folded = Folded(state, news[-1].position, folded.outcomes | outcomes(news), unknown)
    cache.keep(aggregate, folded)
    return folded


def outcomes(history: Iterable[Recorded]) -> dict[UUID, Outcome]:
    """What each command in this history recorded."""
    found: dict[UUID, Outcome] = {}
    for item in history:
        if item.command is not None:
            count = found[item.command].recorded + 1 if item.command in found else 1
            found[item.command] = Outcome(count, item.position)
    return found


def correct(
    history: Sequence[Recorded], command: CorrectEntry, revise: Callable[[Fact, Fact], Fact]
) -> list[Fact]:
    """Withdraw an entry: only its author or a prescriber may, once, and never what the system recorded.

    What stands in its place passes `revise`, which refuses values that could not have been recorded.
    """
    entries: dict[UUID, Fact] = {}
    for item in history:
        if isinstance(item.event, EntryCorrected):
            entries.pop(item.event.event_id, None)
            if (stands := substitute(item.event)) is not None:
                entries[stands.id] = stands
        elif isinstance(item.event, Fact):
            entries[item.event.id] = item.event
    entry = entries.get(command.event_id)
    if entry is None:
        raise Refused("There is no such entry, or it was corrected before.")
    if history and entry is history[0].event and command.replacement is None:
        raise Refused("The entry that opened this record cannot be withdrawn; correct it instead.")
    if isinstance(entry, PersonForgotten):
        raise Refused("A forgotten person stays forgotten: their key is gone.")
    if not entry.by.startswith("staff:"):
        raise Refused("This entry was made by the system and cannot be corrected by hand.")
    may_correct(command, entry.by)
    replacement = None
    if command.replacement is not None:
        instead = _instead(entry, command)
        not_in_the_future(instead.at, entry.at, command)
        replacement = revise(entry, instead).model_dump(mode="json")
    return [
        EntryCorrected(
            **command.stamp,
            of=command.of,
            of_id=command.of_id,
            event_id=command.event_id,
            reason=command.reason,
            replacement=replacement,
        )
    ]


def may_correct(command: CorrectEntry, made_by: Actor | None) -> None:
    if command.by != made_by and command.role != "prescriber":
        raise Refused("Only the person who made an entry, or a prescriber, may correct it.")


def not_in_the_future(at: datetime, was: datetime, command: CorrectEntry) -> None:
    if at > max(was, command.at):
        raise Refused("The time given is in the future.")


def _instead(entry: Fact, command: CorrectEntry) -> Fact:
    """The entry that stands in this one's place: who vouched for what, and whose it is, stay as they were."""
    original, said = entry.model_dump(mode="json"), command.replacement or {}
    for name in sorted(entry.kept):
        if said.get(name, original[name]) != original[name]:
            what = name.replace("_", " ")
            raise Refused(f"A correction cannot change the {what}: withdraw the entry and record it anew.")
    key = f"{entry.aggregate}_id" if f"{entry.aggregate}_id" in original else entry.aggregate
    fixed = {"type": original["type"], "id": str(command.fact_id(1)), "by": command.by, key: original[key]}
    body = {"at": original["at"]} | said | fixed | {name: original[name] for name in entry.kept}
    try:
        event = decode(json.dumps(body).encode())
    except NotAnEvent as error:
        raise Refused(f"The corrected entry is not complete or not possible: {_wrong(error)}.") from error
    if not isinstance(event, Fact):
        raise Refused("The corrected entry is not of a known kind.")
    return event


def _wrong(error: NotAnEvent) -> str:
    """Each wrong field and what it should be; never its value, which may be a person's."""
    if not isinstance(error.__cause__, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(path)} {message}" for path, message in wrong(error.__cause__))

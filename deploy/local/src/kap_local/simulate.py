"""`kap simulate`: N patients, from their first visit to their integration, on a KAP that runs."""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any
from urllib.parse import urlsplit

import nats
import typer
from kap.events.session import Route
from kap.tasks import ended
from rich.console import Console
from rich.table import Table

from kap_local import run_file
from kap_local.clinic_client import Staff, sign_in_all
from kap_local.failure import Failure
from kap_local.logs import NOTICE
from kap_local.physiology import PROVOKES, Event
from kap_local.simulation import (
    ATTACHED_MIN,
    OPENED_MIN,
    TRY_FOR_S,
    Clock,
    Person,
    Played,
    Treatment,
    anyone,
    person,
)
from kap_local.slips import SINCE_MIN, SLIPS
from kap_local.up import until_asked

console = Console(highlight=False, soft_wrap=True)

# The demo's six patients, in minutes after the dose when it starts, and what will happen to them while
# somebody watches; and the two who were there before them.
DEMO: list[tuple[float, tuple[Event, ...]]] = [
    (17, (Event("desaturation", 18.5),)),
    (-6, ()),
    (38, (Event("probe_off", 40),)),
    (66, ()),
    (5, (Event("hypertension", 7),)),
    (112, ()),
]
SOON_MIN = 2  # an event that is asked for comes so many minutes after the start
EVENT_SINCE_MIN = 15  # to a patient who got the dose so long ago
# room, minutes since their dose, a day ago; one with Spravato, whose REMS form waits to be sent
FINISHED: list[tuple[int, float, Route | None]] = [(7, 135.0, None), (8, 195.0, "spravato")]
USERS = "demo_users.json"  # the sign-ins of a demo whose data folder is kept


@dataclass(frozen=True)
class Booking:
    """Who comes into which room, and when the dose is given. `on`: when one has gone home, the next comes."""

    who: Person
    room: str
    dosed_at: datetime
    on: bool = False
    slip: str | None = None


async def simulate_all(
    run: dict[str, Any],
    bookings: list[Booking],
    *,
    seed: int,
    clock: Clock,
    users: list[dict[str, str]],
    alone: bool = False,
) -> Played:
    """Plays until all have gone home, or until asked to stop; `alone`: nobody else plays on this KAP."""
    played = Played()
    staff = await sign_in_all(run["http"], users, TRY_FOR_S)
    if alone:
        await end_leftovers(staff["nurse"])
    devices = await nats.connect(
        run["gateway"], name="simulator", inbox_prefix="_INBOX_device-gateway", max_reconnect_attempts=-1
    )

    async def play(n: int, booking: Booking) -> None:
        mllp = urlsplit(run["mllp"])
        while True:
            await Treatment(
                who=booking.who,
                room=booking.room,
                dosed_at=booking.dosed_at,
                staff=staff,
                devices=devices,
                clinic=run["clinic"],
                mllp=(mllp.hostname or "127.0.0.1", mllp.port or 2575),
                clock=clock,
                random=Random(f"{seed}/{n}/play"),
                played=played,
                slip=booking.slip,
            ).play()
            if not booking.on:
                return
            n += len(bookings)
            soon = clock.now() + timedelta(minutes=-OPENED_MIN + 1)
            booking = Booking(person(seed, n), booking.room, soon, on=True)

    async def play_all() -> None:
        async with asyncio.TaskGroup() as group:
            for n, booking in enumerate(bookings):
                group.create_task(play(n, booking))
            if alone:
                group.create_task(tell_past(played, len(bookings)))

    playing = asyncio.create_task(play_all())
    try:
        with until_asked() as asked:
            stopping = asyncio.create_task(asked.wait())
            await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        if playing.done():
            playing.result()
    except* Failure as failures:
        raise first(failures) from None
    finally:
        await ended(playing)
        await devices.close()
        for one in staff.values():
            await one.close()
    return played


async def tell_past(played: Played, patients: int) -> None:
    """How far the past has come, on the console of `kap demo`: its page answers before anybody is on it."""
    told, there = -1, 0
    while told < patients:
        if there > told:
            told = there
            said = f"{there} of {patients}" if there < patients else "all are there"
            said = f"playing the past of {patients} patients: {said}"
            print(json.dumps({"level": NOTICE, "message": said}), flush=True)
        await asyncio.sleep(1)
        there = len(played.arrived)


def first(failures: BaseExceptionGroup[Failure]) -> Failure:
    one = failures.exceptions[0]
    return first(one) if isinstance(one, BaseExceptionGroup) else one


def users_of(run: dict[str, Any], file: Path | None) -> list[dict[str, str]]:
    if file is not None:
        try:
            users: list[dict[str, str]] = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise Failure(
                f"--users {file} should be a JSON list of username, password, role: {error}"
            ) from error
        return users
    if "users" not in run:
        raise Failure(
            "The passwords of this data folder were shown when it was new. Give a nurse's, a therapist's "
            "and a prescriber's with --users FILE, a JSON list of {username, password, role}."
        )
    known: list[dict[str, str]] = run["users"]
    return known


def simulate(
    patients: Annotated[int, typer.Argument(min=1, max=24, help="How many patients, one a room.")] = 3,
    data: Annotated[Path, typer.Option(help="The data folder that `kap up` runs on.")] = Path("data"),
    seed: Annotated[int, typer.Option(help="The same seed gives the same patients.")] = 1,
    speed: Annotated[
        float, typer.Option(min=0, help="Past time played so many times as fast; 0 = the past at once.")
    ] = 0,
    since: Annotated[
        float,
        typer.Option(
            help="Minutes ago that the first patient got the dose; the others follow. "
            "Without it that patient is just being admitted, or with --event where it happens soon."
        ),
    ] = 0,
    apart: Annotated[float, typer.Option(min=0, help="Minutes between two patients.")] = 4,
    event: Annotated[
        str | None,
        typer.Option(
            help="Provoke an alarm or a refusal with the first patient; `--event list` says what there is."
        ),
    ] = None,
    first_room: Annotated[int, typer.Option(min=1, help="The room of the first patient.")] = 1,
    users: Annotated[Path | None, typer.Option(help="Sign-ins, when run.json has none any more.")] = None,
    forever: Annotated[bool, typer.Option(help="When one goes home, the next comes.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Play patients on a running KAP: staff over HTTP, monitors over HL7.

    What lies in the past is declared as such (`at`, `backfilled`); the rest is played in real time.
    """
    if event == "list":
        console.print(provoked())
        return
    if event is not None and event not in (*PROVOKES, *SLIPS):
        raise Failure(
            f"--event {event!r} is not known: it should be one of {', '.join((*PROVOKES, *SLIPS))}."
        )
    logging.basicConfig(level=logging.WARNING)
    run = run_file.read(data)
    now = datetime.now(UTC)
    since = since or since_for(event)
    # without a past the first patient is just being admitted
    first = now - timedelta(minutes=since) if since else now + timedelta(minutes=-OPENED_MIN)
    bookings: list[Booking] = []
    for n in range(patients):
        dosed_at = first + timedelta(minutes=apart * n)
        who, slip = person(seed, n), None
        if n == 0 and event in SLIPS:
            who, slip = anyone(seed, n), event
        for kind in PROVOKES:
            if n == 0 and kind == event:
                at_min = max(0.5, (now - dosed_at).total_seconds() / 60 + SOON_MIN)
                who = person(seed, n, "intramuscular", (Event(kind, at_min),))
        bookings.append(Booking(who, str(first_room + n), dosed_at, forever, slip))
    start = min([now, first + timedelta(minutes=ATTACHED_MIN)])
    clock = Clock(start, speed)
    played = asyncio.run(simulate_all(run, bookings, seed=seed, clock=clock, users=users_of(run, users)))
    report = {"patients": played.patients, "commands": played.commands, "backfilled": played.backfilled}
    if json_:
        print(json.dumps(report | {"monitor_answers": played.answers, "refused": played.refused}))
    else:
        console.print(
            f"{played.patients} patients, {played.commands} commands, {played.backfilled} readings of the "
            f"past, monitors answered {played.answers or 'nothing'}"
        )
        for said in played.refused:
            console.print(said)


def since_for(event: str | None) -> float:
    """How many minutes ago the dose was, so that what is asked for comes soon; 0: just being admitted."""
    if event in SLIPS:
        return SINCE_MIN.get(SLIPS[event].step, 0)
    return EVENT_SINCE_MIN if event is not None else 0


def provoked() -> Table:
    table = Table("--event", "what it provokes", box=None)
    for kind, alarms in PROVOKES.items():
        table.add_row(kind, alarms)
    for name, slip in SLIPS.items():
        table.add_row(name, f"refused: … {slip.told} …")
    return table


def demo_bookings(seed: int, now: datetime) -> list[Booking]:
    bookings = [
        Booking(person(seed, n, force=events), str(n + 1), now - timedelta(minutes=minute), on=True)
        for n, (minute, events) in enumerate(DEMO)
    ]
    for room, minutes, route in FINISHED:
        # yesterday, so that the integration visit has been too
        dosed = now - timedelta(days=1, minutes=minutes)
        bookings.append(Booking(person(seed, room, route), str(room), dosed))
    return bookings


def play_demo(data: Path, seed: int) -> None:
    """What the demo's own process plays until it is stopped."""
    logging.basicConfig(level=logging.WARNING)
    run, now = run_file.read(data), datetime.now(UTC)
    kept = data / USERS
    users = users_of(run, kept if kept.exists() else None)
    asyncio.run(
        simulate_all(run, demo_bookings(seed, now), seed=seed, clock=Clock(now), users=users, alone=True)
    )


async def end_leftovers(nurse: Staff) -> None:
    """Sessions that an earlier process played: their rooms are needed."""
    for session in await nurse.get("/api/sessions", state="open"):
        await nurse.send(
            "session",
            "AbortSession",
            datetime.now(UTC),
            session_id=session["session_id"],
            reason="The simulation was stopped.",
        )

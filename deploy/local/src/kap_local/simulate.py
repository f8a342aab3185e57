"""`kap simulate`: N patients, from their first visit to their integration, on a KAP that runs."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

import nats
import typer
from nats.aio.client import Client
from rich.console import Console

from kap_local import run_file
from kap_local.clinic_client import Staff, sign_in_all
from kap_local.failure import Failure
from kap_local.physiology import Event, Kind
from kap_local.simulation import ATTACHED_MIN, OPENED_MIN, STAY_MIN, Clock, Person, Played, Treatment, person

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
FINISHED = [(7, 260.0), (8, 320.0)]  # room, minutes since their dose


async def simulate_all(
    run: dict[str, Any],
    patients: list[tuple[Person, str, datetime]],
    *,
    seed: int,
    speed: float,
    start: datetime,
    users: list[dict[str, str]],
    forever: bool,
) -> Played:
    """Plays each (person, room, time of the dose); `forever`, another comes when one has gone home."""
    staff = await sign_in_all(run["http"], users)
    devices = await nats.connect(
        run["gateway"], name="simulator", inbox_prefix="_INBOX_device-gateway", max_reconnect_attempts=-1
    )
    played = Played()
    clock = Clock(start, speed)
    try:
        async with asyncio.TaskGroup() as group:
            for n, (who, room, dosed_at) in enumerate(patients):
                group.create_task(
                    play_room(
                        run,
                        staff,
                        devices,
                        who,
                        room,
                        dosed_at,
                        clock,
                        played,
                        seed,
                        n,
                        len(patients),
                        forever,
                    )
                )
    except* Failure as failures:
        raise failures.exceptions[0] from None
    finally:
        await devices.close()
        for one in staff.values():
            await one.close()
    return played


async def play_room(
    run: dict[str, Any],
    staff: dict[str, Staff],
    devices: Client,
    who: Person,
    room: str,
    dosed_at: datetime,
    clock: Clock,
    played: Played,
    seed: int,
    n: int,
    rooms: int,
    forever: bool,
) -> None:
    mllp = urlsplit(run["mllp"])
    while True:
        treatment = Treatment(
            who=who,
            room=room,
            dosed_at=dosed_at,
            staff=staff,
            devices=devices,
            clinic=run["clinic"],
            mllp=(mllp.hostname or "127.0.0.1", mllp.port or 2575),
            clock=clock,
            random=Random(f"{seed}/{n}/play"),
            played=played,
        )
        await treatment.play()
        if not forever:
            return
        n += rooms
        who = person(seed, n)
        dosed_at = clock.now() + timedelta(minutes=-OPENED_MIN + 1)


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
        float, typer.Option(help="Minutes ago that the first patient got the dose; the others follow.")
    ] = 0,
    apart: Annotated[float, typer.Option(min=0, help="Minutes between two patients.")] = 4,
    event: Annotated[
        str | None,
        typer.Option(help=f"Happens to the first patient in two minutes: {', '.join(get_args(Kind))}."),
    ] = None,
    first_room: Annotated[int, typer.Option(min=1, help="The room of the first patient.")] = 1,
    users: Annotated[Path | None, typer.Option(help="Sign-ins, when run.json has none any more.")] = None,
    forever: Annotated[bool, typer.Option(help="When one goes home, the next comes.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Play patients on a running KAP: staff over HTTP, monitors over HL7.

    What lies in the past is declared as such (`at`, `backfilled`); the rest is played in real time.
    """
    if event is not None and event not in get_args(Kind):
        raise Failure(f"--event {event!r} is not known: it should be one of {', '.join(get_args(Kind))}.")
    logging.basicConfig(level=logging.WARNING)
    run = run_file.read(data)
    now = datetime.now(UTC)
    # without a past the first patient is just being admitted
    first = now - timedelta(minutes=since) if since else now + timedelta(minutes=-OPENED_MIN)
    chosen: list[tuple[Person, str, datetime]] = []
    for n in range(patients):
        dosed_at = first + timedelta(minutes=apart * n)
        happens: tuple[Event, ...] = ()
        if event is not None and n == 0:
            kind: Kind = next(k for k in get_args(Kind) if k == event)
            happens = (Event(kind, max(0.5, (now - dosed_at).total_seconds() / 60 + 2)),)
        chosen.append((person(seed, n, force=happens), str(first_room + n), dosed_at))
    start = min([now, first + timedelta(minutes=ATTACHED_MIN)])
    played = asyncio.run(
        simulate_all(
            run, chosen, seed=seed, speed=speed, start=start, users=users_of(run, users), forever=forever
        )
    )
    report = {"patients": played.patients, "commands": played.commands, "backfilled": played.backfilled}
    if json_:
        print(json.dumps(report | {"monitor_answers": played.answers}))
    else:
        console.print(
            f"{played.patients} patients, {played.commands} commands, {played.backfilled} readings of the "
            f"past, monitors answered {played.answers or 'nothing'}"
        )


def demo_patients(seed: int, now: datetime) -> list[tuple[Person, str, datetime]]:
    patients = [
        (person(seed, n, force=events), str(n + 1), now - timedelta(minutes=minute))
        for n, (minute, events) in enumerate(DEMO)
    ]
    for room, minutes in FINISHED:
        # long enough ago that the stay and the way home are over, and yesterday for the integration visit
        dosed = now - timedelta(days=1, minutes=minutes - STAY_MIN)
        patients.append((person(seed, room), str(room), dosed))
    return patients


def play_demo(data: Path, seed: int) -> None:
    """What the demo's own process plays until it is stopped."""
    logging.basicConfig(level=logging.WARNING)
    run = run_file.read(data)
    now = datetime.now(UTC)
    asyncio.run(
        simulate_all(
            run,
            demo_patients(seed, now),
            seed=seed,
            speed=0,
            start=now,
            users=users_of(run, None),
            forever=True,
        )
    )


async def end_leftovers(run: dict[str, Any], users: list[dict[str, str]]) -> None:
    """Sessions of an earlier demo on the same data: nobody plays them any more."""
    staff = await sign_in_all(run["http"], users)
    for session in await staff["nurse"].get("/api/sessions", state="open"):
        await staff["nurse"].send(
            "session",
            "AbortSession",
            datetime.now(UTC),
            session_id=session["session_id"],
            reason="The simulation was stopped.",
        )
    for one in staff.values():
        await one.close()

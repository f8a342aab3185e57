"""Queries: open sessions, alarms and devices from the live board; history from the read models."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from asyncpg import Pool
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from projections import queries
from projections.gateway import Gateway, Viewer
from projections.people import NO_SUCH
from projections.session_detail import SessionDetail
from projections.session_view import Session
from projections.web.answers import HISTORY, NO_HISTORY, Declined, Here, SignedIn, may_read

routes = APIRouter(prefix="/api", tags=["queries"])
log = logging.getLogger("kap.http")

T = TypeVar("T")
Json = dict[str, Any]
State = Annotated[Literal["open", "all"], Query()]
Since = Annotated[AwareDatetime | None, Query(description="Opened, or begun, at this time or later")]

FOUND_AT_MOST = 50


async def history(gateway: Gateway, query: Callable[[Pool], Awaitable[T]]) -> T:
    """What a query of the read models says; 503 when Postgres cannot answer it now."""
    if gateway.database is None:
        raise Declined(503, HISTORY)
    try:
        return await query(gateway.database)
    except NO_HISTORY as error:
        log.warning("a history query failed", extra={"reason": type(error).__name__})
        raise Declined(503, HISTORY) from error


def live(gateway: Gateway) -> list[Session]:
    """The sessions on the board; 503 while it is catching up, as half a board would look like a whole one."""
    if not gateway.board.ready.is_set():
        raise Declined(503, "The board is catching up with the record. Try again in a moment.")
    return gateway.board.sessions


def presented(gateway: Gateway, viewer: Viewer, session: Session) -> Json:
    return gateway.present(session, "wall" if viewer.wall else "staff")


def found(item: T | None, no_such: str) -> T:
    if item is None:
        raise Declined(404, NO_SUCH[no_such])
    return item


# ---- sessions


@routes.get("/sessions", summary="Sessions, the newest first", dependencies=[may_read("sessions")])
async def sessions(gateway: Here, viewer: SignedIn, state: State = "open", since: Since = None) -> list[Json]:
    board = {str(s.session_id): presented(gateway, viewer, s) for s in live(gateway)}
    if state == "open":
        now = [s for s in board.values() if s["state"] == "open"]
    else:
        found = await history(gateway, lambda db: queries.sessions(db, "all", since))
        past = await gateway.show(found, viewer)
        now = [*board.values(), *(s for s in past if s["session_id"] not in board)]
    return sorted(now, key=lambda s: str(s["opened_at"]), reverse=True)


@routes.get(
    "/sessions/{session_id}",
    summary="One session, with what its forms need: its rules, overrides, checks, signatures, observations",
    dependencies=[may_read("sessions")],
    responses={200: {"model": SessionDetail}},
)
async def session(session_id: UUID, gateway: Here, viewer: SignedIn) -> Json:
    one = next((presented(gateway, viewer, s) for s in live(gateway) if s.session_id == session_id), None)
    if one is None:
        past = await history(gateway, lambda db: queries.session(db, session_id))
        one = found(past, "session_id")
    more = (await gateway.details(session_id)).model_dump(mode="json")
    shown: Json = await gateway.show(one | more, viewer)
    return shown


@routes.get(
    "/sessions/{session_id}/timeline",
    summary="What was entered, readings by hand among it, in order",
    description="The header KAP-Position says up to where the timeline holds the log, corrections too.",
    dependencies=[may_read("timeline")],
)
async def timeline(session_id: UUID, gateway: Here, viewer: SignedIn, response: Response) -> list[Json]:
    patient_id = found(gateway.directory.owner(session_id), "session_id")
    response.headers["KAP-Position"] = str(await history(gateway, queries.timeline_position))
    facts = await history(gateway, lambda db: queries.timeline(db, session_id))
    typed = await history(gateway, lambda db: queries.by_hand(db, session_id))
    items = sorted([*facts, *typed], key=lambda item: datetime.fromisoformat(item["at"]))
    shown: list[Json] = await gateway.show(items, viewer, patient_id)
    return shown


@routes.get(
    "/sessions/{session_id}/vitals",
    summary="Each signal's series: least, mean and greatest of each step; gaps are missing points",
    dependencies=[may_read("vitals")],
)
async def vitals(
    session_id: UUID,
    gateway: Here,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    to: AwareDatetime | None = None,
    points: Annotated[int, Query(ge=1, le=queries.POINTS)] = 500,
) -> Json:
    found(gateway.directory.owner(session_id), "session_id")
    return await history(gateway, lambda db: queries.vitals(db, session_id, since, to, points))


@routes.get(
    "/sessions/{session_id}/tasks",
    summary="What the session asks to be done afterwards, answered or not",
    dependencies=[may_read("worklist")],
)
async def tasks(session_id: UUID, gateway: Here, viewer: SignedIn) -> list[Json]:
    patient_id = found(gateway.directory.owner(session_id), "session_id")
    asked = await history(gateway, lambda db: queries.tasks(db, patient_id, session_id))
    shown: list[Json] = await gateway.show(asked, viewer, patient_id)
    return shown


@routes.get("/alarms", summary="Alarms with their session and room", dependencies=[may_read("alarms")])
async def alarms(gateway: Here, viewer: SignedIn, state: State = "open", since: Since = None) -> list[Json]:
    if state == "all":
        past: list[Json] = await gateway.show(
            await history(gateway, lambda db: queries.alarms(db, "all", since)), viewer
        )
        return past
    return [
        alarm | {"session_id": one["session_id"], "room": one["room"], "patient_id": one["patient_id"]}
        for one in (presented(gateway, viewer, s) for s in live(gateway) if s.state == "open")
        for alarm in one["alarms"]
    ]


@routes.get(
    "/devices", summary="Every monitor heard from, attached or not", dependencies=[may_read("devices")]
)
async def devices(gateway: Here) -> list[Json]:
    known = gateway.devices()
    if known is None:
        raise Declined(503, "The session monitor is silent: which devices send is not known right now.")
    return known


# ---- the clinic


@routes.get(
    "/clinic",
    summary="Its rooms, and its protocols: what each asks of a patient, and who signed it off",
    dependencies=[may_read("clinic")],
)
async def clinic(gateway: Here, viewer: SignedIn) -> Json:
    live(gateway)
    own = gateway.directory.facts.clinic
    rooms = [room.model_dump(mode="json") for room in own.rooms]
    protocols = [protocol.model_dump(mode="json") for protocol in own.protocols]
    return {"rooms": rooms, "protocols": await gateway.show(protocols, viewer)}


# ---- patients and their courses of treatment


@routes.get(
    "/patients",
    summary="Patients by number or by the beginnings of their names; without a search the newest",
    dependencies=[may_read("patients")],
)
async def patients(gateway: Here, search: Annotated[str, Query(max_length=80)] = "") -> Json:
    matches = gateway.people.search(search, FOUND_AT_MOST + 1)
    return {
        "patients": [
            {"patient_id": str(p.patient_id), "number": p.number, "name": p.name, "birth_year": p.birth_year}
            for p in matches[:FOUND_AT_MOST]
        ],
        "more": len(matches) > FOUND_AT_MOST,
    }


@routes.get("/patients/{patient_id}", summary="One patient", dependencies=[may_read("patients")])
async def patient(patient_id: UUID, gateway: Here, viewer: SignedIn) -> Json:
    person = found(gateway.directory.person(patient_id), "patient_id")
    one = found(gateway.people.found(patient_id), "patient_id")
    shown: Json = await gateway.show(
        {
            "patient_id": str(patient_id),
            "number": one.number,
            "name": one.name,
            "birth_year": one.birth_year,
            "sex_at_birth": None if person.forgotten else person.sex_at_birth,
            "contact": None if person.forgotten else person.contact,
            "forgotten": person.forgotten,
        },
        viewer,
    )
    return shown


@routes.get(
    "/patients/{patient_id}/outcomes", summary="Every measure over time", dependencies=[may_read("outcomes")]
)
async def outcomes(patient_id: UUID, gateway: Here, viewer: SignedIn) -> Json:
    past = await history(gateway, lambda db: queries.outcomes(db, patient_id))
    shown: Json = await gateway.show(found(past, "patient_id"), viewer)
    return shown


@routes.get(
    "/courses",
    summary="Courses of treatment, the newest first; one patient's alone",
    dependencies=[may_read("courses")],
)
async def courses(gateway: Here, viewer: SignedIn, patient_id: UUID | None = None) -> list[Json]:
    past = await history(gateway, lambda db: queries.courses(db, patient_id))
    shown: list[Json] = await gateway.show(past, viewer)
    return shown


@routes.get(
    "/courses/{course_id}",
    summary="One course, with its sessions and care plans",
    dependencies=[may_read("courses")],
)
async def course(course_id: UUID, gateway: Here, viewer: SignedIn) -> Json:
    past = await history(gateway, lambda db: queries.course(db, course_id))
    shown: Json = await gateway.show(found(past, "course_id"), viewer)
    return shown


@routes.get("/worklist", summary="What is due, the most urgent first", dependencies=[may_read("worklist")])
async def worklist(gateway: Here, viewer: SignedIn) -> list[Json]:
    shown: list[Json] = await gateway.show(await history(gateway, queries.worklist), viewer)
    return shown

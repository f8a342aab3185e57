"""What the HTTP API answers from Postgres, as JSON-ready objects. Names and free text are still sealed.

Every function raises what `read_model.away` knows when Postgres is gone; nothing live depends on them.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
from kap.events.fact import Aggregate
from kap.events.vitals import SIGNALS

from projections.read_models import MODELS

Json = dict[str, Any]
Pool = asyncpg.Pool

ROWS = 1000  # that one answer holds at most; a fuller one is logged
TIMELINE_ROWS = 5000
POINTS = 5000  # that one signal's series holds at most
QUERY_S = 5.0

SESSION = f'"{MODELS["sessions"].name}".session'
FACT = f'"{MODELS["timeline"].name}".fact'
READING = f'"{MODELS["vitals"].name}".reading'
WITHDRAWN = f'"{MODELS["vitals"].name}".withdrawn'
MINUTE = f'"{MODELS["vitals"].name}".minute'
COURSE = f'"{MODELS["courses"].name}".course'
PATIENT = f'"{MODELS["courses"].name}".patient'
CARE_PLAN = f'"{MODELS["care_plans"].name}".care_plan'
TASK = f'"{MODELS["care_plans"].name}".task'
BASELINE = f'"{MODELS["care_plans"].name}".baseline'
ALARM = f'"{MODELS["alarms"].name}".alarm'

log = logging.getLogger("kap.queries")


async def pool(database_url: str) -> Pool:
    """For the process that answers: it starts with Postgres away, and its queries end after some seconds."""
    made: Pool = asyncpg.create_pool(
        database_url,
        min_size=0,
        max_size=8,
        timeout=2,
        command_timeout=QUERY_S,
        server_settings={"application_name": "kap gateway", "timezone": "UTC"},
    )
    return await made


# ---- sessions

# The name comes from the patient's own record, so that a forgotten one has none.
_SESSIONS = f"""
select s.document, p.name
from {SESSION} s left join {PATIENT} p on p.id = s.patient_id
"""


async def sessions(
    db: Pool, state: Literal["open", "all"] = "open", since: datetime | None = None
) -> list[Json]:
    """Those that were opened since then."""
    rows = await db.fetch(
        f"{_SESSIONS} where ($1 or s.state = 'open') and ($2::timestamptz is null or s.opened_at >= $2) "
        f"order by s.opened_at desc limit {ROWS}",
        state == "all",
        since,
    )
    return [_named(row) for row in _bounded(rows, ROWS, "sessions")]


async def session(db: Pool, session_id: UUID) -> Json | None:
    row = await db.fetchrow(f"{_SESSIONS} where s.id = $1", session_id)
    return _named(row) if row else None


async def alarms(
    db: Pool, state: Literal["open", "all"] = "open", since: datetime | None = None
) -> list[Json]:
    """With their session and its room, by onset. Open: the condition holds and the session goes on."""
    rows = await db.fetch(
        f"""
        select a.document, s.room, s.patient_id
        from {ALARM} a left join {SESSION} s on s.id = a.session_id
        where ($1 or (a.cleared_at is null and s.state = 'open'))
            and ($2::timestamptz is null or a.onset >= $2)
        order by a.onset desc limit {ROWS}
        """,
        state == "all",
        since,
    )
    return [
        _document(row) | {"room": row["room"], "patient_id": _text(row["patient_id"])}
        for row in _bounded(rows, ROWS, "alarms")
    ]


async def timeline(db: Pool, of_id: UUID, of: Aggregate = "session") -> list[Json]:
    """The record's facts in the order in which they happened; a corrected one with what corrected it."""
    rows = await db.fetch(
        f"""
        select event_id, position, type, at, recorded_at, by, data, corrections from {FACT}
        where aggregate = $1 and aggregate_id = $2 order by at, position limit {TIMELINE_ROWS}
        """,
        of,
        str(of_id),
    )
    return [_item(row) for row in _bounded(rows, TIMELINE_ROWS, "timeline")]


async def timeline_position(db: Pool) -> int:
    """Up to where the timeline holds the log. Asked before the timeline itself: never too much is said."""
    position = await db.fetchval(
        "select position from public.checkpoint where name = $1", MODELS["timeline"].name
    )
    return int(position or 0)


async def by_hand(db: Pool, session_id: UUID) -> list[Json]:
    """The readings that somebody typed, as items of the timeline, at position 0: they are no facts.

    What stands in the place of one has no item of its own, as in the timeline.
    """
    rows = await db.fetch(
        f"select id, observed_at, entered_by, {', '.join(SIGNALS)}, {_CORRECTIONS} from {READING} r "
        "where session_id = $1 and source = 'manual' and not exists "
        f"(select from {WITHDRAWN} w where w.session_id = $1 and w.replaced_by = r.id) "
        f"union all select id, observed_at, entered_by, {', '.join(SIGNALS)}, {_CORRECTIONS} "
        f"from {WITHDRAWN} r where session_id = $1 and first = id "
        f"order by observed_at, id limit {TIMELINE_ROWS}",
        session_id,
    )
    return [
        _item(
            {
                "event_id": row["id"],
                "position": 0,
                "type": "VitalRecorded",
                "at": row["observed_at"],
                "recorded_at": row["observed_at"],
                "by": row["entered_by"],
                "data": json.dumps({"signals": {s: row[s] for s in SIGNALS if row[s] is not None}}),
                "corrections": row["corrections"],
            }
        )
        for row in _bounded(rows, TIMELINE_ROWS, "readings by hand")
    ]


_CORRECTIONS = (
    f"array(select w.correction from {WITHDRAWN} w where w.session_id = $1 and w.first = r.id "
    "order by w.position) as corrections"
)


def _item(row: Mapping[str, Any]) -> Json:
    """Of several corrections the last one counts; the earlier ones are in `earlier`."""
    corrections = [_correction(json.loads(correction)) for correction in row["corrections"]]
    return {
        "event_id": str(row["event_id"]),
        "position": row["position"],
        "type": row["type"],
        "at": row["at"].isoformat(),
        "recorded_at": row["recorded_at"].isoformat(),
        "by": row["by"],
        "by_name": None,
        "data": _nameable(json.loads(row["data"])),
        "withdrawn": bool(corrections),
        "correction": corrections[-1] if corrections else None,
        "earlier": corrections[:-1],
    }


def _correction(correction: Json) -> Json:
    replacement = correction["replacement"]
    return {
        **{key: correction[key] for key in ("at", "by", "reason")},
        "by_name": None,
        "replacement": replacement and _nameable(replacement),
    }


def _nameable(event: Json) -> Json:
    """With room for the names of the staff that it speaks of: the gateway fills them in."""
    return event | {f"{who}_name": None for who in ("by", "responsible", "checked_by") if who in event}


# ---- vitals

STEPS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


async def vitals(
    db: Pool,
    session_id: UUID,
    from_: datetime | None = None,
    to: datetime | None = None,
    points: int = 500,
) -> Json:
    """Every reading when there are no more than `points`, else the least, mean and greatest of each step.

    A step stands at its first reading's time (its first minute's, for steps of minutes). Values of different
    sources are never put together, and a step without a reading is not there: nothing is smoothed.
    """
    points = max(1, min(points, POINTS))
    within = "session_id = $1 and observed_at >= $2 and observed_at <= $3"
    there = await db.fetchrow(
        f"select count(*) as n, min(observed_at) as first, max(observed_at) as last from {READING} "
        "where session_id = $1 and ($2::timestamptz is null or observed_at >= $2) "
        "and ($3::timestamptz is null or observed_at <= $3)",
        session_id,
        from_,
        to,
    )
    if there is None or there["n"] == 0:
        return {"from": _time(from_), "to": _time(to), "resolution_s": 0, "signals": {}}
    first, last = there["first"], there["last"]
    if there["n"] <= points:
        step = 0
        rows = await db.fetch(
            f"select observed_at, source, {', '.join(SIGNALS)} from {READING} where {within} "
            "order by observed_at, id",
            session_id,
            first,
            last,
        )
        series = _each(rows)
    else:
        wanted = (last - first).total_seconds() / points
        step = next((s for s in STEPS_S if s >= wanted), STEPS_S[-1])
        rows = await db.fetch(
            _BY_MINUTE if step % 60 == 0 else _BY_READING,
            session_id,
            first,
            last,
            timedelta(seconds=step),
        )
        series = _steps(rows)
    return {
        "from": _time(from_ or first),
        "to": _time(to or last),
        "resolution_s": step,
        "signals": series,
    }


_BY_READING = f"""
select source, date_bin($4, observed_at, 'epoch') as step,
    {
    ", ".join(
        f"min(observed_at) filter (where {s} is not null) as {s}_t, "
        f"min({s}) as {s}_min, avg({s}) as {s}_mean, max({s}) as {s}_max"
        for s in SIGNALS
    )
}
from {READING} where session_id = $1 and observed_at >= $2 and observed_at <= $3
group by 1, 2 order by 2, 1
"""

_BY_MINUTE = f"""
select source, date_bin($4, minute, 'epoch') as step,
    {
    ", ".join(
        f"min(minute) filter (where {s}_n > 0) as {s}_t, min({s}_min) as {s}_min, "
        f"(sum({s}_sum) / nullif(sum({s}_n), 0))::float8 as {s}_mean, max({s}_max) as {s}_max"
        for s in SIGNALS
    )
}
from {MINUTE} where session_id = $1
    and minute >= date_bin('1 minute', $2::timestamptz, 'epoch') and minute <= $3
group by 1, 2 order by 2, 1
"""


def _each(rows: Iterable[asyncpg.Record]) -> Json:
    series: Json = {}
    for row in rows:
        t = _ms(row["observed_at"])
        for signal in SIGNALS:
            if (value := row[signal]) is not None:
                _add(series, signal, t, value, value, value, row["source"])
    return series


def _steps(rows: Iterable[asyncpg.Record]) -> Json:
    series: Json = {}
    for row in rows:
        for s in SIGNALS:
            if (t := row[f"{s}_t"]) is not None:
                values = (row[f"{s}_min"], row[f"{s}_mean"], row[f"{s}_max"])
                _add(series, s, _ms(t), *values, row["source"])
    return series


def _add(series: Json, signal: str, t: int, least: float, mean: float, most: float, source: str) -> None:
    of = series.get(signal)
    if of is None:
        of = series[signal] = {"t": [], "min": [], "mean": [], "max": [], "source": []}
    of["t"].append(t)
    of["min"].append(least)
    of["mean"].append(mean)
    of["max"].append(most)
    of["source"].append(source)


# ---- courses and what follows them

_COURSES = f"""
select c.document, p.document as patient
from {COURSE} c left join {PATIENT} p on p.id = c.patient_id
"""

_SHOWN = ("number", "name", "birth_year", "sex_at_birth", "forgotten")


async def courses(db: Pool, patient_id: UUID | None = None) -> list[Json]:
    """Newest first, each with its patient's number, sealed name, birth year and sex at birth."""
    rows = await db.fetch(
        f"{_COURSES} where $1::uuid is null or c.patient_id = $1 order by c.opened_at desc limit {ROWS}",
        patient_id,
    )
    return [_with_patient(row) for row in _bounded(rows, ROWS, "courses")]


async def course(db: Pool, course_id: UUID) -> Json | None:
    """With its sessions and care plans, oldest first."""
    row = await db.fetchrow(f"{_COURSES} where c.id = $1", course_id)
    if row is None:
        return None
    held = await db.fetch(f"{_SESSIONS} where s.course_id = $1 order by s.opened_at limit {ROWS}", course_id)
    plans = await db.fetch(
        f"select document from {CARE_PLAN} where course_id = $1 order by id limit {ROWS}", course_id
    )
    found = _with_patient(row, "contact")
    return (
        found
        | {"cleared": [_nameable(fact) for fact in found["cleared"]]}
        | {"sessions": [_named(row) for row in held]}
        | {"care_plans": sorted((_document(row) for row in plans), key=lambda p: str(p["planned_at"]))}
    )


async def outcomes(db: Pool, patient_id: UUID) -> Json | None:
    """Every measure of the patient in the order of time, and the sessions between them."""
    patient = await db.fetchrow(f"select document from {PATIENT} where id = $1", patient_id)
    if patient is None:
        return None
    baselines = await db.fetch(f"select document from {BASELINE} where patient_id = $1", patient_id)
    plans = await db.fetch(f"select document from {CARE_PLAN} where patient_id = $1", patient_id)
    held = await db.fetch(
        f"select document from {SESSION} where patient_id = $1 order by opened_at limit {ROWS}", patient_id
    )
    found: list[Json] = []
    for baseline in map(_document, baselines):
        for assessed in baseline["assessed"]:
            found += _measures(assessed, assessed["measures"], "assessment", baseline, None)
    for plan in map(_document, plans):
        for visit in plan["held"]:
            found += _measures(visit, visit["measures"], "integration", plan, visit["visit"])
        for recorded in plan["measures"]:
            found += _measures(recorded, [recorded["measure"]], "measure", plan, None)
    return {
        "patient_id": str(patient_id),
        "measures": sorted(found, key=lambda m: datetime.fromisoformat(m["at"])),
        "sessions": [
            {key: s[key] for key in ("session_id", "course_id", "opened_at", "ended_at", "state", "doses")}
            for s in map(_document, held)
        ],
    }


def _measures(event: Json, measures: list[Json], source: str, of: Json, visit: int | None) -> list[Json]:
    return [
        measure
        | {
            "at": event["at"],
            "by": event["by"],
            "event_id": event["id"],
            "source": source,
            "course_id": of["course_id"],
            "care_plan_id": of.get("care_plan_id"),
            "visit": visit,
        }
        for measure in measures
    ]


# A visit counts as held when what it is for was recorded on its day or later.
_EARLY = timedelta(hours=12)


async def worklist(db: Pool) -> list[Json]:
    """What is still to be done, the most urgent first: planned visits, integration visits, open tasks.

    `due` may be past, or null for a task without a date; the reader compares it with its own clock.
    """
    open_courses = [
        _with_patient(row)
        for row in await db.fetch(f"{_COURSES} where c.state = 'open' order by c.opened_at limit {ROWS}")
    ]
    opened = await db.fetch(
        f"select s.course_id, max(s.opened_at) as last from {SESSION} s "
        f"join {COURSE} c on c.id = s.course_id where c.state = 'open' group by 1"
    )
    plans = [
        _with_patient(row)
        for row in await db.fetch(
            f"select c.document, p.document as patient from {CARE_PLAN} c "
            f"left join {PATIENT} p on p.id = c.patient_id left join {COURSE} o on o.id = c.course_id "
            f"where c.state = 'open' or o.state = 'open' order by c.id limit {ROWS}"
        )
    ]
    tasks = [
        _with_patient(row)
        for row in await db.fetch(
            f"select t.document, p.document as patient from {TASK} t "
            f"left join {PATIENT} p on p.id = t.patient_id where t.state = 'open' order by t.id limit {ROWS}"
        )
    ]
    dosed = {str(row["course_id"]): row["last"] for row in opened}
    integrated: dict[str, datetime] = {}
    for plan in plans:
        times = [datetime.fromisoformat(visit["at"]) for visit in plan["held"]]
        integrated[plan["course_id"]] = max([*times, integrated.get(plan["course_id"], _NEVER)])
    found = [
        *(item for course in open_courses for item in _planned(course, dosed, integrated)),
        *(item for plan in plans if plan["state"] == "open" for item in _due(plan)),
        *(_task(task) for task in tasks),
    ]
    return sorted(found, key=lambda item: (item["due"] is None, _instant(item["due"])))


_NEVER = datetime.min.replace(tzinfo=UTC)


def _planned(
    course: Json, dosed: Mapping[str, datetime], integrated: Mapping[str, datetime]
) -> Iterable[Json]:
    course_id = course["course_id"]
    prepared = [*course["preparations"], *([course["prepared"]] if course["prepared"] else [])]
    last = {
        "assessment": _instant(course["assessed"] and course["assessed"]["at"]),
        "preparation": max((_instant(fact["at"]) for fact in prepared), default=_NEVER),
        "dosing": dosed.get(course_id, _NEVER),
        "integration": integrated.get(course_id, _NEVER),
    }
    for visit in course["visits"]:
        if last[visit["visit"]] < _instant(visit["planned_for"]) - _EARLY:
            yield _work(
                "visit",
                visit["planned_for"],
                course,
                visit=visit["visit"],
                room=visit["room"],
                id=visit["id"],
            )


def _due(plan: Json) -> Iterable[Json]:
    over = {visit["visit"] for visit in (*plan["held"], *plan["missed"])}
    for number, due in enumerate(plan["visits_due"], start=1):
        if number not in over:
            yield _work("integration", due, plan, visit=number, care_plan_id=plan["care_plan_id"])


async def tasks(db: Pool, patient_id: UUID, session_id: UUID) -> list[Json]:
    """What this session asks to be done, answered or not, the first first."""
    rows = await db.fetch(
        f"select document from {TASK} where patient_id = $1 order by id limit {ROWS}", patient_id
    )
    found = [_document(row) for row in _bounded(rows, ROWS, "tasks")]
    asked = [task for task in found if task["opened"].get("session_id") == str(session_id)]
    return [task | {"answered": task["answered"] and _nameable(task["answered"])} for task in asked]


def _task(task: Json) -> Json:
    opened = task["opened"]
    return _work(
        "task",
        opened["due"],
        task,
        session_id=opened.get("session_id"),
        task_id=task["task_id"],
        task=opened["kind"],
        assigned_to=opened["assigned_to"],
        text=opened["text"],
    )


def _work(kind: str, due: str | None, of: Json, **more: object) -> Json:
    person = {key: of[key] for key in ("patient_id", *_SHOWN)}
    return {"kind": kind, "due": due, "course_id": of.get("course_id"), **person, **more}


# ---- rows to objects


def _document(row: asyncpg.Record) -> Json:
    document: Json = json.loads(row["document"])
    return document


def _named(row: asyncpg.Record) -> Json:
    return _document(row) | {"name": row["name"]}


def _with_patient(row: asyncpg.Record, *more: str) -> Json:
    """The patient's own record may come a moment later than what is about them."""
    patient = json.loads(row["patient"]) if row["patient"] else {}
    return _document(row) | {key: patient.get(key) for key in (*_SHOWN, *more)}


def _bounded(rows: list[Any], limit: int, what: str) -> list[Any]:
    if len(rows) == limit:
        log.warning("a query reached its bound", extra={"query": what, "rows": limit})
    return rows


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()


def _instant(value: str | None) -> datetime:
    return _NEVER if value is None else datetime.fromisoformat(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _ms(value: datetime) -> int:
    return round(value.timestamp() * 1000)

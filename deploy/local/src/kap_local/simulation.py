"""Simulated treatments: each patient's whole way, with the staff's steps over HTTP and a monitor over MLLP.

What lies in the past is declared so: commands carry a past `at`, readings go through `kap.ingest` marked
`backfilled`. From now on it is played in real time, one message a second, as a bedside monitor does it.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal, get_args
from uuid import UUID

from kap.events.session import Route
from kap.ids import uuid7
from kap.protocol import defaults
from nats.aio.client import Client
from nats.errors import Error as NatsError

from kap_local import physiology
from kap_local.bedside_monitor import BedsideMonitor
from kap_local.clinic_client import Staff
from kap_local.failure import Failure
from kap_local.physiology import Bedside, Body, Event, Shown
from kap_local.slips import SLIPS, Slip, Step

log = logging.getLogger("kap.simulation")

ROUTES: tuple[Route, ...] = get_args(Route)
FIRST = (
    "Ada Ben Cleo Dario Edda Finn Greta Hugo Ines Jonas Kira Leo Mara Nils Olga Paul Rosa Sven Vera".split()
)
LAST = (
    "Abend Birke Calm Dorn Eller Falk Grimm Hain Ilm Jahn Kranz Linde Moor Nagel Ohm Pfau Quell Sand".split()
)

ROOMS = [str(n) for n in range(1, 9)]  # that a new clinic has

OPENED_MIN, ATTACHED_MIN, CHECKED_MIN = -20.0, -15.0, -4.0  # before the dose
EARLY_MIN, LAST_LOOK_MIN, STAY_MIN = 60.5, 123.0, 125.0
PAST_EVERY_S = 5.0  # a sample each so many seconds of a declared past; live it is one each second
LIVE_WITHIN_S = 2.0
CHUNK = 500
ANSWER_S = 5.0
TRY_FOR_S = 60.0  # a service that is started again is back within
PLANNED_WITHIN_S = 30.0
SETTLED_S = 4.0  # a refusal to leave that stays the same for so long is the gate's last word


@dataclass
class Clock:
    """Simulated time: starts in the past and runs `speed` times as fast until it meets the real one."""

    start: datetime
    speed: float = 0.0  # 0: be at the present at once
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        real = datetime.now(UTC)
        if self.speed <= 0:
            return real
        return min(real, self.start + (real - self.began) * self.speed)

    async def until(self, at: datetime) -> None:
        while (left := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - the wall clock may jump
            await asyncio.sleep(min(left / max(self.speed, 1.0), 1.0) + 0.002)


@dataclass(frozen=True)
class Person:
    """An invented patient; the same seed gives the same."""

    name: str
    number: str
    birth_year: int
    sex: Literal["female", "male"]
    body: Body


def person(seed: int, n: int, route: Route | None = None, force: tuple[Event, ...] = ()) -> Person:
    random = Random(f"{seed}/{n}")
    chosen: Route = route or random.choices(ROUTES, (5, 2, 2, 2))[0]
    body = physiology.draw(random, chosen, force)
    return Person(
        name=f"{random.choice(FIRST)} {random.choice(LAST)}",
        number=f"{random.randint(100, 9999):04d}",
        birth_year=2026 - body.age,
        sex=random.choice(("female", "male")),
        body=body,
    )


def anyone(seed: int, n: int) -> Person:
    """A patient whom every question is for and every gate."""
    return replace(person(seed, n, "intramuscular"), sex="female", birth_year=1990)


@dataclass
class Played:
    """What was played, for the report."""

    patients: int = 0
    commands: int = 0
    backfilled: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # what was provoked, in the server's words
    arrived: set[UUID] = field(default_factory=set)  # patients whose past is told


@dataclass
class Treatment:
    """One person's way through one session in one room, the dose at `dosed_at`."""

    who: Person
    room: str
    dosed_at: datetime
    staff: dict[str, Staff]
    devices: Client  # a connection that may publish kap.ingest
    clinic: str
    mllp: tuple[str, int]
    clock: Clock
    random: Random
    played: Played
    patient_id: UUID = field(default_factory=uuid7)
    course_id: UUID = field(default_factory=uuid7)
    session_id: UUID = field(default_factory=uuid7)
    slip: str | None = None  # what the staff get wrong once

    def __post_init__(self) -> None:
        self.noise = Random(self.random.getrandbits(64))  # the monitor's own: it runs beside the steps
        self.monitored = asyncio.Event()  # to the end of the stay
        self.monitored_to = self.at(ATTACHED_MIN)
        self.step_at = self.at(ATTACHED_MIN)  # of the next step: a past is told in its order

    @property
    def device(self) -> str:
        return f"0012340000000{int(self.room):03d}" if self.room.isdigit() else f"SIM-{self.room}"

    def at(self, minute: float) -> datetime:
        return self.dosed_at + timedelta(minutes=minute)

    async def send(
        self,
        role: str,
        owner: Literal["intake", "session", "integration"],
        type: str,
        at: datetime,
        **fields: Any,
    ) -> None:
        await self.staff[role].send(owner, type, at, **fields)
        self.played.commands += 1

    def slip_at(self, step: Step) -> Slip | None:
        slip = SLIPS[self.slip] if self.slip is not None else None
        return slip if slip is not None and slip.step == step else None

    async def refused(
        self,
        role: str,
        owner: Literal["intake", "session", "integration"],
        type: str,
        at: datetime,
        **fields: Any,
    ) -> None:
        """Send what must not be done, and keep the sentence that refuses it."""
        try:
            await self.staff[role].send(owner, type, at, **fields)
        except Failure as refused:
            self.played.refused.append(str(refused))
            log.warning("room %s: %s", self.room, refused)
        else:
            raise Failure(f"{type} should have been refused: {self.slip}.")

    async def play(self) -> None:
        """From the first visit to the integration, as far as time has come; then on in real time."""
        await self.prepare()
        await self.clock.until(self.at(OPENED_MIN))
        session = {"session_id": str(self.session_id)}
        nurse = self.staff["nurse"]
        await self.send(
            "nurse",
            "session",
            "OpenSession",
            self.at(OPENED_MIN),
            **session,
            course_id=str(self.course_id),
            room=self.room,
        )
        await self.send(
            "nurse",
            "session",
            "ChangeResponsible",
            self.at(OPENED_MIN),
            **session,
            responsible=f"staff:{nurse.id}",
        )
        await self.clock.until(self.at(ATTACHED_MIN))
        await self.send(
            "nurse", "session", "AttachDevice", self.at(ATTACHED_MIN), **session, device_id=self.device
        )
        async with asyncio.TaskGroup() as both:  # the stay goes on until the last reading is in
            both.create_task(self.monitor())
            for minute, step in self.steps():
                self.step_at = self.at(minute)
                await self.clock.until(self.step_at)
                while self.monitored_to < self.step_at < self.live_from():  # noqa: ASYNC110 - time passes too
                    await asyncio.sleep(0.02)
                await step(self.step_at)
        await self.follow_up()
        self.played.arrived.add(self.patient_id)
        self.played.patients += 1

    def live_from(self) -> datetime:
        """What was before is told of, what is later is sent as it happens."""
        return datetime.now(UTC) - timedelta(seconds=LIVE_WITHIN_S + 1)

    async def free_number(self) -> None:
        """A number names one patient: another is drawn while somebody in the clinic has this one."""
        draws = Random(f"{self.who.name} {self.who.number}")
        while True:
            found = await self.staff["nurse"].get("/api/patients", search=self.who.number)
            if all(patient["number"] != self.who.number for patient in found["patients"]):
                return
            self.who = replace(self.who, number=f"{draws.randint(100, 9999):04d}")

    async def prepare(self) -> None:
        await self.free_number()
        who, body = self.who, self.who.body
        drawn = {"patient_id": str(self.patient_id)}
        course = {"course_id": str(self.course_id)}
        day = timedelta(days=1)
        first = self.dosed_at - 14 * day
        await self.send(
            "nurse",
            "intake",
            "RegisterPatient",
            first,
            **drawn,
            name=who.name,
            number=who.number,
            birth_year=who.birth_year,
            sex_at_birth=who.sex,
        )
        await self.send("nurse", "intake", "OpenCourse", first, **drawn, **course, indication="depression")
        assessment: dict[str, Any] = {
            **course,
            "verdict": "eligible",
            "findings": [{"rule": "trd", "standing": "note"}],
            "absent": await self.asked_but("trd"),
            "measures": [{"instrument": "phq-9", "total": self.random.randint(14, 23)}],
            "weight_kg": body.weight_kg,
            "goals": "To sleep through the night again.",
            "route": body.route,
            "protocol": body.route,
        }
        assessed = first + timedelta(hours=1)
        if slip := self.slip_at("assessed"):
            wrong = slip.wrong | {
                "absent": await self.asked_but(*(f["rule"] for f in slip.wrong["findings"]))
            }
            await self.refused("prescriber", "intake", "Assess", assessed, **(assessment | wrong))
        await self.send("prescriber", "intake", "Assess", assessed, **assessment)
        if self.slip_at("consented"):
            await self.open_early(course)
        await self.send(
            "nurse", "intake", "GiveConsent", first + 2 * day, **course, document="consent-2026-1"
        )
        await self.send(
            "therapist",
            "intake",
            "RecordPreparation",
            first + 3 * day,
            **course,
            text="Spoke about set, setting and touch.",
            topics=["set-and-setting"],
        )
        if self.slip_at("prepared"):
            await self.open_early(course)
        await self.send(
            "therapist", "intake", "Prepare", first + 7 * day, **course,
            intentions="To meet the fear without running.",
            education=True, safety_plan="Calls the sister, then the clinic.",
            ride="The sister, by car.", fasting_explained=True,
        )  # fmt: skip
        await self.send(
            "nurse",
            "intake",
            "PlanVisit",
            first + 8 * day,
            **course,
            visit="dosing",
            planned_for=self.dosed_at.isoformat(),
            room=self.room if self.room in ROOMS else None,
        )

    async def asked_but(self, *found: str) -> list[str]:
        """Everything else that the clinic's protocol asks about: this person has none of it."""
        clinic = await self.staff["nurse"].get("/api/clinic")
        [rules] = [p["eligibility"] for p in clinic["protocols"] if p["name"] == self.who.body.route]
        asked = [*rules["rules"], *(f"drug.{drug}" for drug in rules["interacting_drugs"])]
        return [rule for rule in asked if rule not in found]

    async def open_early(self, course: dict[str, str]) -> None:
        session = {"session_id": str(self.session_id), "room": self.room}
        at = min(self.at(OPENED_MIN), datetime.now(UTC))
        await self.refused("nurse", "session", "OpenSession", at, **session, **course)

    def steps(self) -> list[tuple[float, Callable[[datetime], Awaitable[None]]]]:
        """The nurse's steps, in minutes after the dose."""
        session = {"session_id": str(self.session_id)}
        body = self.who.body

        async def check(at: datetime) -> None:
            pressure = physiology.cuff(body, CHECKED_MIN, self.random)
            right = {
                "systolic": min(139, int(pressure["systolic"])),
                "diastolic": min(89, int(pressure["diastolic"])),
                "heart_rate": round(body.heart_rate),
                "spo2": max(93, round(body.spo2)),
                **WELL_TODAY,
            }
            if self.slip_at("unchecked"):
                await self.refused("nurse", "session", "GiveDose", at, **session, dose=amount(body))
            slip = self.slip_at("checked")
            if slip is not None:
                await self.send("nurse", "session", "CheckPreDose", at, **session, **(right | slip.wrong))
                await self.refused("nurse", "session", "GiveDose", at, **session, dose=amount(body))
            await self.send("nurse", "session", "CheckPreDose", at, **session, **right)
            if slip is not None and slip.gate is not None:
                await self.send(
                    "prescriber", "session", "OverrideGate", at, **session,
                    gate=slip.gate, reason="Measured again by me.",
                )  # fmt: skip

        async def dose(at: datetime) -> None:
            given = amount(body)
            if slip := self.slip_at("given"):
                await self.refused("nurse", "session", "GiveDose", at, **session, dose=given | slip.wrong)
            token = {}
            if protocol.dose.second_check:
                second = self.staff["prescriber"]
                checked = await self.staff["nurse"].checked_by(second, session["session_id"], given)
                token = {"check_token": checked}
            await self.send("nurse", "session", "GiveDose", at, **session, dose=given, **token)
            if self.slip_at("twice"):
                await self.refused("nurse", "session", "GiveDose", at, **session, dose=given)

        def observe(minute: float) -> Callable[[datetime], Awaitable[None]]:
            async def step(at: datetime) -> None:
                scores = physiology.observation(body, minute, self.random)
                await self.send("nurse", "session", "RecordObservation", at, **session, **scores)

            return step

        going = {**session, **WELL_AFTER, "escort": "The sister."}

        async def early(at: datetime) -> None:
            await self.refused("nurse", "session", "Discharge", at, **going)

        async def leave(at: datetime) -> None:
            await self.monitored.wait()
            if slip := self.slip_at("leaving"):
                if slip.seen:
                    await self.send("nurse", "session", "RecordObservation", at, **session, **slip.seen)
                await self.refused("nurse", "session", "Discharge", at, **(going | slip.wrong))
                if slip.seen:
                    await self.send("nurse", "session", "RecordObservation", at, **session, **AWAKE)
            await self.send("prescriber", "session", "SignDischarge", at, **session)
            if not await self.left(at, going):  # as a prescriber would, who has seen the patient
                for point in MAY_LAST:
                    await self.send(
                        "prescriber", "session", "OverrideGate", at, **session,
                        gate=f"discharge.{point}", reason="Seen by me: may leave.",
                    )  # fmt: skip
                await self.send("nurse", "session", "Discharge", at, **going)

        protocol = next(p for p in defaults() if p.route == body.route)
        due = protocol.expected
        checks = sorted({*due.checks_min, *due.moaas_min, *due.dissociation_min})
        steps: list[tuple[float, Callable[[datetime], Awaitable[None]]]] = [(CHECKED_MIN, check), (0.0, dose)]
        looks = [e.at_min + m for e in body.events for m in physiology.LOOKED_AT_MIN.get(e.kind, ())]
        steps += [(m, observe(m)) for m in (*checks, *looks, LAST_LOOK_MIN) if m < STAY_MIN]
        if self.slip_at("early"):
            steps.append((EARLY_MIN, early))
        return [*sorted(steps, key=lambda s: s[0]), (STAY_MIN, leave)]

    async def left(self, at: datetime, going: dict[str, Any]) -> bool:
        """Whether the gate opens. The monitor's last words are judged a moment later: ask until it stays."""
        said, since = "", 0.0
        while True:
            try:
                await self.send("nurse", "session", "Discharge", at, **going)
                return True
            except Failure as refused:
                now = asyncio.get_running_loop().time()
                if str(refused) != said:
                    said, since = str(refused), now
                elif now - since > SETTLED_S:
                    self.played.refused.append(said)
                    return False
            await asyncio.sleep(0.5)

    async def follow_up(self) -> None:
        """The integration visit on the next day, when that is past already."""
        visit = self.at(STAY_MIN) + timedelta(hours=20)
        if visit > self.clock.now():
            return
        plan = await self.care_plan()
        await self.send(
            "therapist", "integration", "RecordIntegration", visit, care_plan_id=plan, visit=1,
            themes="The sea, and being carried.", practices="Ten minutes of writing each morning.",
            measures=[{"instrument": "phq-9", "total": self.random.randint(4, 12)}],
        )  # fmt: skip

    async def care_plan(self) -> str:
        """It follows the discharge by itself, and is shown a moment later."""
        end = asyncio.get_running_loop().time() + PLANNED_WITHIN_S
        while asyncio.get_running_loop().time() < end:
            course = await self.staff["therapist"].get(f"/api/courses/{self.course_id}")
            for plan in course["care_plans"]:
                if plan["session_id"] == str(self.session_id):
                    return str(plan["care_plan_id"])
            await asyncio.sleep(0.2)
        raise Failure(f"No care plan followed the discharge from room {self.room}.")

    async def monitor(self) -> None:
        """The bedside monitor: what is past in bulk and declared, what is now each second over MLLP."""
        sent, end = self.at(ATTACHED_MIN), self.at(STAY_MIN)
        shows = Bedside(self.who.body, self.dosed_at, sent, self.noise)
        bedside = BedsideMonitor(*self.mllp, self.device, self.who.number)
        try:
            while sent < end:
                now = self.clock.now()
                if sent < self.live_from():
                    readings: list[dict[str, Any]] = []
                    until = min(end, now - timedelta(seconds=LIVE_WITHIN_S))
                    if not bedside.answers:  # a past is told in its order: no further than the steps are
                        until = min(until, self.step_at)
                    while sent < until and len(readings) < CHUNK:
                        if shown := shows.at(sent):
                            values = shown.values | (shown.cuff[1] if shown.cuff and shown.measured else {})
                            readings.append({"device_time": sent.isoformat(), "signals": values})
                        sent += timedelta(seconds=PAST_EVERY_S)
                    if readings:
                        await self.ingest(readings)
                    elif sent == self.monitored_to:
                        await asyncio.sleep(0.02)
                    self.monitored_to = sent
                    continue
                if shown := shows.at(now):
                    bedside.number = shown.number or self.who.number
                    code = await bedside.send(now + shown.skew, shown.values, skewed(shown))
                    if code != "AA":
                        log.warning("the monitor of room %s was answered %s", self.room, code)
                sent = self.monitored_to = max(sent, now)
                self.played.arrived.add(self.patient_id)
                await asyncio.sleep(max(0.05, 1 - (datetime.now(UTC) - now).total_seconds()))
            self.monitored.set()
        finally:
            await bedside.close()
            for code, count in bedside.answers.items():
                self.played.answers[code] = self.played.answers.get(code, 0) + count

    async def ingest(self, readings: list[dict[str, Any]]) -> None:
        body = {
            "device_id": self.device,
            "sent_at": datetime.now(UTC).isoformat(),
            "backfilled": True,
            "readings": readings,
        }
        answer = await self.answered(json.dumps(body).encode())
        refused = [a for a in answer.get("answers", []) if a["status"] not in ("recorded", "repeated")]
        if "answers" not in answer or refused:
            raise Failure(f"Backfilled readings were refused: {refused[:1] or answer}")
        self.played.backfilled += len(readings)

    async def answered(self, body: bytes) -> dict[str, Any]:
        """The same request again while nobody takes it: what was recorded is not recorded twice."""
        end = asyncio.get_running_loop().time() + TRY_FOR_S
        while True:
            answer: dict[str, Any]
            try:
                reply = await self.devices.request(f"kap.ingest.{self.clinic}.vitals", body, timeout=ANSWER_S)
                answer = json.loads(reply.data)
            except (NatsError, TimeoutError) as error:
                answer = {"unavailable": type(error).__name__}
            if (task := asyncio.current_task()) and task.cancelling():
                raise asyncio.CancelledError  # nats-py's wait_for may lose a cancel (Python 3.11)
            if "unavailable" not in answer or asyncio.get_running_loop().time() > end:
                return answer
            await asyncio.sleep(0.5)


def skewed(shown: Shown) -> tuple[datetime, dict[str, float]] | None:
    """The last cuff pressure with its time by the monitor's own clock."""
    return (shown.cuff[0] + shown.skew, shown.cuff[1]) if shown.cuff is not None else None


# What the nurse is told on the day, and sees at its end.
WELL_TODAY: dict[str, Any] = {
    "fasting": True,
    "hours_fasted": 6,
    "hours_without_fluids": 3,
    "ride_arranged": True,
    "intoxicated": False,
    "pregnancy_excluded": True,
    "urinary_symptoms": False,
    "suicidal_ideation_new": False,
    "drugs_changed": False,
}
WELL_AFTER: dict[str, Any] = {
    "instructions_given": True,
    "oriented": True,
    "steady_gait": True,
    "nausea_tolerable": True,
    "ride_present": True,
    "suicidal_ideation_new": False,
    "aldrete": {"activity": 2, "respiration": 2, "circulation": 2, "consciousness": 2, "spo2": 2},
}
AWAKE = {"moaas": 5, "dissociation": 0, "nausea": 0, "pain": 0}
MAY_LAST = ("alarms", "blood_pressure", "spo2", "dissociation", "awake")  # longer than the usual stay


def amount(body: Body) -> dict[str, Any]:
    """A usual dose of the route, in mg."""
    match body.route:
        case "intramuscular":
            volume = round(body.weight_kg * 0.8 / 50, 1)  # 0.8 mg/kg of 50 mg/mL
            return {
                "drug": "ketamine",
                "route": body.route,
                "milligrams": round(volume * 50, 1),
                "concentration_mg_per_ml": 50,
                "volume_ml": volume,
                "lot": "SIM-001",
                "site": "deltoid-left",
            }
        case "sublingual":
            return {"drug": "ketamine", "route": body.route, "milligrams": 200, "lot": "SIM-002"}
        case "intranasal":
            return {
                "drug": "ketamine",
                "route": body.route,
                "milligrams": 50,
                "concentration_mg_per_ml": 100,
                "volume_ml": 0.5,
                "lot": "SIM-003",
            }
        case "spravato":
            return {"drug": "esketamine", "route": body.route, "milligrams": 84, "lot": "SIM-004"}

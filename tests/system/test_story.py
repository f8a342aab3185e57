"""The system's story: one patient's whole way through real HL7, HTTP and WebSocket, and what surrounds it."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
import pytest_asyncio
from kap.events.intake import PatientRegistered
from kap.events.session import AlarmRaised, Dosed, SessionOpened
from kap.events.vitals import VitalRecorded
from kap.ids import uuid7
from kap_local.clinic_client import Staff
from kap_local.failure import Failure
from kap_local.guard import Guard
from kap_local.simulation import OPENED_MIN, Played, anyone
from kap_local.slips import SLIPS
from nats.aio.client import Client

from tests.system.clinic import (
    DOSE,
    KAP,
    PRE_DOSE,
    Bed,
    Json,
    Kap,
    Line,
    Viewer,
    admit,
    everything,
    instant,
    leave,
    running_kap,
    treatment,
    until,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(150)]

NAME = "Perpetua Wintergreen"


@pytest.fixture(scope="module")
def kap(guard: Guard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kap]:
    with running_kap(guard, tmp_path_factory.mktemp("story")) as kap:
        yield kap


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def staff(kap: Kap) -> AsyncIterator[dict[str, Staff]]:
    async with kap.staff() as staff:
        yield staff


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def devices(kap: Kap) -> AsyncIterator[Client]:
    async with kap.nats("gateway") as devices:
        yield devices


async def eventually(ask: Any, holds: Any, what: str, seconds: float = 10) -> Any:
    """The answer of a query, once it is as it should be: read models follow a moment later."""
    end = time.monotonic() + seconds
    while not holds(answer := await ask()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}: {answer}"
        await asyncio.sleep(0.05)
    return answer


async def refused(who: Staff, owner: Any, kind: str, **fields: Any) -> str:
    """The sentence that this command is refused with."""
    body = {"type": kind, "id": str(uuid7()), "at": datetime.now(UTC).isoformat(), **fields}
    reply = await who.http.post(f"/api/commands/{owner}", json=body)
    assert reply.status_code == 409, reply.text
    sentence = reply.json()["refused"]
    assert " " in sentence and sentence.endswith(".") and "{" not in sentence, sentence
    return str(sentence)


async def test_one_patients_whole_way(kap: Kap, staff: dict[str, Staff], devices: Client) -> None:
    nurse, therapist = staff["nurse"], staff["therapist"]
    async with Viewer(nurse).watching() as viewer:
        bed = await admit(kap, staff, devices, "1")
        session: Json = {"session_id": bed.session_id}

        async def now(kind: str, **fields: Any) -> Json:
            return await nurse.send("session", kind, datetime.now(UTC), **session, **fields)

        # nothing is given before the pre-dose check
        assert await refused(nurse, "session", "GiveDose", **session, dose=DOSE) == (
            "The session has no pre-dose check."
        )
        await now("CheckPreDose", **PRE_DOSE)
        await now("GiveDose", dose=DOSE)
        again = await refused(nurse, "session", "GiveDose", **session, dose=DOSE)
        me = await nurse.get("/api/me")
        assert again.startswith(f"200 mg ketamine were given by {me['name']} "), again

        # vitals from the bedside are on the screen within a second
        line = Line(kap, bed.device, bed.who.number)
        for value in (71, 72, 73):
            sent = time.monotonic()
            await line.say({"heart_rate": value, "spo2": 97, "respiratory_rate": 14})
            await viewer.value(bed.session_id, "heart_rate", value, 1)
            assert time.monotonic() - sent < 1
        card = viewer.sessions[bed.session_id]
        assert (card["number"], card["name"], card["room"]) == (bed.who.number, bed.who.name, "1")
        assert [dose["dose"]["milligrams"] for dose in card["doses"]] == [200]
        assert viewer.latest[bed.session_id]["spo2"]["value"] == 97

        # too little oxygen sounds, somebody says that they have seen it, it ends
        await line.say({"heart_rate": 74, "spo2": 79, "respiratory_rate": 14})
        raised = await viewer.alarm(bed.session_id, "AlarmRaised", 2, signal="spo2")
        assert (raised["priority"], raised["value"], raised["late"]) == ("high", 79, False)
        open_now = await nurse.get("/api/alarms")
        assert [a["alarm_id"] for a in open_now if a["session_id"] == bed.session_id] == [raised["alarm_id"]]
        await now("AcknowledgeAlarm", alarm_id=raised["alarm_id"])
        seen = await viewer.alarm(bed.session_id, "AlarmAcknowledged", alarm_id=raised["alarm_id"])
        assert seen["by"] == f"staff:{nurse.id}"
        shown = next(a for a in viewer.sessions[bed.session_id]["alarms"])
        assert (shown["state"], shown["acknowledged_by"]) == ("acknowledged", f"staff:{nurse.id}")
        assert shown["acknowledged_by_name"] and shown["acknowledged_at"]
        await line.say({"heart_rate": 74, "spo2": 97, "respiratory_rate": 14})
        # over once it was well for as long as the protocol says
        await viewer.alarm(bed.session_id, "AlarmCleared", 20, alarm_id=raised["alarm_id"])
        assert viewer.sessions[bed.session_id]["alarms"] == []

        # a wrong entry is corrected, and stays to be seen
        await now("RecordObservation", moaas=5, dissociation=8, nausea=0)
        await now("RecordNote", text="Breathes calmly, eyes closed.")
        await now("RecordVitals", signals={"systolic": 131, "diastolic": 82})
        await viewer.value(bed.session_id, "systolic", 131, 2)
        timeline = f"/api/sessions/{bed.session_id}/timeline"

        def entries(of: list[Json], kind: str) -> list[Json]:
            return [item for item in of if item["type"] == kind]

        told = await eventually(
            lambda: nurse.get(timeline), lambda t: entries(t, "NoteRecorded"), "the note in the timeline"
        )
        (observed,) = entries(told, "ObservationRecorded")
        correction = {
            "of": "session", "of_id": bed.session_id, "event_id": observed["event_id"],
            "reason": "It was a 3.", "replacement": {"moaas": 5, "dissociation": 3, "nausea": 0},
        }  # fmt: skip
        stranger = await refused(therapist, "session", "CorrectEntry", **correction)
        assert stranger == "Only the person who made an entry, or a prescriber, may correct it."
        await nurse.send("session", "CorrectEntry", datetime.now(UTC), **correction)
        told = await eventually(
            lambda: nurse.get(timeline),
            lambda t: any(item["withdrawn"] for item in t),
            "the entry struck through",
        )
        (struck,) = (item for item in told if item["withdrawn"])
        assert struck["event_id"] == observed["event_id"] and struck["data"]["dissociation"] == 8
        assert struck["correction"]["reason"] == "It was a 3."
        assert struck["correction"]["replacement"]["dissociation"] == 3
        assert struck["correction"]["by_name"] == struck["by_name"] is not None
        (noted,) = entries(told, "NoteRecorded")
        assert noted["data"]["text"] == "Breathes calmly, eyes closed."

        # home; the care plan follows by itself, the visit is held, the outcome is to be seen
        await leave(staff["prescriber"], bed.session_id, escort="The sister.")
        await until(
            lambda: viewer.sessions[bed.session_id]["state"] == "discharged", "the discharge on the feed"
        )
        ended = await refused(nurse, "session", "RecordObservation", **session, moaas=5)
        assert ended == "The session has ended."
        await line.close()
    course = await eventually(
        lambda: therapist.get(f"/api/courses/{bed.course_id}"), lambda c: c["care_plans"], "the care plan"
    )
    (plan,) = course["care_plans"]
    assert plan["session_id"] == bed.session_id and len(plan["visits_due"]) == 4
    visit = {"care_plan_id": plan["care_plan_id"], "visit": 1}
    await therapist.send(
        "integration", "RecordIntegration", datetime.now(UTC), **visit,
        themes="The sea.", practices="Writing.", measures=[{"instrument": "phq-9", "total": 7}],
    )  # fmt: skip
    assert "already on record" in await refused(
        therapist, "integration", "RecordIntegration", **visit, themes="Again.", measures=[]
    )
    outcomes = await eventually(
        lambda: nurse.get(f"/api/patients/{bed.patient_id}/outcomes"),
        lambda o: len(o["measures"]) == 2,
        "both measures",
    )
    assert [(m["instrument"], m["source"]) for m in outcomes["measures"]] == [
        ("phq-9", "assessment"),
        ("phq-9", "integration"),
    ]
    assert outcomes["measures"][1]["total"] == 7
    assert [s["session_id"] for s in outcomes["sessions"]] == [bed.session_id]
    await every_query_answers(nurse, bed)
    await on_record(kap, bed, plan["care_plan_id"])


async def every_query_answers(nurse: Staff, bed: Bed) -> None:
    """Each of the contract's table, and what is in it of this patient."""
    me = await nurse.get("/api/me")
    assert me["role"] == "nurse" and me["staff_id"] == nurse.id
    assert nurse.id in [one["staff_id"] for one in await nurse.get("/api/staff")]
    assert bed.session_id not in [s["session_id"] for s in await nurse.get("/api/sessions", state="open")]
    assert bed.session_id in [s["session_id"] for s in await nurse.get("/api/sessions", state="all")]
    one = await nurse.get(f"/api/sessions/{bed.session_id}")
    assert (one["state"], one["name"]) == ("discharged", bed.who.name)
    series = await eventually(
        lambda: nurse.get(f"/api/sessions/{bed.session_id}/vitals", points=100),
        lambda v: len(v["signals"].get("heart_rate", {}).get("t", [])) >= 5,
        "the vitals' series",
    )
    assert series["signals"]["heart_rate"]["mean"][:3] == [71, 72, 73]
    assert "manual" in series["signals"]["systolic"]["source"]
    assert bed.course_id in [c["course_id"] for c in await nurse.get("/api/courses")]
    assert (await nurse.get(f"/api/courses/{bed.course_id}"))["name"] == bed.who.name
    work = await nurse.get("/api/worklist")
    assert 2 in [w["visit"] for w in work if w["course_id"] == bed.course_id and w["kind"] == "integration"]
    past = await nurse.get("/api/alarms", state="all")
    (alarm,) = (a for a in past if a["session_id"] == bed.session_id and a["signal"] == "spo2")
    assert alarm["cleared_at"] and alarm["acknowledged_by"] == f"staff:{nurse.id}"
    device = await eventually(  # told once a second
        lambda: device_of(nurse, bed), lambda d: d.get("session_id", "") is None, "the device free again"
    )
    assert (
        device["signals"].keys() == {"heart_rate", "spo2", "respiratory_rate"} and abs(device["skew_s"]) < 1
    )
    paths = (await nurse.http.get("/api/openapi.json")).json()["paths"]
    for path in (
        "/api/login", "/api/me", "/api/feed-ticket", "/api/sessions", "/api/sessions/{session_id}",
        "/api/sessions/{session_id}/timeline", "/api/sessions/{session_id}/vitals", "/api/courses",
        "/api/courses/{course_id}", "/api/patients/{patient_id}/outcomes", "/api/worklist", "/api/alarms",
        "/api/devices", "/api/commands/{owner}",
    ):  # fmt: skip
        assert path in paths, path


async def device_of(nurse: Staff, bed: Bed) -> Json:
    """As session-monitor told of it last; nothing while it did not yet."""
    found: list[Json] = [d for d in await nurse.get("/api/devices") if d["device_id"] == bed.device]
    return found[0] if found else {}


async def on_record(kap: Kap, bed: Bed, plan: str) -> None:
    """What the log holds of it: facts in their order, no word of anybody's, the name sealed."""
    ids = (bed.patient_id, bed.course_id, bed.session_id, plan)
    async with kap.logs() as log:
        facts = [
            item for item in await everything(log, "EVENTS") if any(key.encode() in item.body for key in ids)
        ]
        readings = [
            item.event
            for item in await everything(log, "VITALS")
            if isinstance(item.event, VitalRecorded) and str(item.event.session_id) == bed.session_id
        ]
    kinds = [type(item.event).__name__ for item in facts]
    wanted = [
        "PatientRegistered", "CourseOpened", "Assessed", "ConsentGiven", "PreparationRecorded", "Prepared",
        "SessionOpened", "DeviceAttached", "PreDoseChecked", "Dosed", "AlarmRaised", "AlarmAcknowledged",
        "AlarmCleared", "ObservationRecorded", "EntryCorrected", "Discharged", "CarePlanned", "Integrated",
    ]  # fmt: skip
    assert [kind for kind in kinds if kind in wanted] == wanted
    assert {reading.source for reading in readings} == {"monitor", "manual"}
    bodies = b"".join(item.body for item in facts)
    for word in (bed.who.name, "Breathes calmly", "The sister", "The sea"):
        assert word.encode() not in bodies, word


async def test_who_may_not_is_told_so_and_what_is_wrong_is_named(
    staff: dict[str, Staff], devices: Client, kap: Kap
) -> None:
    nurse = staff["nurse"]
    nowhere = str(uuid4())
    assert await refused(nurse, "session", "RecordNote", session_id=nowhere, text="x") == (
        "There is no such session."
    )
    assert await refused(
        nurse, "session", "OpenSession", session_id=nowhere, course_id=nowhere, room="8"
    ) == ("There is no such course of treatment.")
    patient = {"patient_id": str(uuid4()), "name": NAME, "number": "0500", "birth_year": 1980}
    late = {"type": "RegisterPatient", "id": str(uuid7()), "sex_at_birth": "female", **patient}
    soon = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    reply = await nurse.http.post("/api/commands/intake", json={**late, "at": soon})
    assert (reply.status_code, reply.json()) == (409, {"refused": "The time given is in the future."})
    reply = await nurse.http.post(
        "/api/commands/intake",
        json={**late, "at": datetime.now(UTC).isoformat(), "birth_year": 1790},
    )
    assert reply.status_code == 422 and reply.json()["invalid"][0]["field"] == "birth_year"
    for role in ("wall", "auditor"):
        with pytest.raises(Failure, match=r"RegisterPatient was answered 403: An? .* cannot do this\."):
            await staff[role].send(
                "intake", "RegisterPatient", datetime.now(UTC), **patient, sex_at_birth="female"
            )
    reply = await nurse.http.get(f"/api/sessions/{nowhere}")
    assert reply.status_code == 404 and reply.json()["refused"].endswith(".")


async def test_what_is_sent_twice_is_recorded_once(
    kap: Kap, staff: dict[str, Staff], devices: Client
) -> None:
    bed = await admit(kap, staff, devices, "2")
    body = {
        "type": "RecordObservation", "id": str(uuid7()), "at": datetime.now(UTC).isoformat(),
        "session_id": bed.session_id, "moaas": 4,
    }  # fmt: skip
    answers = await asyncio.gather(
        *(staff["nurse"].http.post("/api/commands/session", json=body) for _ in range(5))
    )
    assert {reply.text for reply in answers} == {answers[0].text} and answers[0].json()["recorded"] == 1
    line = Line(kap, bed.device, bed.who.number)
    sent = line.message(datetime.now(UTC), {"spo2": 96})
    assert await line.tell(sent) == ("AA", "")
    code, text = await line.tell(sent)
    assert code == "AA" and "already on record" in text
    await line.close()
    async with kap.logs() as log:
        facts = [item for item in await everything(log, "EVENTS") if str(item.command) == body["id"]]
        readings = [item for item in await everything(log, "VITALS") if bed.session_id.encode() in item.body]
    assert len(facts) == 1 and len(readings) == 1


async def test_a_limit_alarms_after_its_delay_and_a_shorter_dip_never(
    kap: Kap, staff: dict[str, Staff], devices: Client
) -> None:
    """SpO2 under 90 % for 10 s: four seconds of it raise nothing, and do not count for the next time."""
    bed = await admit(kap, staff, devices, "7")
    line = Line(kap, bed.device, bed.who.number)
    delay = timedelta(seconds=10)
    async with Viewer(staff["nurse"]).watching() as viewer:

        def shown(spo2: float) -> list[tuple[float, datetime]]:
            """When each such value came, and of when it was."""
            mine = [(at, r) for at, r in viewer.readings if r["session_id"] == bed.session_id]
            values = [(at, r) for at, r in mine if r["signals"]["spo2"]["value"] == spo2]
            return [(at, instant(r["observed_at"])) for at, r in values]

        for spo2 in (97, 88, 88, 88, 88, 96, *[89] * 12):
            began = time.monotonic()
            await line.say({"heart_rate": 74, "spo2": spo2, "respiratory_rate": 14})
            await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))
        raised = await viewer.alarm(bed.session_id, "AlarmRaised", rule="spo2.low.high")
        await viewer.value(bed.session_id, "spo2", 89, 1)
        lows = shown(89)
        onset = instant(raised["onset"])
        assert onset == next(of for _, of in lows if of - lows[0][1] >= delay)
        assert (raised["value"], raised["limit"], raised["late"]) == (89, 90, False)
        came = [
            (at, alarm)
            for at, alarm in viewer.alarms
            if (alarm["session_id"], alarm["type"]) == (bed.session_id, "AlarmRaised")
        ]
        (at,) = (at for at, alarm in came if alarm["priority"] != "low")
        assert at - next(at for at, of in lows if of == onset) < 1
        assert len(shown(88)) == 4 and shown(96)
    await line.close()


async def test_a_forgotten_person_is_nobody_and_everything_goes_on(
    kap: Kap, staff: dict[str, Staff], devices: Client
) -> None:
    nurse = staff["nurse"]
    bed = await admit(kap, staff, devices, "3")
    other = await admit(kap, staff, devices, "4")
    await nurse.send("session", "RecordNote", datetime.now(UTC), session_id=bed.session_id, text="A heron.")

    async def texts() -> str:
        answers = [
            await nurse.get(f"/api/patients/{bed.patient_id}"),
            await nurse.get("/api/sessions", state="all"),
            await nurse.get(f"/api/sessions/{bed.session_id}"),
            await nurse.get(f"/api/sessions/{bed.session_id}/timeline"),
            await nurse.get(f"/api/courses/{bed.course_id}"),
            await nurse.get("/api/courses"),
            await nurse.get("/api/worklist"),
        ]
        return json.dumps(answers)

    goals = "To sleep through the night again."
    whole = await eventually(
        texts, lambda t: all(w in t for w in (bed.who.name, "A heron.", goals)), "the person's texts"
    )
    assert whole.count(bed.who.name) >= 4
    async with Viewer(nurse).watching() as viewer:
        assert viewer.sessions[bed.session_id]["name"] == bed.who.name
        admin = next(user for user in kap.run["users"] if user["role"] == "admin")

        async def forget() -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(
                subprocess.run,
                [KAP, "forget", bed.patient_id, "--data", str(kap.data), "--yes", "--json"],
                env={"KAP_USERNAME": admin["username"], "KAP_PASSWORD": admin["password"]},
                capture_output=True,
                text=True,
                timeout=30,
            )

        early = await forget()
        assert early.returncode != 0 and "session in room 3 is open" in early.stderr
        ending = {"session_id": bed.session_id, "reason": "A storm."}
        await nurse.send("session", "AbortSession", datetime.now(UTC), **ending)
        await until(lambda: viewer.sessions[bed.session_id]["state"] == "aborted", "the session's end")
        done = await forget()
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["patient_id"] == bed.patient_id
        await until(
            lambda: viewer.sessions[bed.session_id]["name"] == "[erased]", "the name gone from the feed"
        )
        line = Line(kap, other.device, other.who.number)
        await line.say({"heart_rate": 66})
        await viewer.value(other.session_id, "heart_rate", 66, 1)
        await line.close()
    left = await texts()
    initials = "".join(part[0] for part in bed.who.name.split()) + " " + bed.who.number
    for word in (bed.who.name, initials, "A heron.", "A storm.", "The sister", "Calls the sister"):
        mine = [part for part in left.split("}") if bed.patient_id in part or bed.session_id in part]
        assert not any(word in part for part in mine), word
    assert "A heron." not in left and other.who.name in left
    assert "forgotten" in await refused(
        nurse, "intake", "ChangePatient", patient_id=bed.patient_id, name="Somebody Else"
    )
    await nurse.send(
        "session", "RecordNote", datetime.now(UTC), session_id=other.session_id, text="All well."
    )


# ---- the simulator


def simulate(kap: Kap, *options: str) -> Json:
    done = kap.command("simulate", *options, "--data", str(kap.data), "--json", timeout=90)
    assert done.returncode == 0, done.stderr
    report: Json = json.loads(done.stdout)
    return report


async def test_the_same_seed_plays_the_same_patients(kap: Kap) -> None:
    past = ("--since", "1400", "--seed", "11")  # two nights ago, so that the integration visit has been too
    reports = [
        await asyncio.to_thread(simulate, kap, "2", *past, "--first-room", first) for first in ("30", "40")
    ]
    for report in reports:
        assert report["patients"] == 2 and report["monitor_answers"] == {}
        assert report["backfilled"] == 2 * 140 * 60 / 5  # one reading in five seconds of each stay
    assert reports[0]["commands"] == reports[1]["commands"] >= 2 * 19
    async with kap.logs() as log:
        events, vitals = await everything(log, "EVENTS"), await everything(log, "VITALS")
    played, numbers = [], set()
    for first in (30, 40):
        for n in range(2):
            opened = next(
                item.event
                for item in events
                if isinstance(item.event, SessionOpened) and item.event.room == str(first + n)
            )
            registered = next(
                item.event
                for item in events
                if isinstance(item.event, PatientRegistered) and item.event.patient_id == opened.patient_id
            )
            doses = [
                item.event.dose
                for item in events
                if isinstance(item.event, Dosed) and item.event.session_id == opened.session_id
            ]
            readings = [
                item.event
                for item in vitals
                if isinstance(item.event, VitalRecorded) and item.event.session_id == opened.session_id
            ]
            assert all(reading.backfilled for reading in readings)
            assert not [
                item
                for item in events
                if isinstance(item.event, AlarmRaised)
                and item.event.session_id == opened.session_id
                and not item.event.late
            ], "an alarm of the past would have sounded"
            values = [{name: sample.value for name, sample in r.signals.items()} for r in readings]
            numbers.add(registered.number)
            born = (registered.birth_year, registered.sex_at_birth)
            played.append((born, opened.route, opened.weight_kg, doses, values))
    assert played[:2] == played[2:] and played[0] != played[1]
    assert len(numbers) == 4, "who comes again is another patient here, and a number names one"


async def test_each_slip_is_refused_in_its_words(kap: Kap, staff: dict[str, Staff], devices: Client) -> None:
    """What `kap simulate --event` provokes, played as far as the refusal: no monitor, and no waiting."""

    async def refusals(n: int, name: str) -> list[str]:
        who, yesterday = anyone(5, n), datetime.now(UTC) - timedelta(days=1)
        way = replace(
            treatment(kap, staff, devices, who, str(60 + n)), slip=name, dosed_at=yesterday, played=Played()
        )
        way.monitored.set()
        await way.prepare()
        if way.played.refused:
            return way.played.refused
        session = {"session_id": str(way.session_id)}
        opening = {**session, "course_id": str(way.course_id), "room": way.room}
        await way.send("nurse", "session", "OpenSession", way.at(OPENED_MIN), **opening)
        for minute, step in way.steps():
            if not way.played.refused:
                await step(way.at(minute))
        if SLIPS[name].step != "leaving":  # those have left, as a prescriber let them
            await way.send("nurse", "session", "AbortSession", datetime.now(UTC), **session, reason="Seen.")
        return way.played.refused

    found = await asyncio.gather(*(refusals(n, name) for n, name in enumerate(SLIPS)))
    for (name, slip), said in zip(SLIPS.items(), found, strict=True):
        assert slip.told in said[0], (name, said)


def frames(kap: Kap) -> dict[str, float]:
    """MLLP frames by answer, as session-monitor's metrics count them."""
    with urlopen(f"{kap.run['services']['session-monitor']}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    counted = [line for line in lines if line.startswith("kap_mllp_frames_total{")]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in counted}


async def test_patients_of_now_are_played_live_until_asked_to_stop(
    kap: Kap, staff: dict[str, Staff], guard: Guard
) -> None:
    before = frames(kap)
    out = kap.data.parent / "simulate.log"
    command = [KAP, "simulate", "2", "--since", "30", "--seed", "3", "--first-room", "5", "--json"]
    process = guard.start([*command, "--data", str(kap.data)], log=out)
    try:
        async with Viewer(staff["nurse"]).watching() as viewer:

            def live() -> bool:
                rooms = {key: s["room"] for key, s in viewer.sessions.items() if s["room"] in ("5", "6")}
                times = {key: len(viewer.live(key)) for key in rooms}
                return len(times) == 2 and min(times.values()) >= 8

            await until(live, "eight seconds of two patients' live values", 40)
            for key, one in viewer.sessions.items():
                if one["room"] in ("5", "6"):
                    assert one["state"] == "open" and one["doses"], one["room"]
                    assert {"heart_rate", "respiratory_rate"} <= viewer.latest[key].keys()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 5) == 0, out.read_text()
    finally:
        guard.stop(process, signal.SIGKILL)
    report = json.loads(out.read_text().splitlines()[-1])
    assert report["monitor_answers"].keys() == {"AA"} and report["monitor_answers"]["AA"] >= 12
    after = frames(kap)
    assert {code: after[code] - before.get(code, 0) for code in after if code != "AA"} == {
        code: 0 for code in after if code != "AA"
    }

"""What stands in an entry's place keeps the bounds of a new one, and leaves who vouched for what."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from intake import clinic, course
from integration import care_plan
from kap.decider import CorrectEntry, Decider, Refused, transact
from kap.events import corrected
from kap.events.fact import Fact
from kap.events.intake import Assessed, CourseOpened, Finding, Measure, ProtocolAdopted
from kap.events.integration import CarePlanned, MeasureRecorded
from kap.events.session import DeviceAttached, Discharged, DoseChecked, Dosed, LimitsChanged
from kap.testing import MemoryLog
from session_monitor import session

from tests.deciders.sessions import (
    COURSE,
    DOSES,
    IM,
    NOON,
    PATIENT,
    checked,
    dosed,
    opened,
    overridden,
    stamp,
)
from tests.strategies import NURSE, PRESCRIBER, sealed

DOSE = DOSES["intramuscular"]
given = dosed(2, DOSE)
booster = dosed(40, DOSE)
limited = LimitsChanged(**stamp(3), limits=IM.limits, reason=sealed("reason"))


async def instead(
    decider: Decider[Any, Any], history: list[Fact], entry: Fact, replacement: dict[str, Any]
) -> Any:
    """What then stands in the entry's place."""
    log = MemoryLog()
    aggregate = f"{entry.aggregate}.{entry.aggregate_id}"
    for n, fact in enumerate(history):
        await log.append(aggregate, [fact], n)
    command = CorrectEntry(
        id=uuid4(), at=NOON, by=entry.by, role="nurse", of=entry.aggregate, of_id=entry.aggregate_id,
        event_id=entry.id, reason=sealed("reason"), replacement=replacement,
    )  # fmt: skip
    await transact(log, decider, command)
    [found] = [e for e in corrected(await log.load(aggregate)) if getattr(e, "id", 0) == command.fact_id(1)]
    return found


async def refused(*correction: Any) -> str:
    with pytest.raises(Refused) as refusal:
        await instead(*correction)
    return str(refusal.value)


def im(mg: float, **changes: Any) -> dict[str, Any]:
    drawn = {"milligrams": mg, "mg_per_kg": None, "concentration_mg_per_ml": 100, "volume_ml": mg / 100}
    return {"dose": DOSE.model_copy(update=drawn | changes).model_dump(mode="json")}


async def test_a_corrected_dose_is_one_that_could_have_been_given() -> None:
    story: list[Fact] = [opened(), checked(), given]
    right = await instead(session, story, given, im(60))
    assert isinstance(right, Dosed) and right.dose.milligrams == 60
    for wrong, why in (
        (im(5000, volume_ml=10), "not possible: dose.milligrams should be at most 2000."),
        (im(300), "300 mg at 70 kg is 4.29 mg/kg, and 4 mg/kg or more: this is never given"),
        (im(70, volume_ml=7.0), "7 mL of 100 mg/mL are 700 mg, ten times the 70 mg entered"),
        (im(70, lot=None), "The lot number is missing."),
        (im(70, route="sublingual"), "This session is intramuscular; the dose is sublingual."),
    ):
        assert why in await refused(session, story, given, wrong)


async def test_a_corrected_dose_counts_with_the_others_and_not_with_itself() -> None:
    story: list[Fact] = [opened(), checked(), given, booster]
    assert await instead(session, story, given, im(200))
    assert "the 70 mg given before: this is the most" in await refused(session, story, given, im(220))


async def test_a_corrected_entry_is_neither_of_the_future_nor_of_before_the_session() -> None:
    story: list[Fact] = [opened(), checked(), given]
    earlier = given.at - timedelta(minutes=1)
    assert (await instead(session, story, given, im(70) | {"at": earlier.isoformat()})).at == earlier
    for days, why in ((3000, "in the future"), (-3000, "before the session opened")):
        at = (NOON + timedelta(days=days)).isoformat()
        assert f"The time given is {why}." == await refused(session, story, given, im(70) | {"at": at})


async def test_a_correction_puts_no_other_monitor_on_the_patient() -> None:
    attached = DeviceAttached(**stamp(1), device_id="M1")
    assert "cannot change the device id" in await refused(
        session, [opened(), attached], attached, {"device_id": "M2"}
    )


async def test_a_small_spravato_dose_stays_corrigible_though_a_dose_ends_the_override() -> None:
    half = DOSES["spravato"].model_copy(update={"milligrams": 28.0})
    entry = dosed(2, half)
    story: list[Fact] = [opened("spravato"), checked(), overridden("dose.amount"), entry]
    other = half.model_copy(update={"lot": "L-2"}).model_dump(mode="json")
    assert (await instead(session, story, entry, {"dose": other})).dose.lot == "L-2"


async def test_a_pressure_that_nobody_has_is_no_correction() -> None:
    check = checked()
    wrong = check.model_dump(mode="json") | {"systolic": 500}
    assert "not complete" in await refused(session, [opened(), check], check, wrong)
    turned = check.model_dump(mode="json") | {"systolic": 118, "diastolic": 174}
    assert await refused(session, [opened(), check], check, turned) == (
        "This cannot be right: 118/174 is not possible."
    )


async def test_corrected_limits_keep_the_hard_bounds() -> None:
    wide = IM.limits.model_dump(mode="json") | {"spo2": []}
    correction = {"limits": wide, "reason": sealed("replacement.reason")}
    assert (await refused(session, [opened(), limited], limited, correction)).startswith(
        "SpO₂ must alarm with high priority under 85 % or earlier"
    )


async def test_nobody_s_check_is_written_in_by_hand() -> None:
    story: list[Fact] = [opened(), checked(), given]
    by_hand = im(60) | {"checked_by": PRESCRIBER}
    assert await refused(session, story, given, by_hand) == (
        "A correction cannot change the checked by: withdraw the entry and record it anew."
    )
    vouched = given.model_copy(update={"checked_by": PRESCRIBER, "confirmed": True})
    story = [opened(), checked(), vouched]
    same = await instead(session, story, vouched, im(70, lot="K-2"))
    assert (same.checked_by, same.confirmed) == (PRESCRIBER, True)
    other = await instead(session, story, vouched, im(60))
    assert (other.checked_by, other.confirmed) == (None, True)  # nobody has checked 60 mg
    check = DoseChecked(**stamp(1, PRESCRIBER), dose=DOSE, role="prescriber")
    assert "cannot change the dose" in await refused(session, [opened(), check], check, im(60))


async def test_a_session_s_rules_and_a_discharge_s_open_points_stay() -> None:
    opening = opened()
    assert "cannot change the rules" in await refused(session, [opening], opening, {"rules": None})
    assert "cannot change the weight kg" in await refused(session, [opening], opening, {"weight_kg": 399})
    moved = await instead(session, [opening], opening, {"room": "4"})
    assert (moved.room, moved.weight_kg, moved.rules) == ("4", opening.weight_kg, opening.rules)
    left = Discharged(**stamp(130), course_id=COURSE, patient_id=PATIENT, not_met=["stay"])
    assert "cannot change the not met" in await refused(session, [opening, left], left, {"not_met": []})


async def test_another_verdict_is_another_assessment() -> None:
    whose: dict[str, Any] = {"at": NOON, "by": NURSE, "course_id": COURSE}
    start = CourseOpened(id=uuid4(), **whose, patient_id=PATIENT, indication="trd")
    found = Finding(rule="preg", standing="hard_stop")
    entry = Assessed(
        id=uuid4(), **whose, verdict="ineligible", findings=[found], weight_kg=70,
        route="intramuscular", protocol="intramuscular",
    )  # fmt: skip
    story: list[Fact] = [start, entry]
    same = {"findings": [found.model_dump(mode="json")]}
    assert (await instead(course, story, entry, same | {"weight_kg": 71})).weight_kg == 71
    assert "cannot change the verdict" in await refused(
        course, story, entry, same | {"weight_kg": 70, "verdict": "eligible"}
    )
    assert await refused(course, story, entry, {"findings": [], "weight_kg": 70}) == (
        "Other findings are another assessment: assess the patient again."
    )
    told = {"findings": [same["findings"][0] | {"asks": "A name in the clear"}], "weight_kg": 70}
    assert "Other findings are another assessment" in await refused(course, story, entry, told)
    impossible = same | {"weight_kg": 70, "measures": [{"instrument": "phq-9", "total": 28}]}
    assert "it should be 0 to 27" in await refused(course, story, entry, impossible)


async def test_a_measure_and_a_protocol_keep_what_they_must() -> None:
    whose: dict[str, Any] = {"at": NOON, "by": NURSE, "care_plan_id": COURSE}
    plan = CarePlanned(
        id=uuid4(), **whose, session_id=PATIENT, course_id=PATIENT, patient_id=PATIENT, visits_due=[NOON]
    )
    entry = MeasureRecorded(id=uuid4(), **whose, measure=Measure(instrument="gad-7", total=9))
    wrong = {"measure": {"instrument": "gad-7", "total": 22}}
    assert "it should be 0 to 21" in await refused(care_plan, [plan, entry], entry, wrong)
    adopted = ProtocolAdopted(
        id=uuid4(), at=NOON, by=PRESCRIBER, clinic="main", protocol=IM.name, version=IM.version,
        digest=IM.digest(), content=IM.content(),
    )  # fmt: skip
    content = IM.content() | {"dose": {}}
    assert "cannot change the content" in await refused(clinic, [adopted], adopted, {"content": content})

"""`kap demo` as somebody sees it who has just started it."""

import asyncio
import time
from pathlib import Path

from kap_local.clinic_client import Staff
from kap_local.guard import Guard

from tests.system.clinic import Kap, Viewer, running_kap, until


async def visits(nurse: Staff) -> list[int]:
    """How many integration visits each care plan has behind it."""
    courses = [await nurse.get(f"/api/courses/{c['course_id']}") for c in await nurse.get("/api/courses")]
    return [len(plan["held"]) for course in courses for plan in course["care_plans"]]


def test_the_demo_shows_six_patients_live_and_two_who_have_gone_home(guard: Guard, tmp_path: Path) -> None:
    async def look(kap: Kap) -> None:
        async with kap.staff() as staff, Viewer(staff["nurse"]).watching() as viewer:

            def live() -> bool:
                return len([key for key in viewer.sessions if len(viewer.live(key)) >= 3]) == 6

            def told() -> bool:
                return "patients: playing the past of 8 patients: all are there" in kap.log.read_text()

            await until(live, "three seconds of six patients' live values", 40)
            open_now = [key for key, s in viewer.sessions.items() if len(viewer.live(key)) >= 3]
            assert {viewer.sessions[key]["room"] for key in open_now} == set("123456")
            for key in open_now:
                assert {"heart_rate", "respiratory_rate", "systolic"} <= viewer.latest[key].keys()
            await until(told, "the console says that the past is there", 40)
            end = time.monotonic() + 5  # the read models are a moment behind
            while (held := await visits(staff["nurse"])) != [1, 1]:  # of the two who have gone home
                assert time.monotonic() < end, held
                await asyncio.sleep(0.2)
            left = [s["room"] for s in viewer.sessions.values() if s["state"] == "open"]
            assert sorted(left) == list("123456")

    with running_kap(guard, tmp_path, "demo") as kap:
        asyncio.run(look(kap))
        assert "patients ended" not in kap.log.read_text()

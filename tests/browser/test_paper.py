"""What is printed: the discharge summary and REMS form of a session that ended hours ago, on paper."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from kap_local.simulation import Clock, Played, Treatment, person
from playwright.async_api import Route, expect
from pypdf import PdfReader

from tests.browser.conftest import Look
from tests.browser.test_layout import SCREENS, violations
from tests.browser.ward import Ward
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

Step = tuple[float, Callable[[datetime], Awaitable[None]]]
PAPER = ("A4", "Letter")
CHROME = ("Secondary display", "sign out", "Read again", "Mark as sent")


@dataclass
class Eventful(Treatment):
    """A stay with something in it for every part of the summary."""

    def steps(self) -> list[Step]:
        def enter(type: str, **fields: Any) -> Callable[[datetime], Awaitable[None]]:
            async def step(at: datetime) -> None:
                await self.send("nurse", "session", type, at, session_id=str(self.session_id), **fields)

            return step

        async def correct(at: datetime) -> None:
            wrong = await self.entry("Dosed")
            dose = wrong["data"]["dose"] | {"lot": "SIM-040"}
            await self.send(
                "nurse", "session", "CorrectEntry", at, of="session", of_id=str(self.session_id),
                event_id=wrong["event_id"], reason="Lot misread.", replacement={"dose": dose},
            )  # fmt: skip

        own: list[Step] = [
            (33, enter("RecordAdverseEvent", category="vomiting", severity="minor", text="Once, clear.")),
            (34, enter("RecordIntervention", kind="ondansetron", text="4 mg under the tongue.")),
            (50, enter("RecordNote", text="Spoke of the heron.")),
            (60, correct),
        ]
        return sorted([*super().steps(), *own], key=lambda step: step[0])

    async def entry(self, type: str) -> dict[str, Any]:
        async with asyncio.timeout(15):
            while True:
                items = await self.staff["nurse"].get(f"/api/sessions/{self.session_id}/timeline")
                if found := [item for item in items if item["type"] == type]:
                    return dict(found[0])
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def gone(ward: Ward) -> AsyncIterator[Eventful]:
    """Gone home hours ago: on the record, no longer on the board."""
    bed, now = ward.beds["3"], datetime.now(UTC)
    treatment = Eventful(
        who=person(43, 1, "spravato"),
        room="9",
        dosed_at=now - timedelta(hours=6),
        staff=ward.staff,
        devices=bed.devices,
        clinic=bed.clinic,
        mllp=bed.mllp,
        clock=Clock(now),
        random=Random("paper"),
        played=Played(),
    )
    await treatment.play()
    await treatment.entry("Discharged")
    yield treatment


async def opened(window: Window, session_id: object, paper: str) -> None:
    await window.open(f"/sessions/{session_id}/{paper}")
    await expect(window.page.locator("article.sheet")).to_be_visible(timeout=15_000)
    await expect(window.page.locator(".paper-warn")).to_have_count(0)


async def printed(window: Window, size: str) -> list[str]:
    """Each page's words, as one line."""
    reader = PdfReader(BytesIO(await window.page.pdf(format=size)))
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages]


@pytest.mark.parametrize("size", PAPER)
async def test_the_summary_on_paper_holds_the_whole_session(look: Look, gone: Eventful, size: str) -> None:
    window = await look()
    await opened(window, gone.session_id, "summary")
    pages = await printed(window, size)
    assert 2 <= len(pages) <= 5
    for number, page in enumerate(pages, start=1):
        assert f"{gone.who.name} · No. {gone.who.number}" in page
        assert f"Page {number} of {len(pages)}" in page
        assert [words for words in CHROME if words in page] == []
    whole = " ".join(pages)
    for words in (
        "Discharge summary", "All times are", f"born {gone.who.birth_year}", "room 9",
        "First nurse",  # responsible, gave, discharged
        "Corrected, see the next row", "Lot misread.", "SIM-004", "SIM-040", "esketamine",
        "Not recorded, not required",  # nobody checked the dose
        "MOAA/S", "Dissoc.", "Modified Aldrete score", "10 of 10",
        "vomiting", "minor", "Once, clear.", "ondansetron", "4 mg under the tongue.", "Spoke of the heron.",
        "prescriber: fit to leave", "First prescriber", "discharged the patient",
        "The sister.", "The sister, by car.", "Integration visits due",
    ):  # fmt: skip
        assert words in whole, words
    for section in (
        "Doses",
        "Vitals",
        "Alarms and their handling",
        "Observations and scores",
        "Discharge gate",
    ):
        assert section in whole, section


@pytest.mark.parametrize("size", PAPER)
async def test_the_rems_form_is_one_page_filled_from_the_session_alone(
    look: Look, gone: Eventful, size: str
) -> None:
    window = await look()
    await opened(window, gone.session_id, "rems")
    [page] = await printed(window, size)
    assert re.search(r"☒ ?(ticked: )?84 mg", page) and re.search(r"☐ ?(not ticked: )?56 mg", page)
    assert "SIM-040" in page and "125 min in total" in page
    assert re.search(
        r"Blood pressure 40 min after the dose \d+/\d+ mmHg at \d\d:\d\d \(\+(3[5-9]|4[0-5]) min\)", page
    )
    assert "vomiting" in page and "say whether one was serious" in page
    form = window.page.locator(".form-lines > div")
    for left_empty in ("Date of birth", "REMS patient id", "Signature", "Prescriber on site"):
        await expect(form.filter(has_text=left_empty).locator(".blank")).to_have_count(1)
    drugs = form.filter(has_text="Benzodiazepines").locator(".box")
    await expect(drugs).to_have_text(["☐not ticked:  Yes", "☐not ticked:  No"])


async def test_marking_the_form_as_sent_takes_it_off_the_worklist(look: Look, gone: Eventful) -> None:
    nurse = gone.staff["nurse"]

    async def due() -> list[Any]:
        work = await nurse.get("/api/worklist")
        return [item["due"] for item in work if item.get("session_id") == str(gone.session_id)]

    [date] = await due()
    assert datetime.fromisoformat(date) - gone.dosed_at == timedelta(days=7)
    window = await look()
    await window.open("/today")  # a week before it is due
    owed = window.page.get_by_role("link", name=re.compile("REMS form to be sent, by then at the latest"))
    await owed.click(timeout=15_000)
    await expect(window.page).to_have_url(re.compile(rf"/sessions/{gone.session_id}/rems$"))
    await opened(window, gone.session_id, "rems")
    await window.page.get_by_role("button", name="Mark as sent").click()
    dialog = window.page.get_by_role("dialog", name="The REMS form was sent")
    assert await violations(window.page) == []
    await dialog.get_by_label("Confirmation of the REMS").fill("R-4711")
    await dialog.get_by_role("button", name="Mark as sent").click()
    sent = window.page.locator(".paper-sent")
    async with asyncio.timeout(10):
        while await due():
            await asyncio.sleep(0.05)
    await window.page.get_by_role("button", name="Read again").click()
    await expect(sent).to_have_text(
        re.compile(r"^Marked as sent on .* by First nurse; confirmation R-4711\.$"), timeout=10_000
    )


@pytest.mark.parametrize("theme", ["night", "day"])
async def test_axe_finds_nothing_on_paper(look: Look, gone: Eventful, theme: str) -> None:
    window = await look(theme=theme)
    for paper in ("summary", "rems"):
        await opened(window, gone.session_id, paper)
        assert await violations(window.page) == [], paper
        for width in (1366, 390):
            await window.page.set_viewport_size({"width": width, "height": 800})
            over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await window.page.evaluate(over) <= 0, f"{paper} scrolls sideways at {width}"


async def test_an_ended_session_leads_to_its_papers(look: Look, gone: Eventful, tmp_path: Path) -> None:
    """KAP_SCREENS=1 puts the summary into docs/screens."""
    window = await look()
    await window.session(f"/sessions/{gone.session_id}")
    await expect(window.page.get_by_role("link", name="REMS form")).to_be_visible()
    await window.page.get_by_role("link", name="Discharge summary").click()
    await expect(window.page.get_by_role("heading", name="Discharge summary", level=1)).to_be_visible()
    await expect(window.page.locator("article.sheet")).to_be_visible(timeout=15_000)
    folder = SCREENS if os.environ.get("KAP_SCREENS") == "1" else tmp_path
    await window.page.evaluate("document.fonts.ready")
    await window.page.screenshot(path=folder / "summary.png", animations="disabled")


async def test_paper_waits_for_the_whole_history(look: Look, gone: Eventful) -> None:
    """A history that lags holds less than the session: it is read again before anything can be printed."""
    window, asked = await look(), 0

    async def late(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            return await route.continue_()
        answer = await route.fetch()
        await route.fulfill(json=(await answer.json())[:-1], headers={"KAP-Position": "1"})

    await window.page.route("**/timeline", late)
    await opened(window, gone.session_id, "summary")
    assert asked == 2


async def test_an_open_session_is_not_discharged_yet(look: Look, ward: Ward) -> None:
    window = await look()
    for paper in ("summary", "rems"):
        await window.open(f"{ward.beds['3'].path}/{paper}")
        await expect(window.page.locator(".paper-warn")).to_contain_text("Not discharged yet", timeout=15_000)
    await window.open(f"{ward.beds['1'].path}/rems")
    await expect(window.page.locator(".paper-warn")).to_contain_text("not one with Spravato", timeout=15_000)


async def test_a_wall_screen_has_no_papers(look: Look, ward: Ward, gone: Eventful) -> None:
    """Whatever address somebody types there, it shows the wall: no name, no summary."""
    window = await look("wall")
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    for session in (ward.beds["3"].session_id, gone.session_id):
        for paper in ("summary", "rems"):
            await window.open(f"/sessions/{session}/{paper}")
            await expect(window.page.get_by_role("heading", name="Wall", level=1)).to_be_visible()
            for room in ward.beds:
                card = window.page.get_by_role("heading", name=f"Room {room}", exact=True)
                await expect(card).to_be_visible(timeout=15_000)
            await expect(window.page.locator(".paper, .sheet")).to_have_count(0)
            shown = await window.page.content()
            for who in (gone.who, *(bed.who for bed in ward.beds.values())):
                assert who.name not in shown
    assert not [url for url in asked if re.search("timeline|/vitals|/courses/|/tasks", url)]

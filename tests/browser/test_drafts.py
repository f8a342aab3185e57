"""What somebody is writing stays until it is recorded or given up, whatever happens around it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.test_visit import bed
from tests.browser.ward import Ward

pytestmark = pytest.mark.asyncio(loop_scope="package")

SOON_MS = 10_000


async def test_a_reason_half_written_outlives_a_rehearsal_without_an_answer(look: Look, ward: Ward) -> None:
    window = await look("prescriber")
    await window.session(ward.beds["6"].path)
    record = window.page.get_by_role("region", name="Record")
    await record.get_by_role("button", name="Discharge", exact=True).click()
    dialog = window.page.get_by_role("dialog", name="Discharge")
    ride = dialog.locator('[data-point="ride"]')
    await ride.get_by_role("button", name="Override").click(timeout=SOON_MS)
    reason = ride.get_by_label("Why it may pass all the same")
    await reason.fill("Lives next door,")

    await window.page.route("**/api/commands/session?dry_run=true", lambda route: route.abort())
    await dialog.get_by_role("radiogroup", name="Gait steady?").get_by_label("Yes").click()
    await expect(ride).to_have_attribute("data-state", "unknown", timeout=SOON_MS)  # of any point, now
    await expect(reason).to_have_value("Lives next door,")
    await window.page.unroute_all()
    await dialog.get_by_role("radiogroup", name="Gait steady?").get_by_label("No").click()
    await expect(ride).to_have_attribute("data-state", "open", timeout=SOON_MS)
    await expect(reason).to_have_value("Lives next door,")
    await ride.get_by_role("button", name="Leave it").click()
    await expect(ride.get_by_role("button", name="Override")).to_be_visible()


async def test_a_note_beside_the_patient_outlives_the_sessions_time_on_the_board(
    look: Look, ward: Ward
) -> None:
    """Half an hour after its end a session leaves the board; the therapist is still writing."""
    guest, now = bed(ward, 3, "11", "intramuscular", 60), datetime.now(UTC)
    await guest.prepare()
    opened = {"course_id": str(guest.course_id), "room": guest.room}
    await guest.act("OpenSession", now - timedelta(minutes=50), **opened)
    window = await look("therapist")
    page = window.page
    await window.open(f"{guest.path}/with")
    note = page.get_by_label("What do you notice?")
    await note.fill("She slept, then wept,", timeout=SOON_MS)
    await guest.act("AbortSession", now - timedelta(minutes=31), reason="Tried elsewhere.")
    left = page.get_by_text("This session is no longer on the board")
    await expect(left).to_be_visible(timeout=SOON_MS)
    await expect(note).to_have_value("She slept, then wept,")

    await page.get_by_role("link", name="Chart and numbers").click()
    await expect(page.get_by_role("heading", name="Room 11")).to_be_visible(timeout=SOON_MS)
    await page.go_back()
    await expect(note).to_have_value("She slept, then wept,", timeout=SOON_MS)
    await note.fill("She slept, then wept, then smiled.")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.locator(".notes")).to_contain_text("then smiled.", timeout=SOON_MS)
    await expect(note).to_have_value("")


async def test_an_answer_is_kept_under_another_protocol_that_asks_the_same_and_said_to_be(
    look: Look, ward: Ward
) -> None:
    window = await look("prescriber")
    page = window.page
    await window.open(f"/courses/{ward.beds['1'].course_id}/assess")
    await page.get_by_role("radio", name=re.compile("^Intramuscular ketamine")).check(timeout=SOON_MS)
    asked = page.locator(".ask").first
    await asked.get_by_role("radio", name="No", exact=True).check()
    await page.get_by_role("radio", name=re.compile("^Deferred")).check()
    await expect(asked).not_to_contain_text("answered under")
    await page.get_by_role("radio", name=re.compile("^Spravato")).check()
    await expect(page.locator(".asks .verdict")).to_contain_text("1 answer is kept")
    await expect(asked).to_contain_text("answered under Intramuscular ketamine")
    await expect(asked.get_by_role("radio", name="No", exact=True)).to_be_checked()
    await expect(page.get_by_role("radio", name=re.compile("^Deferred"))).not_to_be_checked()

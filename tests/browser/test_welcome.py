"""Tried as a new nurse would: from sign-in, without help, a patient is admitted up to the open session.

Last of its folder, for it leaves a ninth room in use.
"""

import re
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.test_views import SOON_MS, button, radio
from tests.browser.ward import Ward

READ_MS = 20_000  # every 15 s

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        await page.get_by_label(label.replace("_", " ")).first.fill(value)


async def choose(page: Page, group: str, option: str) -> None:
    await radio(page.get_by_role("radiogroup", name=re.compile(group)), option).check()


async def test_a_new_nurse_admits_a_patient_from_sign_in_to_the_open_session(look: Look, ward: Ward) -> None:
    users = ward.users
    admin = await look("admin")
    reply = await admin.page.context.request.post(
        f"{ward.http}/api/commands/intake",
        data={"type": "DefineRoom", "id": "00000000-0000-4000-8000-000000000009"}
        | {"at": datetime.now().astimezone().isoformat(), "room": "9", "title": "Room 9"},
        headers={"Origin": ward.http},
    )
    assert reply.ok

    nurse = await look(None)
    page = nurse.page
    await nurse.open("/")
    await nurse.type_in(users["nurse"]["username"], users["nurse"]["password"])
    await page.get_by_role("link", name="Patients").click()
    await page.get_by_role("link", name="Register a patient").click()
    await button(page, "Register").click()
    await expect(page.get_by_text("The name is missing.")).to_be_visible()  # in words, beside the field
    taken = ward.beds["1"].who
    await fill(page, Full_name="Thea Quill", Number=taken.number, Year_of_birth="1984")
    await expect(page.get_by_text(f"is the number of {taken.name}")).to_be_visible(timeout=SOON_MS)
    await fill(page, Number="77123", Contact="The sister, 0660 1")
    await choose(page, "Sex at birth", "Female")
    await button(page, "Register").click()
    await expect(page.get_by_role("heading", name="Thea Quill")).to_be_visible(timeout=SOON_MS)
    await expect(page.locator("main")).to_contain_text(
        "Number 77123 · born 1984 · sex at birth: female · contact: The sister, 0660 1"
    )
    await page.get_by_role("button", name="Open a course of treatment").click()
    await choose(page, "For", "Depression")
    await button(page, "Open").click()
    assess = page.locator('[data-step="assess"]')
    await expect(assess).to_contain_text("A prescriber assesses", timeout=SOON_MS)

    await _assessed(look, page.url.removeprefix(ward.http))

    # what the prescriber recorded comes by itself
    await expect(page.locator('[data-step="clear"]')).to_have_attribute("data-state", "done", timeout=READ_MS)
    await expect(page.locator('[data-step="consent"]')).to_have_attribute("aria-current", "step")
    await button(page, "Record consent").click()
    await page.get_by_label("Document and version").fill("Consent 2026-1")
    await choose(page, "The patient has read it", "Yes")
    await button(page, "Record").click()
    await expect(page.locator('[data-step="consent"]')).to_contain_text("consent-2026-1", timeout=SOON_MS)

    await button(page, "Record the preparation").click()
    await fill(page, **{"Intentions": "To sleep again.", "Safety plan": "Calls the sister."})
    await page.get_by_label("Way home").fill("The sister, by car.")
    await choose(page, "The treatment and its effects", "Yes")
    await choose(page, "Fasting was explained", "Yes")
    await button(page, "Record").click()
    await expect(page.locator('[data-step="prepare"]')).to_contain_text("To sleep again.", timeout=SOON_MS)

    await button(page, "Plan a visit").click()
    dialog, plan = page.get_by_role("dialog"), page.locator('[data-step="plan"]')
    await expect(radio(dialog, "Dosing")).to_be_checked()  # the step that it was opened from
    soon = datetime.now() + timedelta(minutes=5)
    await expect(dialog.locator(".option").filter(has_text=re.compile("^1in use now"))).to_be_visible()
    await expect(page.get_by_label("Day", exact=True)).to_have_value("")
    await button(page, "Today").click()
    await expect(page.get_by_label("Day", exact=True)).to_have_value(re.compile(r"^\d{4}-\d\d-\d\d$"))
    await page.get_by_label("Time", exact=True).fill("00:00")
    await expect(dialog).to_contain_text("This time has passed.")
    await page.get_by_label("Day", exact=True).fill(soon.strftime("%Y-%m-%d"))
    await page.get_by_label("Time", exact=True).fill("23:55")
    await expect(dialog).not_to_contain_text("This time has passed.")
    await button(page, "Plan").click()
    await expect(plan).to_contain_text("no room yet", timeout=SOON_MS)
    await expect(plan.get_by_role("heading")).to_contain_text("planned for")  # and not: done

    await plan.get_by_role("button", name="Change").click()
    await radio(dialog, "Another time or room").check()
    await expect(dialog.get_by_label("Time", exact=True)).to_have_value("23:55")
    await button(dialog, "Today").click()  # minutes before midnight the visit is tomorrow's
    await expect(dialog.locator(".option").filter(has_text=re.compile("^1in use now"))).to_be_visible()
    await page.get_by_label("Day", exact=True).fill(soon.strftime("%Y-%m-%d"))
    await radio(dialog, "9").check()
    await page.get_by_label("Reason").fill("The room is free by then.")
    await dialog.get_by_role("button", name="Change").click()
    await expect(plan).to_contain_text("room 9", timeout=SOON_MS)

    await page.get_by_role("button", name="Check in: open a session").click()
    await expect(radio(dialog, "Room 1")).to_be_disabled()
    await radio(dialog, "Room 9").check()
    await button(dialog, "Open the session").click()
    await expect(dialog).to_contain_text("Whether you are responsible is missing.")
    await radio(dialog, "Yes").check()
    await button(dialog, "Open the session").click()
    await expect(page.get_by_role("heading", name="Room 9")).to_be_visible(timeout=SOON_MS)
    await expect(page.locator(".s-facts")).to_contain_text("First nurse (you)")
    await expect(page.get_by_text("TQ 77123")).to_be_visible()

    await page.get_by_role("region", name="Record").get_by_role("button", name="Give dose").click()
    await expect(dialog).to_contain_text("The dose is held.", timeout=SOON_MS)  # before anything is typed
    known = "The assessment found: Current mania or hypomania (Stable for years.)"
    await expect(dialog).to_contain_text(known, timeout=SOON_MS)


async def _assessed(look: Look, path: str) -> None:
    """The prescriber asks everything; what needs a clearance is cleared, with a reason."""
    window = await look("prescriber")
    page = window.page
    await window.open(path)
    await page.get_by_role("link", name="Assess").click()
    await radio(page, "Intramuscular ketamine").check()
    eligible = radio(page, "Eligible")
    await expect(eligible).to_be_disabled()  # nothing was asked yet, and that is not no
    for ask in await page.locator(".ask").all():
        await ask.get_by_role("radio", name="No", exact=True).check()
    noted = page.get_by_role("group", name="On record: a yes stops nothing").locator(".ask")
    await expect(noted.filter(has_text="Treatment-resistant")).to_have_count(1)
    await expect(noted.filter(has_text="hypomania")).to_have_count(0)
    mania = page.locator(".ask").filter(has_text="hypomania")
    stop = page.locator(".ask").filter(has_text="Arteriovenous malformation")
    await stop.get_by_role("radio", name="Yes").check()
    await expect(page.locator(".found")).to_contain_text("no treatment")
    await expect(eligible).to_be_disabled()
    await stop.get_by_role("radio", name="No", exact=True).check()
    await mania.get_by_role("radio", name="Yes").check()
    await radio(page, "Every one was asked about").check()
    await page.get_by_label("Weight").fill("70")
    await expect(page.locator(".found")).to_contain_text("Every question was asked.")
    await eligible.check()
    await button(page, "Record the assessment").click()
    clear = page.locator('[data-step="clear"]')
    await expect(clear).to_have_attribute("data-state", "next", timeout=SOON_MS)
    await clear.get_by_role("button", name="Clear").click()
    await page.get_by_label("Why the patient can be treated").fill("Stable for years.")
    await page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    await expect(clear).to_contain_text("by First prescriber: Stable for years.", timeout=SOON_MS)
    await expect(clear).to_have_attribute("data-state", "done", timeout=SOON_MS)

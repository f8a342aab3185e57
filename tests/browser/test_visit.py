"""A visit from the nurse's hands: every action of the session's page, end to end, in rooms of its own."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import pytest_asyncio
from kap.events.session import Route
from kap_local.simulation import Played, person
from playwright.async_api import Locator, expect
from playwright.async_api import Route as Held

from tests.browser.conftest import Look
from tests.browser.test_layout import violations
from tests.browser.ward import Bed, Ward
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

REFUSED = "form > .verdict-row:not(.above)"  # the server's own words, at the foot of a form

SOON_MS = 10_000
# controls of a form that are too small for a finger in a hurry: clinical ones have 44 px
SMALL = """() => [...document.querySelectorAll(".dialog button, .dialog .option, .dialog .input")]
  .filter((e) => e.offsetParent !== null && (e.offsetHeight < 44 || e.offsetWidth < 44))
  .map((e) => `${e.textContent} ${e.offsetWidth}×${e.offsetHeight}`)"""


def bed(ward: Ward, n: int, room: str, route: Route, minute: float) -> Bed:
    """One more patient: `minute` after the dose, planned or given."""
    like = ward.beds["1"]
    return Bed(
        who=person(43, n, route),
        room=room,
        dosed_at=datetime.now(UTC) - timedelta(minutes=minute),
        staff=ward.staff,
        devices=like.devices,
        clinic=like.clinic,
        mllp=like.mllp,
        clock=like.clock,
        random=Random(f"visit/{n}"),
        played=Played(),
    )


@asynccontextmanager
async def sending(guest: Bed) -> AsyncIterator[None]:
    """A message each second, as long as the patient is there."""
    running = asyncio.create_task(guest.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await guest.bedside.close()


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def arrived(ward: Ward) -> AsyncIterator[Bed]:
    """Prepared and in room 9, with a session open; the monitor sends and is attached to nobody."""
    guest = bed(ward, 1, "9", "intramuscular", -6)
    await guest.prepare()
    await guest.act("OpenSession", course_id=str(guest.course_id), room=guest.room)
    async with sending(guest):
        yield guest


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def leaving(ward: Ward) -> AsyncIterator[Bed]:
    """In room 10, two hours and four minutes after the dose."""
    guest = bed(ward, 2, "10", "intramuscular", 124)
    await guest.admit()
    async with sending(guest):
        yield guest


async def act(window: Window, name: str) -> Locator:
    """Touches an action's button; its form."""
    await (
        window.page.get_by_role("region", name="Record").get_by_role("button", name=name, exact=True).click()
    )
    return window.page.get_by_role("dialog")


async def choose(dialog: Locator, question: str, answer: str) -> None:
    group = dialog.get_by_role("group", name=question).or_(dialog.get_by_role("radiogroup", name=question))
    await group.get_by_label(answer, exact=True).click()


async def press(dialog: Locator, name: str) -> None:
    """Records, and is gone when the server has it."""
    await dialog.get_by_role("button", name=name, exact=True).click()
    await expect(dialog).to_have_count(0, timeout=SOON_MS)


def told(window: Window, text: str) -> Locator:
    return window.page.get_by_role("region", name="Timeline").locator("li").filter(has_text=text)


def due(window: Window) -> Locator:
    return window.page.get_by_role("region", name="What is due")


async def check(dialog: Locator, systolic: int, **answers: str) -> None:
    for label, value in (
        ("Systolic", str(systolic)),
        ("Diastolic", "84"),
        ("Heart rate", "72"),
        ("SpO₂", "97"),
    ):
        await dialog.get_by_label(label, exact=True).fill(value)
    if answers:
        await choose(dialog, "Fasting as told?", "Yes")
        await dialog.get_by_label("Last food").fill("6")
        await dialog.get_by_label("Last fluids").fill("3")
        for question in await dialog.get_by_role("radiogroup").all():
            asks = await question.locator("legend").inner_text()
            if asks != "Fasting as told?":
                await question.get_by_label(answers.get(asks, "No"), exact=True).click()


async def test_a_monitor_is_chosen_by_what_it_says(look: Look, arrived: Bed) -> None:
    window = await look()
    await window.session(arrived.path)
    await arrived.show(spo2=96)
    dialog = await act(window, "Attach monitor")
    free = dialog.locator(".option").filter(has_text=arrived.device)
    await expect(free).to_contain_text("free · SpO₂ 96")
    other = dialog.locator(".option").filter(has_text="in room 1 ")
    await expect(other.get_by_role("radio")).to_be_disabled()
    await free.get_by_role("radio").click()
    await press(dialog, "Attach")
    await expect(told(window, f"Monitor {arrived.device} attached")).to_be_visible(timeout=SOON_MS)
    await arrived.show(spo2=97)
    await expect(window.value("spo2").locator(".num")).to_have_text("97", timeout=SOON_MS)


async def test_a_pressure_too_high_holds_the_dose_until_a_prescriber_lets_it_pass(
    look: Look, arrived: Bed
) -> None:
    window, prescriber = await look(), await look("prescriber")
    await window.session(arrived.path)
    await expect(due(window)).to_contain_text("Pre-dose check")
    dialog = await act(window, "Pre-dose check")
    for field in await dialog.get_by_role("textbox").all():
        assert await field.input_value() == ""
    assert await dialog.get_by_role("radio", checked=True).count() == 0
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog.get_by_text("Systolic is missing.")).to_be_visible()
    await expect(dialog.get_by_label("Systolic", exact=True)).to_be_focused()
    await check(dialog, 152, **{"Is a ride home arranged?": "Yes", "Is pregnancy excluded?": "Yes"})
    await press(dialog, "Record")
    await expect(due(window)).to_contain_text(
        "Blood pressure was 152/84, at most 140/90 is allowed", timeout=SOON_MS
    )
    await expect(due(window)).to_contain_text(re.compile(r"Measure again in [0-5]:\d\d"))

    dialog = await act(window, "Give dose")
    await dialog.get_by_label("Dose", exact=True).fill("60")
    await expect(dialog.locator(".verdict.bad").first).to_contain_text("The dose is held.", timeout=SOON_MS)
    await window.page.keyboard.press("Escape")
    await expect(dialog).to_contain_text("Nothing is recorded yet. Discard what you entered?")
    await dialog.get_by_role("button", name="Discard").click()

    await prescriber.session(arrived.path)
    await due(prescriber).get_by_role("button", name="Blood pressure was 152/84").click()
    dialog = prescriber.page.get_by_role("dialog", name="Override: Blood pressure")
    await dialog.get_by_label("Why it may pass all the same").fill("White coat, 128/78 at home.")
    await press(dialog, "Override")
    await expect(due(window)).to_contain_text("Blood pressure: overridden", timeout=SOON_MS)
    await expect(told(window, "White coat, 128/78 at home.")).to_contain_text(
        "First prescriber", timeout=SOON_MS
    )


async def test_a_dose_is_checked_by_a_second_person_and_said_in_words(
    look: Look, ward: Ward, arrived: Bed
) -> None:
    window, other = await look(size=(1366, 768)), await look("prescriber")
    second = ward.users["prescriber"]
    await window.session(arrived.path)
    dialog = await act(window, "Give dose")
    await dialog.get_by_label("Dose", exact=True).fill("60")
    await choose(dialog, "Vial strength, read from the label", "50 mg/mL")
    await dialog.get_by_label("Volume drawn up").fill("0.12")
    await expect(
        dialog.get_by_text("0.12 mL of 50 mg/mL are 6 mg, a tenth of the 60 mg entered").first
    ).to_be_visible(timeout=SOON_MS)
    await dialog.get_by_label("Volume drawn up").fill("1.2")
    await choose(dialog, "Site", "Left deltoid")
    await dialog.get_by_label("Lot, read from the label").fill("T-77")
    await expect(dialog.get_by_text("The numbers agree with each other")).to_be_visible(timeout=SOON_MS)
    await expect(dialog.locator(".sum")).to_contain_text(
        re.compile(r"60 mg50 mg/mL × 1\.2 mL · 0\.\d\d mg/kg")
    )

    await dialog.get_by_label("Their user name").fill(second["username"])
    await dialog.get_by_label("Their password").fill("not-theirs")
    await dialog.get_by_role("button", name="Check", exact=True).click()
    await expect(dialog.get_by_text("User name or password is wrong.")).to_be_visible(timeout=SOON_MS)
    await dialog.get_by_label("Their password").fill(second["password"])
    await dialog.get_by_role("button", name="Check", exact=True).click()
    await expect(
        dialog.get_by_text(re.compile(r"Checked by First prescriber, valid for 0:[0-5]\d"))
    ).to_be_visible(timeout=SOON_MS)

    # somebody else is about to give it as well, and their history comes late
    given = asyncio.Event()

    async def late(route: Held) -> None:
        await given.wait()
        await route.continue_()

    await other.page.route("**/timeline", late)
    await other.session(arrived.path)
    theirs = await act(other, "Give dose")
    await theirs.get_by_label("Dose", exact=True).fill("60")

    await dialog.get_by_role("button", name="Give 60 mg IM…").click()
    said = "Give 60 mg ketamine intramuscular, 1.2 mL of 50 mg/mL, left deltoid, lot T-77"
    await expect(dialog.get_by_text(said)).to_be_visible()
    for _ in range(3):  # the focus stays in the question
        await window.page.keyboard.press("Shift+Tab")
        await expect(dialog.locator(".d-foot :focus")).to_have_count(1)
    await press(dialog, "Give 60 mg IM now")
    await expect(told(window, "Dose ketamine 60 mg IM")).to_contain_text("First nurse", timeout=SOON_MS)
    await expect(window.page.locator(".phase-name")).to_have_text("Onset", timeout=SOON_MS)
    given.set()

    await expect(theirs.get_by_role("status").filter(has_text="Meanwhile")).to_contain_text(
        "Dose ketamine 60 mg IM", timeout=SOON_MS
    )
    await theirs.get_by_role("button", name="Give 60 mg IM…").click()
    await theirs.get_by_role("button", name="Give 60 mg IM now").click()
    await expect(theirs.locator(REFUSED)).to_contain_text(
        re.compile(r"60 mg ketamine were given by First nurse 0 min \d+ s earlier"), timeout=SOON_MS
    )


async def test_what_is_seen_and_done_is_recorded_from_one_form_each(look: Look, arrived: Bed) -> None:
    window = await look()
    await window.session(arrived.path)

    dialog = await act(window, "Observation")
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog.locator(REFUSED)).to_have_text("Nothing is entered yet.")
    responsive = dialog.get_by_role("radiogroup", name="MOAA/S, responsiveness")
    await expect(responsive).to_contain_text("Lethargic response to name, normal tone")
    await responsive.get_by_label(re.compile("^4")).click()
    await choose(dialog, "Dissociation, 0 none to 10 worst", "9")
    await choose(dialog, "Nausea, 0 none to 10 worst", "2")
    await choose(dialog, "Nausea, 0 none to 10 worst", "2")  # touched again: taken back
    await choose(dialog, "Symptoms", "Dizziness")
    await press(dialog, "Record")
    await expect(told(window, "MOAA/S 4, dissociation 9, dizziness")).to_be_visible(timeout=SOON_MS)

    dialog = await act(window, "Note")
    await dialog.get_by_label("Note", exact=True).fill("Asks for the music to be softer.")
    await dialog.get_by_label("Happened how long ago").fill("3")
    await press(dialog, "Record")
    await expect(told(window, "Asks for the music to be softer.")).to_contain_text(
        "recorded", timeout=SOON_MS
    )

    dialog = await act(window, "Intervention")
    await choose(dialog, "What was done", "Antiemetic")
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog.get_by_text("Drug, dose and who ordered it is missing.")).to_be_visible()
    await dialog.get_by_label("Drug, dose, and who ordered it").fill("Ondansetron 4 mg, standing order")
    await press(dialog, "Record")
    await expect(told(window, "Intervention: antiemetic. Ondansetron 4 mg")).to_be_visible(timeout=SOON_MS)

    dialog = await act(window, "Adverse event")
    await choose(dialog, "What happened", "Vomiting")
    await choose(dialog, "How grave", "Minor")
    await press(dialog, "Record")
    await expect(told(window, "Adverse event, minor: vomiting.")).to_be_visible(timeout=SOON_MS)

    dialog = await act(window, "Responsible")
    await dialog.locator(".option").filter(has_text="First nurse").get_by_role("radio").click()
    await press(dialog, "Change")
    await expect(told(window, "First nurse is responsible")).to_be_visible(timeout=SOON_MS)


async def test_a_wrong_entry_is_corrected_by_a_new_one(look: Look, arrived: Bed) -> None:
    window = await look()
    await window.session(arrived.path)
    entry = told(window, "dissociation 9")
    await entry.get_by_role("button", name="Correct").click(timeout=SOON_MS)
    dialog = window.page.get_by_role("dialog", name="Correct an entry")
    await choose(dialog, "What was wrong", "Something in it")
    await dialog.get_by_label("Dissociation, was 9").fill("6")
    await dialog.get_by_label("Why", exact=True).fill("Misheard, she said six.")
    await press(dialog, "Correct")
    await expect(entry.locator("s")).to_have_text("MOAA/S 4, dissociation 9, dizziness", timeout=SOON_MS)
    await expect(entry.locator(".fix")).to_contain_text(
        re.compile(
            r"^Corrected to: MOAA/S 4, dissociation 6, dizziness at \d\d:\d\d by First nurse: “Misheard"
        )
    )


async def test_limits_change_for_one_patient_inside_the_hard_bounds(look: Look, arrived: Bed) -> None:
    nurse = await look()
    await nurse.session(arrived.path)
    await expect(nurse.page.get_by_role("button", name="Alarm limits")).to_have_count(0)
    window = await look("prescriber")
    await window.session(arrived.path)
    dialog = await act(window, "Alarm limits")
    await dialog.get_by_label("SpO₂ under, high: now 90").fill("70")
    await dialog.get_by_label("Reason").fill("Lives at 3000 m.")
    await dialog.get_by_role("button", name="Change limits").click()
    await expect(dialog.locator(REFUSED)).to_contain_text(
        "under 85 % or earlier, not only under 70 %", timeout=SOON_MS
    )
    await dialog.get_by_label("SpO₂ under, high: now 90").fill("88")
    await press(dialog, "Change limits")
    await expect(told(window, "Limits changed: Lives at 3000 m.")).to_be_visible(timeout=SOON_MS)


async def test_a_patient_leaves_when_every_point_is_met_or_overridden(look: Look, leaving: Bed) -> None:
    window, prescriber = await look(size=(1920, 1080)), await look("prescriber")
    await window.session(leaving.path)
    await expect(due(window)).to_contain_text(re.compile(r"\d+ of 14 points open"), timeout=SOON_MS)
    dialog = await act(window, "Discharge")
    point = dialog.locator("[data-point]")
    await expect(point).to_have_count(14)
    await expect(dialog.locator('[data-point="stay"]')).to_have_attribute(
        "data-state", "met", timeout=SOON_MS
    )
    await expect(dialog.locator('[data-point="stay"]')).to_contain_text(
        re.compile(r"12\d min since the last dose")
    )
    await expect(dialog.locator('[data-point="aldrete"]')).to_contain_text("The Aldrete score is missing.")
    await expect(dialog.locator('[data-point="stay"]').get_by_role("button")).to_have_count(0)

    await leaving.act("RecordObservation", moaas=5, dissociation=0)
    await leaving.act("RecordVitals", signals={"systolic": 122, "diastolic": 76, "spo2": 99})
    for question in (
        "Oriented to person, place, time?",
        "Gait steady?",
        "Nausea tolerable or none?",
        "Instructions given, no driving until tomorrow?",
    ):
        await choose(dialog, question, "Yes")
    await choose(dialog, "New suicidal thoughts (C-SSRS since the last visit)?", "No")
    await choose(dialog, "Is the ride here?", "No")
    for part in ("Activity", "Breathing", "BP against pre-dose", "Consciousness", "SpO₂"):
        group = dialog.get_by_role("radiogroup", name=f"Aldrete: {part}")
        await group.get_by_label(re.compile("^2")).click()
    await expect(dialog.locator('[data-point="aldrete"]')).to_contain_text("10 of 10", timeout=SOON_MS)
    await expect(dialog.locator('[data-point="ride"]')).to_contain_text("The ride is not there.")
    await expect(dialog.locator('[data-state="open"]')).to_have_count(2, timeout=SOON_MS)  # and a signature
    await dialog.get_by_role("button", name="Discharge…").click()
    await dialog.get_by_role("button", name="Discharge now").click()
    await expect(dialog.locator(REFUSED)).to_contain_text(
        "Not ready to leave: the ride is not there", timeout=SOON_MS
    )

    await prescriber.session(leaving.path)
    theirs = await act(prescriber, "Discharge")
    ride = theirs.locator('[data-point="ride"]')
    await ride.get_by_role("button", name="Override").click(timeout=SOON_MS)
    await ride.get_by_label("Why it may pass all the same").fill("Lives next door, walked home by us.")
    await ride.get_by_role("button", name="Override this").click()
    await expect(ride).to_have_attribute("data-state", "over", timeout=SOON_MS)
    await theirs.get_by_role("button", name="Sign: fit to leave").click()
    await expect(theirs.locator('[data-point="signatures"]')).to_contain_text("You signed", timeout=SOON_MS)

    await expect(dialog.locator('[data-point="ride"]')).to_contain_text(
        "Overridden by First prescriber", timeout=SOON_MS
    )
    await expect(dialog.locator('[data-state="open"]')).to_have_count(0, timeout=SOON_MS)
    await dialog.get_by_label("Goes home with").fill("Her neighbour")
    await dialog.get_by_role("button", name="Discharge…").click()
    await expect(dialog).to_contain_text("Goes with: Her neighbour.")
    await press(dialog, "Discharge now")
    await expect(told(window, "Discharged")).to_be_visible(timeout=SOON_MS)
    await expect(window.page.get_by_role("region", name="Record").get_by_role("button")).to_have_text("Note")


FORMS = (
    *("Vitals by hand", "Observation", "Booster dose", "Intervention", "Adverse event", "Note", "Monitor"),
    *("Responsible", "Alarm limits", "Sign a dose off", "Discharge", "Stop session"),
)


@pytest.mark.parametrize(("theme", "size"), [("night", (1024, 768)), ("day", (1366, 768))])
async def test_every_form_is_for_everyone(
    look: Look, arrived: Bed, theme: str, size: tuple[int, int]
) -> None:
    """axe finds nothing, the targets are large enough, and the keyboard alone opens and leaves each form."""
    window = await look("prescriber", size=size, theme=theme)
    await window.session(arrived.path)
    for name in FORMS:
        button = window.page.get_by_role("region", name="Record").get_by_role("button", name=name, exact=True)
        await button.focus()
        await window.page.keyboard.press("Enter")
        dialog = window.page.get_by_role("dialog")
        await expect(dialog).to_be_visible()
        await expect(dialog.locator(":focus")).to_have_count(1)
        assert await violations(window.page) == [], name
        assert await window.page.evaluate(SMALL) == [], name
        box = await dialog.bounding_box()
        for key in ("Shift+Tab", "Tab", "Tab", "Shift+Tab"):
            await window.page.keyboard.press(key)
            assert await dialog.evaluate("dialog => dialog.contains(document.activeElement)"), name
        assert box and box["y"] >= 56 and box["y"] + box["height"] <= size[1], f"{name} leaves the screen"
        await window.page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(button).to_be_focused()


async def test_a_session_is_stopped_with_its_reason_after_one_more_question(look: Look, arrived: Bed) -> None:
    window = await look("therapist")
    await window.session(arrived.path)
    await expect(window.page.get_by_role("button", name="Booster dose")).to_have_count(0)
    dialog = await act(window, "Stop session")
    await dialog.get_by_label("Reason").fill("The patient wishes to stop.")
    await dialog.get_by_role("button", name="Stop session…").click()
    await expect(dialog).to_contain_text("Nobody can open it again.")
    await dialog.get_by_role("button", name="Back").click()
    await expect(dialog.get_by_label("Reason")).to_have_value("The patient wishes to stop.")
    await dialog.get_by_role("button", name="Stop session…").click()
    await press(dialog, "Stop the session")
    await expect(told(window, "Session stopped: The patient wishes to stop.")).to_be_visible(timeout=SOON_MS)

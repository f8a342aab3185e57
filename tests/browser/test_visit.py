"""A visit from the nurse's hands: every action of the session's page, end to end, in rooms of its own."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import pytest_asyncio
from kap.events.session import Route
from kap.tasks import ended
from kap_local.bedside_monitor import BedsideMonitor
from kap_local.simulation import Played, person
from playwright.async_api import Dialog, Locator, expect
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


def bed(ward: Ward, n: int, room: str, route: Route, minute: float, kind: type[Bed] = Bed) -> Bed:
    """One more patient: `minute` after the dose, planned or given."""
    like = ward.beds["1"]
    return kind(
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
        await ended(running)
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


class Overlooked(Bed):
    """The cuff measures by itself; at 10 and 15 minutes nobody looks at the patient."""

    def steps(self) -> list[tuple[float, Callable[[datetime], Awaitable[None]]]]:
        return [(minute, step) for minute, step in super().steps() if minute not in (10, 15)]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def overlooked(ward: Ward) -> AsyncIterator[Bed]:
    guest = bed(ward, 3, "11", "intramuscular", 16, Overlooked)
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


async def test_a_session_says_what_it_lacks_first_who_is_responsible(look: Look, arrived: Bed) -> None:
    window, next_step = await look(), "[aria-label=Record] .main"
    await window.open()
    foot = window.card("9").locator(".card-foot")
    await expect(foot).to_contain_text("Nobody responsible", timeout=SOON_MS)
    await window.session(arrived.path)
    await expect(due(window)).to_contain_text("3 open")  # somebody, a monitor, the check
    await expect(due(window)).to_contain_text("No monitor is attached")
    await expect(window.page.locator(next_step)).to_have_text("Responsible")
    await due(window).get_by_role("button", name="Nobody is responsible").click()
    dialog = window.page.get_by_role("dialog")
    await dialog.get_by_label("First nurse (you)").click()
    await press(dialog, "Change")
    await expect(window.page.locator(next_step)).to_have_text("Attach monitor", timeout=SOON_MS)
    await expect(due(window)).to_contain_text("2 open")


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
    await expect(due(window)).to_contain_text("1 open")
    await arrived.show(spo2=97)
    await expect(window.value("spo2").locator(".num")).to_have_text("97", timeout=SOON_MS)

    spare = BedsideMonitor(*arrived.mllp, "SPARE-2", arrived.who.number)
    assert await spare.send(datetime.now(UTC), {"spo2": 98.0}) == "AA"
    await spare.close()
    dialog = await act(window, "Monitor")
    await dialog.locator(".option").filter(has_text="SPARE-2").get_by_role("radio").click()
    await expect(dialog.locator(".d-foot")).to_contain_text(
        f"{arrived.device} is attached here too: the values of both come to this patient."
    )


async def test_a_monitor_is_taken_off_the_patient_and_put_on_again(look: Look, arrived: Bed) -> None:
    window, board = await look(), await look()
    await board.open()
    await window.session(arrived.path)
    mine = window.page.get_by_role("dialog").locator(".option").filter(has_text=arrived.device)
    on_card = board.card(arrived.room).locator(".mon")
    for offer, said, button, done, shown in (
        ("Monitor", "attached here", "Detach", "detached", "No monitor attached"),
        ("Attach monitor", "free", "Attach", "attached", f"Monitor {arrived.device} attached"),
    ):
        dialog = await act(window, offer)
        await expect(mine).to_contain_text(said, timeout=SOON_MS)
        await mine.get_by_role("radio").click()
        if button == "Detach":
            await expect(mine).to_contain_text(f"Detach {arrived.device}")
            await expect(dialog.locator(".d-foot")).to_contain_text(
                "Its values no longer come to this patient"
            )
        await press(dialog, button)
        await expect(told(window, f"Monitor {arrived.device} {done}").first).to_be_visible(timeout=SOON_MS)
        await expect(on_card.get_by_label(shown)).to_be_visible(timeout=SOON_MS)


async def test_a_monitor_is_taken_off_a_dosed_patient_only_when_asked_once_more(
    look: Look, ward: Ward
) -> None:
    window, bed = await look(), ward.beds["8"]
    await window.session(bed.path)
    dialog = await act(window, "Monitor")
    await dialog.locator(".option").filter(has_text=f"Detach {bed.device}").get_by_role("radio").click()
    await dialog.get_by_role("button", name="Detach", exact=True).click()
    await expect(dialog).to_contain_text(f"Take {bed.device} off the patient in room 8?")
    await expect(dialog).to_contain_text("No value comes from it any more, and no alarm says so")
    await dialog.get_by_role("button", name="Back").click()
    await expect(dialog.get_by_role("button", name="Detach", exact=True)).to_be_visible()


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
    await dialog.get_by_label("SpO₂", exact=True).fill("970")
    await dialog.get_by_label("Heart rate").focus()  # told as soon as the field is left
    await expect(dialog.locator("#predose-spo2-why")).to_have_text(
        "970 is not possible here. It should be from 50 to 100 %."
    )
    await check(dialog, 52, **{"Is a ride home arranged?": "Yes", "Is pregnancy excluded?": "Yes"})
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog.locator("#predose-systolic-why")).to_have_text(
        "This cannot be right: 52/84 is not possible.", timeout=SOON_MS
    )
    for question in await dialog.get_by_role("radiogroup").all():
        await question.get_by_role("radio", checked=True).click()  # touched again: taken back
    await check(dialog, 152, **{"Is a ride home arranged?": "Yes", "Is pregnancy excluded?": "Yes"})
    await expect(dialog.locator(".d-foot")).to_contain_text(
        "Holds the dose: systolic over 140 mmHg. Measure again 5 min later."
    )
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

    dialog = await act(window, "Pre-dose check")
    await expect(dialog).to_contain_text("Measured earlier, it does not release the dose.")
    await check(dialog, 138)
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog.get_by_text("The answer is missing.")).to_be_visible()
    await dialog.get_by_label(re.compile("^Nothing has changed")).click()
    await press(dialog, "Record")
    await expect(told(window, "Pre-dose check: BP 138/84")).to_be_visible(timeout=SOON_MS)

    await prescriber.session(arrived.path)
    await due(prescriber).get_by_role("button", name=re.compile("^Blood pressure")).click()
    dialog = prescriber.page.get_by_role("dialog", name="Override: Blood pressure")
    await dialog.get_by_label("Why it may pass all the same").fill("White coat, 128/78 at home.")
    await press(dialog, "Override")
    await expect(due(window)).to_contain_text("Blood pressure: overridden", timeout=SOON_MS)
    await expect(told(window, "White coat, 128/78 at home.")).to_contain_text(
        "First prescriber", timeout=SOON_MS
    )


async def drawn_up(dialog: Locator, milligrams: str, volume: str, lot: str) -> None:
    await dialog.get_by_label("Dose", exact=True).fill(milligrams)
    await choose(dialog, "Vial strength, read from the label", "50 mg/mL")
    await dialog.get_by_label("Volume drawn up").fill(volume)
    await choose(dialog, "Site", "Left deltoid")
    await dialog.get_by_label("Lot, read from the label").fill(lot)


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
    gives, foot = dialog.locator(".d-foot .btn.main"), dialog.locator(".d-foot p")
    verdict = dialog.locator(".verdicts .verdict")
    await expect(verdict.first).to_contain_text("The numbers contradict each other")
    await expect(verdict.last).to_contain_text("Still to be entered")
    await expect(gives).to_be_disabled()
    await dialog.get_by_label("Dose", exact=True).fill("600")
    await expect(verdict.first).to_contain_text("This dose is never given", timeout=SOON_MS)
    await expect(foot).to_have_text("This dose is never given.")
    await dialog.get_by_label("Dose", exact=True).fill("60")
    await dialog.get_by_label("Volume drawn up").fill("1.2")
    await choose(dialog, "Site", "Left deltoid")
    await dialog.get_by_label("Lot, read from the label").fill("T-77")
    await expect(dialog.get_by_text("The numbers agree with each other")).to_be_visible(timeout=SOON_MS)
    await expect(dialog.locator(".sum")).to_contain_text(
        re.compile(r"60 mg50 mg/mL × 1\.2 mL · 0\.\d\d mg/kg")
    )

    await expect(foot).to_have_text("A second person has to check this dose, with their own password.")
    await gives.click(force=True)  # nobody confirms what nobody else has checked
    await expect(dialog.get_by_label("Dose", exact=True)).to_be_visible()

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
    await expect(dialog.locator(".d-ask")).to_contain_text("Checked by First prescriber, valid for")
    for _ in range(3):  # the focus stays in the question
        await window.page.keyboard.press("Shift+Tab")
        await expect(dialog.locator(".d-foot :focus")).to_have_count(1)
    await press(dialog, "Give 60 mg IM now")
    entry = told(window, "Dose ketamine 60 mg IM, deltoid left, 50 mg/mL × 1.2 mL")
    await expect(entry).to_contain_text(
        re.compile(r"First nurse.*0\.\d\d mg/kg, lot T-77, checked by First prescriber"), timeout=SOON_MS
    )
    await expect(window.page.locator(".phase-name")).to_have_text("Onset", timeout=SOON_MS)
    given.set()

    await expect(theirs.get_by_role("status").filter(has_text="Meanwhile")).to_contain_text(
        "Dose ketamine 60 mg IM", timeout=SOON_MS
    )
    await expect(theirs.locator(".verdict").first).to_contain_text(
        re.compile(r"60 mg ketamine were given by First nurse 0 min \d+ s earlier"), timeout=SOON_MS
    )
    await expect(theirs.locator(".d-foot .btn.main")).to_be_disabled()


async def test_a_booster_that_a_prescriber_signed_off_counts_with_the_dose_before(
    look: Look, ward: Ward, arrived: Bed
) -> None:
    window, prescriber = await look(), await look("prescriber")
    await prescriber.session(arrived.path)
    theirs = await act(prescriber, "Sign a dose off")
    await drawn_up(theirs, "30", "0.6", "T-78")
    await theirs.get_by_role("button", name="Sign off 30 mg IM…").click()
    await expect(theirs).to_contain_text("Sign off 30 mg ketamine intramuscular, 0.6 mL of 50 mg/mL")
    await press(theirs, "Sign off 30 mg IM now")
    await expect(told(prescriber, "Second check: ketamine 30 mg IM")).to_be_visible(timeout=SOON_MS)

    await window.session(arrived.path)
    dialog = await act(window, "Booster dose")
    await expect(dialog.get_by_text("60 mg given before in this session")).to_be_visible()
    await expect(dialog.get_by_text("signed off by First prescriber")).to_be_visible(timeout=SOON_MS)
    await drawn_up(dialog, "30", "0.6", "T-78")
    second = ward.users["prescriber"]
    await dialog.get_by_label("Their user name").fill(second["username"])
    await dialog.get_by_label("Their password").fill(second["password"])
    await window.page.keyboard.press("Enter")
    await expect(dialog.get_by_text("Checked by First prescriber")).to_be_visible(timeout=SOON_MS)
    await expect(dialog.locator(".sum")).to_contain_text("90 mg in all")
    await dialog.get_by_role("button", name="Give 30 mg IM…").click()
    await expect(dialog).to_contain_text("Give, in addition, 30 mg ketamine intramuscular")
    await press(dialog, "Give 30 mg IM now")
    await expect(told(window, "Dose ketamine 30 mg IM")).to_contain_text("additional", timeout=SOON_MS)


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
    await dialog.locator(".option").filter(has_text="First therapist").get_by_role("radio").click()
    await press(dialog, "Change")
    await expect(told(window, "First therapist is responsible")).to_be_visible(timeout=SOON_MS)
    await expect(window.page.locator(".s-facts")).to_contain_text("First therapist", timeout=SOON_MS)


async def test_a_check_stays_due_until_its_moaas_is_observed_and_is_missed_when_passed_over(
    look: Look, overlooked: Bed
) -> None:
    window = await look()
    await window.session(overlooked.path)
    line = due(window).locator("h2 .due")
    await expect(line).to_have_text(re.compile(r"^10 min check: MOAA/S\d+:\d\d late$"), timeout=SOON_MS)
    todo = due(window).locator(".todo li")
    await expect(todo).to_have_text([re.compile("^Blood pressure"), re.compile("^MOAA/S")])
    await expect(todo.locator(".boxed.on")).to_have_count(1)
    missed = window.page.get_by_role("img", name=re.compile(r"^Expected course.*; checks missed: 10 min$"))
    await expect(missed).to_be_visible()
    await expect(missed.locator(".tick.missed")).to_have_count(1)

    dialog = await act(window, "Observation")
    responsive = dialog.get_by_role("radiogroup", name="MOAA/S, responsiveness")
    await responsive.get_by_label(re.compile("^5")).click()
    await choose(dialog, "Dissociation, 0 none to 10 worst", "9")
    await press(dialog, "Record")
    await expect(line).to_have_text(re.compile(r"^20 min check"), timeout=SOON_MS)
    await expect(missed).to_be_visible()

    entry = told(window, "MOAA/S 5, dissociation 9")
    await entry.get_by_role("button", name="Correct").click(timeout=SOON_MS)
    dialog = window.page.get_by_role("dialog", name="Correct an entry")
    await expect(dialog.locator(".d-foot")).to_contain_text("Choose what was wrong.")
    await expect(dialog.get_by_role("button", name="Withdraw")).to_have_count(0)
    await choose(dialog, "What was wrong", "All of it: withdraw")
    await dialog.get_by_label("Why", exact=True).fill("Of another patient.")
    await press(dialog, "Withdraw")
    await expect(line).to_have_text(re.compile(r"^10 min check: MOAA/S"), timeout=SOON_MS)


async def test_nobody_leaves_what_they_typed_without_a_word(look: Look, arrived: Bed) -> None:
    window = await look()
    page = window.page
    asked: list[str] = []
    await window.open()
    await window.card("9").get_by_role("link").first.click()
    dialog = await act(window, "Note")
    await dialog.get_by_label("Note", exact=True).fill("Asks for water.")
    await page.go_back()
    await expect(dialog).to_contain_text("Discard what you entered?")
    await dialog.get_by_role("button", name="Keep").click()
    await page.get_by_role("link", name="KAP").click()
    await expect(dialog).to_contain_text("Discard what you entered?")
    await dialog.get_by_role("button", name="Keep").click()
    await expect(dialog.get_by_label("Note", exact=True)).to_have_value("Asks for water.")

    async def stay(question: Dialog) -> None:
        asked.append(question.type)
        await question.dismiss()

    page.on("dialog", stay)
    await page.evaluate("() => void setTimeout(() => location.reload())")
    async with asyncio.timeout(5):
        while asked != ["beforeunload"]:
            await asyncio.sleep(0.1)
    await expect(dialog.get_by_label("Note", exact=True)).to_have_value("Asks for water.")
    await page.go_back()
    await dialog.get_by_role("button", name="Discard").click()
    await expect(page).to_have_url(re.compile(r"/$"))


async def test_a_wrong_entry_is_corrected_by_a_new_one(look: Look, arrived: Bed) -> None:
    window = await look()
    await window.session(arrived.path)
    entry = told(window, "dissociation 9")
    await entry.get_by_role("button", name="Correct").click(timeout=SOON_MS)
    dialog = window.page.get_by_role("dialog", name="Correct an entry")
    await choose(dialog, "What was wrong", "A value, or its time")
    await expect(dialog.get_by_text("Was 9. Empty keeps it.")).to_be_visible()
    await expect(dialog.get_by_text("Responds only to mild prodding or shaking")).to_be_visible()
    await choose(dialog, "Dissociation, 0 none to 10 worst", "6")
    await dialog.get_by_label("Why", exact=True).fill("Misheard, she said six.")
    await press(dialog, "Correct")
    await expect(entry.locator("s")).to_have_text("MOAA/S 4, dissociation 9, dizziness", timeout=SOON_MS)
    await expect(entry.locator(".fix")).to_contain_text(
        re.compile(
            r"^Corrected to: MOAA/S 4, dissociation 6, dizziness at \d\d:\d\d by First nurse: “Misheard"
        )
    )


async def test_the_time_of_an_entry_is_corrected_too(look: Look, ward: Ward) -> None:
    window = await look()
    await window.session(ward.beds["6"].path)
    entry = told(window, "MOAA/S").last  # the first of them
    await entry.get_by_role("button", name="Correct").click(timeout=SOON_MS)
    dialog = window.page.get_by_role("dialog", name="Correct an entry")
    await choose(dialog, "What was wrong", "A value, or its time")
    was = re.search(r"\d\d:\d\d", await dialog.get_by_text(re.compile(r"^Was \d\d:\d\d")).inner_text())
    assert was
    earlier = (datetime.strptime(was[0], "%H:%M") - timedelta(minutes=1)).strftime("%H:%M")
    await dialog.get_by_label("When it was").fill(earlier)
    await dialog.get_by_label("Why", exact=True).fill("The clock of the room is fast.")
    await press(dialog, "Correct")
    await expect(entry.locator(".fix")).to_contain_text(
        re.compile(rf"^Corrected to: {earlier}, MOAA/S \d"), timeout=SOON_MS
    )


async def test_a_correction_asks_as_the_form_did_and_keeps_its_buttons_in_sight(
    look: Look, arrived: Bed
) -> None:
    window = await look(size=(1024, 768))
    await window.session(arrived.path)
    entry = told(window, "Pre-dose check: BP 138/84")
    await entry.get_by_role("button", name="Correct").click(timeout=SOON_MS)
    dialog = window.page.get_by_role("dialog", name="Correct an entry")
    await choose(dialog, "What was wrong", "A value, or its time")
    await expect(dialog.get_by_text("Was 138 mmHg. Empty keeps it.")).to_be_visible()
    await expect(dialog.locator(".more-below")).to_be_visible()
    foot = dialog.locator(".d-foot")
    assert await foot.evaluate("e => e.scrollWidth <= e.clientWidth")
    await dialog.get_by_label("Diastolic").fill("174")
    await dialog.get_by_label("Why", exact=True).fill("The cuff had slipped.")
    await foot.get_by_role("button", name="Correct").click()
    await expect(dialog).to_contain_text("This cannot be right: 138/174 is not possible.", timeout=SOON_MS)


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
    await arrived.show(spo2=89)  # which was a high alarm
    await expect(nurse.alarm("SpO₂ 89 < 93")).to_have_attribute("data-p", "medium", timeout=SOON_MS)
    await expect(nurse.page.locator('.open-alarm[data-p="high"]')).to_have_count(0)
    await arrived.show(spo2=97)


async def test_a_patient_leaves_when_every_point_is_met_or_overridden(look: Look, leaving: Bed) -> None:
    window, prescriber = await look(size=(1920, 1080)), await look("prescriber")
    await window.session(leaving.path)
    await expect(due(window)).to_contain_text(re.compile(r"\d+ of 14 points open"), timeout=SOON_MS)
    dialog = await act(window, "Discharge")
    point = dialog.locator("[data-point]")
    await expect(point).to_have_count(14)
    await leaving.act("RecordObservation", nausea=2)
    nausea = dialog.get_by_role("radiogroup", name="Nausea tolerable or none?")
    await expect(nausea).to_contain_text(
        re.compile(r"Last observed: nausea 2 of 10, at \d\d:\d\d\."), timeout=SOON_MS
    )
    await expect(nausea.get_by_role("radio", checked=True)).to_have_count(0)
    await expect(dialog.locator('[data-point="stay"]')).to_have_attribute(
        "data-state", "met", timeout=SOON_MS
    )
    await expect(dialog.locator('[data-point="stay"]')).to_contain_text(
        re.compile(r"12\d min since the last dose")
    )
    await expect(dialog.locator('[data-point="aldrete"]')).to_contain_text("The Aldrete score is missing.")
    await expect(dialog.locator('[data-point="stay"]').get_by_role("button")).to_have_count(0)
    await leaving.act("RecordObservation", moaas=4, dissociation=0)
    await expect(dialog.locator('[data-point="signatures"]')).to_contain_text(
        "Your signature waits for: Awake, MOAA/S.", timeout=SOON_MS
    )
    await expect(dialog.get_by_role("button", name="Sign: fit to leave")).to_be_disabled()

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
    foot = dialog.locator(".d-foot")
    await expect(foot).to_contain_text("Not met yet: Ride present, Signatures.")
    await expect(foot.locator(".btn.main")).to_be_disabled()
    await foot.locator(".btn.main").click(force=True)
    await expect(dialog.get_by_text("KAP stops watching this patient")).to_have_count(0)

    await prescriber.session(leaving.path)
    theirs = await act(prescriber, "Discharge")
    ride = theirs.locator('[data-point="ride"]')
    await ride.get_by_role("button", name="Override").click(timeout=SOON_MS)
    await ride.get_by_label("Why it may pass all the same").fill("Lives next door, walked home by us.")
    await ride.get_by_role("button", name="Override this").click()
    await expect(ride).to_have_attribute("data-state", "over", timeout=SOON_MS)
    await theirs.get_by_role("button", name="Sign: fit to leave").click()
    await expect(theirs).to_contain_text("Who discharges answers the rest, not you: Modified Aldrete score")
    await theirs.get_by_role("button", name="Yes, sign").click()
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
    await window.open("/today")
    gone = window.page.get_by_role("region", name=re.compile("^Gone home"))
    await expect(gone.locator(".row-room", has_text=re.compile("^10$"))).to_be_visible(timeout=SOON_MS)


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

"""Every view beside board and session, as its user needs it: in both themes, on four sizes of screen."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kap_local import bedside_monitor
from kap_local.bedside_monitor import BedsideMonitor
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Look
from tests.browser.test_layout import MOST_BYTES, SCREENS, SIZES, alarming, violations
from tests.browser.test_sound import CALL, LISTEN, hears
from tests.browser.test_visit import bed
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS, Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

SPARE = "SPARE-9"
SOON_MS = 10_000  # a read model follows the log


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def radio(page: Page | Locator, name: str) -> Locator:
    """By how its label begins: a note may follow."""
    return page.get_by_role("radio", name=re.compile(rf"^{name}\b"))


# ---- beside the patient


async def test_a_therapist_calls_the_nurse_and_hears_who_comes(look: Look, ward: Ward) -> None:
    bed = ward.beds["3"]
    beside, board = await look("therapist"), await look(size=(1920, 1080))
    await beside.open(f"{bed.path}/with")
    await expect(beside.page.get_by_role("heading", level=1)).to_have_text(
        re.compile(r"^(Peak|Comedown), \d+ minutes after the dose$"), timeout=SOON_MS
    )
    await board.board()
    await button(beside.page, "Call nurse").click()
    await expect(beside.page.get_by_text("The nurse is called")).to_be_visible(timeout=SHOWN_WITHIN_MS)
    on_card = board.card("3").locator(".card-call")
    await expect(on_card).to_contain_text("Nurse called", timeout=SHOWN_WITHIN_MS)
    await expect(board.banner).to_contain_text("Nurse called")
    assert "Nurse called, room 3" in await board.page.title()

    elsewhere = await look(script=LISTEN)
    await elsewhere.open("/today")
    await elsewhere.page.locator("h1").click()  # a page that was touched may sound
    await expect(elsewhere.page.locator(".call-chip")).to_contain_text("Room 3", timeout=SOON_MS)
    await hears(elsewhere.page, CALL)

    await board.page.get_by_role("button", name="I am going to room 3").click()
    nurse = str(ward.users["nurse"]["username"])
    coming = beside.page.get_by_text(re.compile("is coming"))
    await expect(coming).to_be_visible(timeout=SHOWN_WITHIN_MS)
    assert nurse.lower() in (await coming.inner_text()).lower()
    await expect(on_card).to_have_count(0)
    await expect(elsewhere.page.locator(".call-chip")).to_have_count(0)
    await hears(elsewhere.page)
    await button(beside.page, "Call again").wait_for()
    # an answer is for what it answered: of a high alarm after it nobody has said that they come
    await bed.show(spo2=84)
    again = button(beside.page, "Call nurse")
    await expect(again).to_be_visible(timeout=SHOWN_WITHIN_MS)
    box = await again.bounding_box()
    assert box and box["height"] >= 88
    await expect(coming).to_have_count(0)
    await expect(beside.page.locator(".call")).to_contain_text(
        re.compile(r"high alarm after .* answered at \d\d:\d\d\.")
    )


async def test_beside_the_patient_words_come_before_numbers(look: Look, ward: Ward) -> None:
    bed, window = ward.beds["7"], await look("therapist")
    await window.open("/")
    await window.card("7").get_by_role("link").click()
    page = window.page
    how = page.locator(".how")
    await expect(how).to_contain_text("Oxygen within its limits", timeout=SOON_MS)
    await expect(page.locator(".quote").first).to_be_visible(timeout=SOON_MS)
    await bed.show(spo2=84)
    await expect(how).to_contain_text("Oxygen is low", timeout=SHOWN_WITHIN_MS)
    await expect(page.locator(".t-alert")).to_contain_text("The nurses' screens show it too.")
    await bed.show(spo2=97)
    await expect(how).to_contain_text("Oxygen within its limits", timeout=SHOWN_WITHIN_MS)
    bed.silent = True
    await expect(how).to_contain_text("Breathing: not known", timeout=30_000)  # what is missing is not well
    bed.silent = False

    await page.get_by_label("What do you notice?").fill("Tears, soft.")
    await button(page, "Add").click()
    await expect(page.locator(".notes")).to_contain_text("Tears, soft.", timeout=SOON_MS)
    await expect(page.get_by_label("What do you notice?")).to_be_focused()
    await expect(page.get_by_label("What do you notice?")).to_have_value("")
    await button(page, "Something happened").click()
    dialog = page.get_by_role("dialog", name="Something happened")
    await expect(radio(dialog, "Urinary pain")).to_have_count(0)
    await button(dialog, "More").click()
    await expect(radio(dialog, "Urinary pain")).to_be_visible()
    await radio(dialog, "Distress, panic").click()
    await radio(dialog, "Minor").click()
    await button(dialog, "Record").click()
    await expect(dialog).to_have_count(0, timeout=SOON_MS)
    nurse = await look()
    await nurse.session(bed.path)
    story = nurse.page.get_by_role("region", name="Timeline")
    await expect(story).to_contain_text("Adverse event, minor: emergence distress", timeout=SOON_MS)


async def test_an_old_observation_is_not_how_the_patient_is(look: Look, ward: Ward) -> None:
    guest, now = bed(ward, 4, "12", "sublingual", -30), datetime.now(UTC)
    await guest.prepare()
    opened = {"course_id": str(guest.course_id), "room": guest.room}
    await guest.act("OpenSession", now - timedelta(minutes=50), **opened)
    await guest.act("RecordObservation", now - timedelta(minutes=40), moaas=5, dissociation=2)
    window = await look("therapist")
    await window.open(f"{guest.path}/with")
    how = window.page.locator(".how")
    awake = how.locator("li").filter(has_text="How awake: observe again")
    await expect(awake).to_have_attribute("data-state", "unknown", timeout=SOON_MS)
    await expect(awake).to_contain_text(re.compile(r"last observed \d\d:\d\d, 40 min ago: awake"))
    await expect(how).to_contain_text("How far inward: observe again")
    await guest.act("RecordObservation", moaas=4, dissociation=2)
    await expect(how).to_contain_text("Drowsy, answers to the name", timeout=SOON_MS)
    await expect(how).not_to_contain_text("observe again")
    await guest.act("AbortSession", reason="Goes home again.")


# ---- the wall


async def test_the_wall_has_no_name_nothing_to_press_and_never_times_out(look: Look, ward: Ward) -> None:
    window = await look("wall", size=(1920, 1080))
    await window.board()
    assert await window.page.locator("main button, main input, nav a").count() == 0
    await expect(window.page.locator("footer.foot")).to_contain_text("stays awake")
    sizes = await window.page.evaluate(SIZES)
    assert sizes["wide"] <= 0 and sizes["high"] <= 0
    [cookie] = await window.page.context.cookies()
    assert cookie["expires"] > datetime.now().timestamp() + timedelta(days=365).total_seconds()
    # a nurse's own look at the wall has no names either
    nurse = await look()
    await nurse.open("/wall")
    await expect(nurse.card("8")).to_be_visible(timeout=SOON_MS)
    said = await nurse.page.inner_text("main")
    assert not any(bed.who.number in said for bed in ward.beds.values())


HOLD = """
window.locks = [];
const { request } = WakeLock.prototype;
WakeLock.prototype.request = async function (kind) {
  const lock = await request.call(this, kind);
  window.locks.push(lock);
  return lock;
};
"""


async def test_a_wall_whose_screen_was_let_sleep_is_kept_awake_again(look: Look) -> None:
    window = await look("wall", script=HOLD)
    await window.board()
    foot = window.page.locator("footer.foot")
    await expect(foot).to_contain_text("stays awake")
    await window.page.evaluate("window.locks[0].release()")  # as a browser does whose window is out of sight
    await expect(foot).to_contain_text("may go to sleep")
    await window.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(foot).to_contain_text("stays awake")
    assert await window.page.evaluate("window.locks.map(lock => lock.released)") == [True, False]


async def test_the_board_shows_full_names_for_a_moment_to_who_asks(look: Look, ward: Ward) -> None:
    window = await look()
    await window.board()
    name = ward.beds["8"].who.name
    assert name not in await window.page.inner_text("main")
    await button(window.page, "Show names").click()
    await expect(window.card("8")).to_contain_text(name)
    await button(window.page, "Hide names").click()
    await expect(window.card("8")).not_to_contain_text(name)


# ---- the day, alarms, monitors


async def test_today_has_everybody_where_they_are(look: Look, ward: Ward) -> None:
    window = await look()
    await window.open("/today")
    page = window.page
    for column, room in (("Checked in", "2"), ("Under", "5"), ("Under", "7")):
        where = page.get_by_role("region", name=re.compile(f"^{column}"))
        await expect(where.locator(".row-room", has_text=re.compile(f"^{room}$"))).to_have_count(
            1, timeout=SOON_MS
        )
    name = ward.beds["5"].who.name
    await expect(page.get_by_text(name)).to_have_count(0)
    await button(page, "Show names").click()
    await expect(page.get_by_text(name)).to_have_count(1)


async def test_an_alarms_history_says_who_acknowledged_it_after_how_long(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["1"]
    await bed.show(spo2=83)
    await window.open("/alarms")
    rows = window.page.locator(".alarm-row").filter(has_text="Room 1")
    row = rows.filter(has=window.page.get_by_text(re.compile("^SpO₂ 83"))).first
    await expect(row).to_be_visible(timeout=SOON_MS)
    await row.get_by_role("button", name="Acknowledge").click()
    await expect(rows.filter(has_text="acknowledged by")).to_contain_text("SpO₂ 83", timeout=SHOWN_WITHIN_MS)
    past = window.page.locator("table.list tbody tr").filter(has_text=re.compile("SpO₂ 83")).first
    await expect(past.locator("td").nth(5)).to_have_text(re.compile(r"^\d+:\d\d$"), timeout=SOON_MS)
    assert (await past.locator("td").nth(4).inner_text()).strip() not in ("", "nobody")


async def test_a_monitor_that_nobody_attached_is_attached_from_its_list(
    look: Look, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors = ("999001^VENDOR_GLUCOSE^99VENDOR", "1.9.1.1", "264306^MDC_DIM_MILLI_MOLE_PER_L^MDC")
    monkeypatch.setitem(bedside_monitor.CODES, "glucose", vendors)
    bed, window = ward.beds["8"], await look()
    spare = BedsideMonitor(*bed.mllp, SPARE, "")
    try:
        now = datetime.now().astimezone()
        assert await spare.send(now, {"spo2": 96, "glucose": 5}, None) == "AA"
        await window.open("/devices")
        mine = window.page.locator(f'[data-device="{SPARE}"]')
        await expect(mine).to_contain_text("SpO₂ 96", timeout=SOON_MS)
        await expect(mine).to_contain_text("Unknown code 999001 (VENDOR_GLUCOSE): not charted")
        await expect(window.page.locator(".device").filter(has_text="Room 3")).to_have_count(1)
        order = "() => [...document.querySelectorAll('.device')].map((one) => one.dataset.device)"
        stood = await window.page.evaluate(order)
        await mine.get_by_role("button", name="Attach").click()
        dialog = window.page.get_by_role("dialog")
        await button(dialog, "Attach").click()
        await expect(dialog).to_contain_text("The room is missing.")
        await radio(dialog, "Room 8").check()
        await button(dialog, "Attach").click()
        await expect(mine.get_by_role("link", name="Room 8")).to_be_visible(timeout=SOON_MS)
        # it stays where it stood when it was free, and sends no more: what it last sent is no value now
        assert await window.page.evaluate(order) == stood
        await expect(mine).to_contain_text("silent for", timeout=20_000)
        await expect(mine.locator(".device-values li").first).to_have_text(
            re.compile(r"^SpO₂ ---\s+last 96 at \d\d:\d\d$")
        )
    finally:
        await spare.close()
    await bed.act("DetachDevice", device_id=SPARE)


# ---- a course of treatment


async def test_what_becomes_of_a_course_stands_on_its_page(look: Look, ward: Ward) -> None:
    guest = bed(ward, 5, "8", "intramuscular", -300)
    await guest.prepare()
    path = f"/courses/{guest.course_id}"
    window, prescriber = await look(), await look("prescriber")
    page = window.page
    await window.open(f"/patients/{guest.patient_id}")
    await button(page, "Change name or contact").click(timeout=SOON_MS)
    await page.get_by_label("New full name").fill("Thea Moor-Quill")
    await button(page, "Record").click()
    await expect(page.get_by_role("heading", name="Thea Moor-Quill")).to_be_visible(timeout=SOON_MS)

    await window.open(path)
    await button(page, "Note a preparation visit").click(timeout=SOON_MS)
    await page.get_by_role("group", name="Spoken about").get_by_label("Music").check()
    await page.get_by_label("Note", exact=True).fill("Brings songs of her own.")
    await button(page, "Record").click()
    prepared = page.locator('[data-step="prepare"]').locator(".found-list li")
    await expect(prepared.get_by_text("Brings songs of her own.")).to_be_visible(timeout=SOON_MS)
    await expect(prepared).to_have_count(2)

    await expect(page.get_by_role("button", name="Check in: open a session")).to_be_visible()
    await button(page, "Record a withdrawal of consent…").click()
    await page.get_by_label("In the patient's words").fill("Not this year.")
    await button(page, "Record").click()
    consent = page.locator('[data-step="consent"]')
    await expect(consent).to_contain_text("Withdrawn", timeout=SOON_MS)
    await expect(consent).to_contain_text("Not this year.")
    await expect(page.get_by_role("button", name="Check in: open a session")).to_have_count(0)

    await prescriber.open(path)
    await button(prescriber.page, "Close the course").click(timeout=SOON_MS)
    dialog = prescriber.page.get_by_role("dialog")
    await radio(dialog, "Stopped").check()
    await button(dialog, "Close the course").click()
    await expect(prescriber.page.get_by_text("Closed: stopped")).to_be_visible(timeout=SOON_MS)
    await expect(prescriber.page.locator("main button")).to_have_count(0)


# ---- everywhere


def views(ward: Ward) -> dict[str, tuple[str | None, str, str]]:
    """Name → role, path, what says that it is there."""
    bed = ward.beds["1"]
    return {
        "wall": ("wall", "/", "article.card"),
        "with": ("therapist", f"{bed.path}/with", ".quote"),
        "today": ("nurse", "/today", ".day .row"),
        "alarms": ("nurse", "/alarms", "table.list"),
        "monitors": ("nurse", "/devices", ".device"),
        "patients": ("nurse", "/patients", ".people .row"),
        "register": ("nurse", "/patients/new", ".form-page"),
        "patient": ("nurse", f"/patients/{bed.patient_id}", ".rows .row"),
        "course": ("nurse", f"/courses/{bed.course_id}", ".course-step"),
        "assess": ("prescriber", f"/courses/{bed.course_id}/assess", ".form-page"),
        "nowhere": ("nurse", "/no-such-place", ".nothing"),
    }


async def ready(window: Window, path: str, there: str) -> None:
    await window.open(path)
    await expect(window.page.locator(there).first).to_be_visible(timeout=SOON_MS)
    if there == ".form-page" and path.endswith("/assess"):
        await radio(window.page, "Intramuscular ketamine").check()
        await expect(window.page.locator(".ask").first).to_be_visible()
        await window.page.get_by_role("checkbox").first.check()  # a drug that the patient takes


@pytest.mark.parametrize("theme", ["night", "day"])
async def test_axe_finds_nothing_on_any_view_and_every_one_fits(look: Look, ward: Ward, theme: str) -> None:
    await alarming(ward)
    await ward.beds["7"].show(heart_rate=125, pulse_rate=124)  # more than fit into the bar
    windows: dict[str | None, Window] = {}
    found: dict[str, list[dict[str, Any]]] = {}
    wide: list[str] = []
    for name, (role, path, there) in views(ward).items():
        window = windows.get(role) or await look(role, theme=theme)
        windows[role] = window
        await ready(window, path, there)
        if wrong := await violations(window.page):
            found[name] = wrong
        for width, height in ((1920, 1080), (1366, 768), (1024, 768), (390, 844)):
            await window.page.set_viewport_size({"width": width, "height": height})
            sizes = await window.page.evaluate(SIZES)
            if sizes["wide"] > 0:
                wide.append(f"{name} at {width}×{height}: {sizes['wide']} px")
            duty = window.page.get_by_text("The bedside monitor is the primary alarm.").last
            await expect(duty).to_be_visible()
        await window.page.set_viewport_size({"width": 1366, "height": 768})
    assert found == {}
    assert wide == []  # nothing scrolls sideways


SHOTS = {"wall": (1920, 1080), "today": (1366, 768), "with": (1366, 768), "alarms": (390, 844)}
ALSO = ("monitors", "course", "assess", "patients", "patient", "register", "sign-in")


async def test_screens_of_the_views(look: Look, ward: Ward, tmp_path: Path) -> None:
    """KAP_SCREENS=1 puts these into docs/screens."""
    folder = SCREENS if os.environ.get("KAP_SCREENS") == "1" else tmp_path
    await alarming(ward)
    all_views = views(ward) | {"sign-in": (None, "/sign-in", "form")}
    for name in (*SHOTS, *ALSO):
        role, path, there = all_views[name]
        window = await look(role, size=SHOTS.get(name, (1366, 768)), theme="day" if name in ALSO else "night")
        await ready(window, path, there)
        if role:
            await expect(window.state).to_have_attribute("data-feed", "live", timeout=SOON_MS)
        await window.page.evaluate("document.fonts.ready")
        file = folder / f"{name}.png"
        await window.page.screenshot(path=file, animations="disabled")
        assert 10_000 < file.stat().st_size < MOST_BYTES
        await window.page.context.close()

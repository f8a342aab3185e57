"""An alarm on the screen: raised, answered by keyboard and mouse, answered by somebody else first."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import Look
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_alarm_is_shown_and_acknowledged_on_the_board(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["1"]
    await window.board()
    card = window.card("1")
    await bed.show(spo2=88)
    await expect(card).to_have_attribute("data-p", "high", timeout=SHOWN_WITHIN_MS)
    head = card.locator("header")
    await expect(head).to_contain_text("***")
    await expect(head).to_contain_text("SpO₂ 88 < 90")
    await expect(head.locator(".alarm-age")).to_have_text(re.compile(r"^0:0\d$"))
    await expect(window.value("spo2", "1")).to_have_attribute("data-alarm", "high")
    await expect(window.banner).to_contain_text("Room 1")
    await expect(window.banner).to_contain_text("SpO₂ 88 < 90")
    await expect(window.page.get_by_role("alert")).to_contain_text(
        "High priority alarm. Room 1: SpO₂ 88 < 90"
    )

    await window.page.get_by_role("button", name="Acknowledge room 1: SpO₂ 88 < 90").click()
    await expect(card).to_have_attribute("data-s", "acknowledged")
    await expect(head.get_by_label("acknowledged")).to_be_visible()
    await expect(window.banner).to_contain_text("No unanswered alarms, 1 acknowledged.")
    await card.get_by_role("link").click()
    said = window.alarm("SpO₂ 88 < 90")
    await expect(said.get_by_text(re.compile(r"Acknowledged by First nurse after 0:\d\d\."))).to_be_visible()

    await bed.show(spo2=97)
    await expect(said).to_have_count(0)
    await window.page.get_by_role("link", name="Back to the board").click()
    await expect(card).not_to_have_attribute("data-p", re.compile("."))
    await expect(window.banner).to_contain_text(
        re.compile(r"No open alarms\. Last: room 1, SpO₂ 88 < 90, over at")
    )


async def test_a_session_is_opened_and_an_alarm_answered_by_keyboard_alone(look: Look, ward: Ward) -> None:
    window, bed = await look(None), ward.beds["4"]
    await bed.show(spo2=92)
    await window.open()
    press = window.page.keyboard.press
    await expect(window.page.get_by_label("User name")).to_be_focused()
    await window.page.keyboard.type(ward.users["nurse"]["username"])
    await press("Tab")
    await window.page.keyboard.type(ward.users["nurse"]["password"])
    await press("Enter")
    await expect(window.banner).to_contain_text("SpO₂ 92 < 93", timeout=10_000)

    link = window.card("4").get_by_role("link")
    await window.reach(link)
    await press("Enter")
    button = window.alarm("SpO₂ 92 < 93").get_by_role("button", name="Acknowledge")
    await window.reach(button)
    await press("Enter")
    await expect(window.alarm("SpO₂ 92 < 93")).to_contain_text("Acknowledged by First nurse")
    await bed.show(spo2=97)
    await expect(window.alarm("SpO₂")).to_have_count(0)


# A finger on its way to the first alarm's button meets it in the moment when another takes the place.
MEANT_FOR_THE_OTHER = """() => new MutationObserver(() => {
  const button = document.querySelector('.banner .lead[data-p="high"] .btn.main');
  if (!button || window.touched) return;
  window.touched = true;
  button.click();
}).observe(document.querySelector(".banner"), { childList: true, subtree: true })"""


async def test_a_touch_meant_for_one_alarm_answers_no_other(look: Look, ward: Ward) -> None:
    window = await look()
    await window.board()
    await ward.beds["3"].show(spo2=92)
    button = window.banner.get_by_role("button", name="Acknowledge")
    await expect(window.banner.locator(".lead")).to_contain_text("Room 3", timeout=SHOWN_WITHIN_MS)
    first = await button.bounding_box()

    await window.page.evaluate(MEANT_FOR_THE_OTHER)
    await ward.beds["5"].show(spo2=88)
    await expect(window.banner.locator(".lead")).to_contain_text("Room 5", timeout=SHOWN_WITHIN_MS)
    await window.page.wait_for_function("window.touched")
    second = await button.bounding_box()
    assert first and second and first["x"] == second["x"], "the button moved under the finger"
    await expect(button).to_be_enabled()  # a moment later
    await expect(window.card("5")).to_have_attribute("data-s", "active")

    for room in ("5", "3"):
        await button.click()
        await expect(window.card(room)).to_have_attribute("data-s", "acknowledged")
        await ward.beds[room].show(spo2=97)
    await expect(window.banner).to_contain_text("No open alarms.")


async def test_whom_somebody_outran_is_told_so(look: Look, ward: Ward) -> None:
    slow, fast, bed = await look("nurse"), await look("prescriber"), ward.beds["3"]
    await slow.session(bed.path)
    await fast.session(bed.path)
    await bed.show(spo2=91)
    for window in (slow, fast):
        await expect(window.alarm("SpO₂ 91 < 93")).to_be_visible(timeout=SHOWN_WITHIN_MS)
    others_first = asyncio.Event()

    async def slowly(route: Route) -> None:
        await others_first.wait()
        await route.continue_()

    await slow.page.route("**/api/commands/session", slowly)
    await slow.alarm("SpO₂ 91").get_by_role("button", name="Acknowledge").click()
    await expect(slow.alarm("SpO₂ 91")).to_contain_text("Sending…")
    await fast.alarm("SpO₂ 91").get_by_role("button", name="Acknowledge").click()
    await expect(fast.alarm("SpO₂ 91")).to_contain_text("Acknowledged by First prescriber")
    others_first.set()
    refusal = slow.alarm("SpO₂ 91").locator(".refusal")
    await expect(refusal).to_have_text("This alarm was acknowledged by First prescriber.")
    await expect(slow.alarm("SpO₂ 91")).to_contain_text("Acknowledged by First prescriber")
    await bed.show(spo2=97)
    await expect(slow.alarm("SpO₂")).to_have_count(0)


# How often each priority's flash turned in three seconds; both looks of a card's head.
FLASH = """() => new Promise(done => {
  const { dataset } = document.documentElement;
  const [last, turned] = [{ ...dataset }, { high: 0, medium: 0 }];
  const observer = new MutationObserver(() => ["high", "medium"].forEach(name => {
    if (last[name] !== dataset[name]) turned[name] += 1;
    last[name] = dataset[name];
  }));
  observer.observe(document.documentElement, { attributes: true });
  setTimeout(() => { observer.disconnect(); done(turned); }, 3000);
})"""
LOOKS = """room => {
  const head = document.querySelector(`article[data-room="${room}"] header`);
  const part = head.dataset.p === "high" ? head : head.querySelector(".alarm");
  const { high, medium } = document.documentElement.dataset;
  const looks = ["lit", "dark"].map(look => {
    Object.assign(document.documentElement.dataset, { high: look, medium: look });
    return getComputedStyle(part).backgroundColor;
  });
  Object.assign(document.documentElement.dataset, { high, medium });
  return looks;
}"""
RED, YELLOW, CYAN = "rgb(224, 32, 43)", "rgb(255, 210, 31)", "rgb(44, 200, 232)"


async def test_each_priority_has_its_own_shape_words_and_flash(look: Look, ward: Ward) -> None:
    window = await look()
    page = window.page
    await window.board()
    await ward.beds["1"].show(spo2=88)
    await ward.beds["3"].show(spo2=92)
    await ward.beds["4"].show(heart_rate=48, pulse_rate=48)
    for room, priority, stars in (("1", "high", "***"), ("3", "medium", "**"), ("4", "low", "*")):
        alarm = window.card(room).locator("header .alarm")
        await expect(alarm).to_have_attribute("data-p", priority, timeout=SHOWN_WITHIN_MS)
        await expect(alarm.locator(".pri > [aria-hidden]").last).to_have_text(stars)
        await expect(alarm.locator(".pri .sr")).to_have_text(f"{priority.capitalize()} priority alarm: ")
    shapes = page.locator("header .alarm .pri path")
    assert len(set(await shapes.evaluate_all("all => all.map(p => p.getAttribute('d'))"))) == 3
    turned = await page.evaluate(FLASH)
    assert 10 <= turned["high"] <= 13, "2 Hz, half of the time dark"
    assert 3 <= turned["medium"] <= 5, "0.6 Hz"
    high, medium, low = [await page.evaluate(LOOKS, room) for room in ("1", "3", "4")]
    assert high[0] == RED and high[1] != RED
    assert medium[0] == YELLOW and medium[1] != YELLOW
    assert low == [CYAN, CYAN]  # steady
    await page.emulate_media(reduced_motion="reduce")
    await expect(page.locator("html")).to_have_attribute("data-high", "lit")
    await expect(page.locator("html")).to_have_attribute("data-medium", "lit")
    assert await page.evaluate(FLASH) == {"high": 0, "medium": 0}  # steady, and full
    spoken = page.locator(".spoken")
    await expect(spoken).to_have_attribute("role", "alert")
    await expect(spoken).to_have_text(
        "High priority alarm. Room 1: SpO₂ 88 < 90"
    )  # and nothing of the others


async def test_what_nobody_answers_is_told_to_somebody_else_and_stays_when_it_is_over(
    look: Look, ward: Ward
) -> None:
    """Of sublingual sessions the ward has medium alarms latched, and escalated after 15 seconds."""
    window, bed = await look(), ward.beds["6"]
    await bed.show(spo2=92)
    await window.session(bed.path)
    alarm = window.alarm("SpO₂ 92 < 93")
    await expect(alarm).to_have_attribute("data-s", "active", timeout=SHOWN_WITHIN_MS)
    await alarm.get_by_role("button", name="Pause 2 min").click()
    await alarm.get_by_role("button", name="Staff are with the patient").click()
    await expect(alarm).to_contain_text(re.compile(r"Sound paused until .*: staff are with the patient\."))
    await expect(alarm).to_contain_text("Nobody answered: the charge nurse is told.", timeout=20_000)
    await expect(alarm).to_have_attribute("data-s", "active")  # which breaks the pause
    await expect(alarm.get_by_label("escalated to the charge nurse")).to_be_visible()

    bed.well()
    await expect(alarm).to_have_attribute("data-s", "latched", timeout=10_000)
    await expect(alarm).to_contain_text("nobody has acknowledged it yet")
    await alarm.get_by_role("button", name="Acknowledge").click()
    await expect(alarm).to_have_count(0)
    timeline = window.page.get_by_role("region", name="Timeline")
    await expect(timeline).to_contain_text("sound paused, staff are with the patient", timeout=10_000)
    await expect(timeline).to_contain_text("escalated to the charge nurse")


async def test_the_page_of_alarms_counts_as_the_bar_does_and_says_how_long_one_that_is_over_lasted(
    look: Look, ward: Ward
) -> None:
    window, bed = await look(size=(390, 844)), ward.beds["6"]
    await ward.beds["4"].show(heart_rate=48, pulse_rate=48)
    await bed.show(spo2=92)  # a medium one, which stays when it is over
    await window.open("/alarms")
    rows = window.page.locator(".alarm-row")
    await expect(rows).to_have_count(2, timeout=10_000)
    bed.well()
    await expect(rows.first).to_have_attribute("data-s", "latched", timeout=10_000)
    await expect(rows.first).to_contain_text("over: SpO₂ 92 < 93")  # before the low one that holds
    await expect(rows.first).to_contain_text(re.compile(r"lasted 0:\d\d, waits for an answer"))
    heading = window.page.get_by_role("heading", name=re.compile("^Open"))
    await expect(heading).to_have_text("Open 2 not acknowledged")
    await expect(window.page.locator("nav .count")).to_contain_text("2")
    await rows.last.get_by_role("button", name="Acknowledge").click()
    await expect(heading).to_have_text("Open 1 not acknowledged, 1 acknowledged", timeout=10_000)
    await expect(window.page.locator("nav .count")).to_contain_text("1")
    history = window.page.get_by_role("region", name="History of alarms")
    await expect(history.locator("tbody tr").first).to_be_visible(timeout=10_000)
    assert await history.evaluate(
        "box => box.scrollWidth <= box.clientWidth"
    )  # nothing of it is cut on a phone

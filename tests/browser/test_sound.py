"""What is heard: the worst alarm; nothing of what is paused or acknowledged; a tone when nothing is live."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.test_silence import KEEP_SOCKETS
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS, Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

HIGH, MEDIUM, LOW, CALL, LOST = 7, 9, 20, 10, 6  # seconds from burst to burst
HUNG_S = 10

# every sound that the page starts: how long its pattern is, whether it repeats, when asked for, begun, ended
LISTEN = """
window.sounds = [];
const { start, stop } = AudioBufferSourceNode.prototype;
AudioBufferSourceNode.prototype.start = function (when = 0) {
  window.context = this.context;
  const now = this.context.currentTime;
  const { buffer: { duration: every }, loop } = this;
  window.sounds.push({ node: this, every, loop, asked: now, from: Math.max(when, now) });
  return start.call(this, when);
};
AudioBufferSourceNode.prototype.stop = function (...given) {
  window.sounds.find(({ node }) => node === this).to = this.context.currentTime;
  return stop.call(this, ...given);
};
window.heard = () => window.sounds
  .filter(({ loop, from, to }) => loop && to === undefined && from <= window.context.currentTime)
  .map(({ every }) => every);
"""
# A browser gives no sound before the page is touched; what the driver asks would count as a touch.
BLOCKED = """
let touched = false;
addEventListener("pointerdown", () => { touched = true; }, true);
window.AudioContext = class extends AudioContext {
  constructor(...given) { super(...given); super.suspend(); }
  resume() { return touched ? super.resume() : new Promise(() => {}); }
};
"""


async def hears(page: Page, *patterns: int) -> None:
    wanted = "patterns => JSON.stringify(window.heard()) === JSON.stringify(patterns)"
    await page.wait_for_function(wanted, arg=list(patterns), polling=100, timeout=8_000)


async def tone_when_lost(window: Window) -> None:
    page = window.page
    await page.context.set_offline(True)
    await page.evaluate("window.sockets.forEach(socket => socket.close())")
    await hears(page, LOST)
    await window.banner.get_by_role("button", name="Silence 2 min").click()
    await hears(page)
    await page.context.set_offline(False)
    await expect(window.state).to_have_attribute("data-feed", "live", timeout=20_000)


async def test_the_worst_alarm_is_heard_until_it_is_answered(look: Look, ward: Ward) -> None:
    window, one, other = await look(None, script=LISTEN + KEEP_SOCKETS), ward.beds["1"], ward.beds["5"]
    page = window.page
    await window.open()
    nurse = ward.users["nurse"]
    await window.type_in(nurse["username"], nurse["password"])  # whoever signs in has touched the page
    await expect(page.get_by_role("button", name="Sound on")).to_be_visible(timeout=15_000)
    await expect(window.banner).to_contain_text("No open alarms.")
    await hears(page)

    await one.show(heart_rate=48, pulse_rate=48)
    await expect(window.card("1").locator("header .alarm")).to_have_attribute("data-p", "low")
    await hears(page, LOW)
    await one.show(spo2=88)
    await hears(page, HIGH)
    await other.show(heart_rate=125, pulse_rate=125)
    await expect(window.card("5").locator("header .alarm")).to_have_attribute("data-p", "medium")
    await hears(page, HIGH)
    await page.get_by_role("button", name="Acknowledge room 1: SpO₂ 88 < 90").click()
    await hears(page, MEDIUM)

    await page.get_by_role("button", name="Pause 2 min room 5").click()
    await page.get_by_role("button", name="Patient is moving").click()
    head = window.card("5").locator("header")
    await expect(head).to_have_attribute("data-s", "paused", timeout=SHOWN_WITHIN_MS)
    await expect(head.locator(".alarm-age")).to_have_text(re.compile(r"^(2:00|1:5\d)$"))  # counts down
    await expect(head.get_by_label("sound paused")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("^Rm 5 paused 1:[45]"))).to_be_visible()
    await hears(page, LOW)
    one.well()
    await hears(page)
    await other.show(respiratory_rate=8)  # worse, on the same patient: the pause is broken
    await hears(page, HIGH)
    await expect(window.banner).to_contain_text("Room 5")
    other.well()
    await expect(window.banner).to_contain_text("No open alarms.", timeout=10_000)
    await hears(page)
    await tone_when_lost(window)


async def test_a_screen_that_cannot_be_heard_says_so_until_it_is_touched(look: Look, ward: Ward) -> None:
    window, bed = await look(script=LISTEN + BLOCKED), ward.beds["1"]
    page = window.page
    await window.board()
    off, on = page.get_by_role("button", name="SOUND OFF"), page.get_by_role("button", name="Sound on")
    await expect(off).to_be_visible()
    await bed.show(spo2=88)
    await expect(window.card("1")).to_have_attribute("data-p", "high", timeout=SHOWN_WITHIN_MS)
    assert await page.evaluate("window.sounds.length") == 0
    await page.locator("body").click(position={"x": 5, "y": 5})
    await expect(on).to_be_visible()
    await hears(page, HIGH)
    await page.evaluate("window.context.suspend()")  # as a browser or a headset does
    await expect(off).to_be_visible()
    await off.click(delay=500)  # a slow finger arms the sound, and plays no test of it
    await expect(on).to_be_visible()
    await page.evaluate("window.context.suspend()")
    await off.press("Space", delay=500)
    await expect(on).to_be_visible()
    bed.well()
    await hears(page)
    await on.click()
    played = await page.evaluate("window.sounds.filter(({ loop }) => !loop).map(({ every }) => every)")
    assert played == [HIGH]
    await page.set_viewport_size({"width": 1920, "height": 1080})
    await expect(on).to_contain_text(re.compile(r"test \d\d:\d\d"))


async def test_a_page_that_hangs_sounds_by_itself_and_says_so_afterwards(look: Look, ward: Ward) -> None:
    window = await look(script=LISTEN)
    page = window.page
    await window.board()
    await page.locator("body").click(position={"x": 5, "y": 5})
    await expect(page.get_by_role("button", name="Sound on")).to_be_visible()
    await page.wait_for_function("() => window.sounds.length > 0")
    dot = page.locator(".pulse-track i")
    before = await dot.get_attribute("style")
    await page.evaluate(
        f"() => {{ const end = performance.now() + {HUNG_S * 1000}; while (performance.now() < end); }}"
    )
    assert before  # it was moved by frames, and none was drawn meanwhile
    await expect(window.state).to_have_attribute("data-feed", "stalled")
    await expect(window.state).to_contain_text(re.compile(r"Stood still \d+\.\d s"))
    sounded = "window.sounds.filter(({ asked, from, to }) => from > asked && to > from + 0.5).length"
    assert await page.evaluate(sounded) == 1, "the tone was heard while nothing could run"
    await hears(page)
    await expect(window.value("spo2", "1")).to_have_attribute("data-state", "fresh")

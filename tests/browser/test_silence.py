"""What has stopped, and where: no screen may show an old value as if it were one of now."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.test_layout import keeps_its_rule
from tests.browser.ward import Ward
from tests.browser.window import FEED_LOST_S, NO_DATA_S, NOTICED_WITHIN_S, Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

STALE_S = 5.0
BACK_WITHIN_MS = 20_000
# so that a test can cut the page's connections as a dead network does
KEEP_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};
"""


async def nothing_is_live(window: Window) -> None:
    """The whole screen says so: its edge, its banner, its title, and not one value is left standing."""
    within = (FEED_LOST_S + NOTICED_WITHIN_S) * 1000
    await expect(window.page.locator(".lost-frame")).to_be_visible(timeout=within)
    await expect(window.banner).to_contain_text(re.compile(r"No live data for \d:\d\d\."))
    await expect(window.banner).to_contain_text("Go to the bedside monitors.")
    await expect(window.state).to_contain_text("No feed")
    await expect(window.page).to_have_title("NO LIVE DATA · KAP")
    assert set(await window.page.locator(".v .num").all_inner_texts()) == {"---"}
    assert set(await window.page.locator(".v .why").all_inner_texts()) == {"feed lost"}


async def everything_is_live(window: Window) -> None:
    """It came back by itself: the page was not loaded anew, and shows every value of now."""
    await expect(window.state).to_have_attribute("data-feed", "live", timeout=BACK_WITHIN_MS)
    await expect(window.page.locator(".lost-frame")).to_have_count(0)
    for kind in ("spo2", "pulse", "resp"):
        fresh = window.page.locator(f'.card [data-signal="{kind}"][data-state="fresh"]')
        await expect(fresh).to_have_count(8, timeout=BACK_WITHIN_MS)
    assert await window.page.evaluate("window.kept") is True
    await expect(window.page).to_have_title("KAP")


@asynccontextmanager
async def watched(look: Look, script: str = "") -> AsyncIterator[Window]:
    """A board on which the block stops something; afterwards it must be whole again."""
    window = await look(script=script)
    await window.board()
    await window.page.evaluate("window.kept = true")
    yield window
    await everything_is_live(window)


async def test_a_server_that_hangs(look: Look, ward: Ward) -> None:
    async with watched(look) as window:
        with ward.stopped("gateway"):
            await nothing_is_live(window)


async def test_a_server_that_was_killed(look: Look, ward: Ward) -> None:
    async with watched(look) as window:
        supervisor = ward.up.process
        supervisor.send_signal(signal.SIGSTOP)  # else it starts the server again before anybody notices
        try:
            os.kill(ward.pid("gateway"), signal.SIGKILL)
            await nothing_is_live(window)
        finally:
            supervisor.send_signal(signal.SIGCONT)


async def test_a_network_that_is_gone(look: Look, ward: Ward) -> None:
    async with watched(look, KEEP_SOCKETS) as window:
        context = window.page.context
        await context.set_offline(True)
        await window.page.evaluate("window.sockets.forEach(socket => socket.close())")
        await nothing_is_live(window)
        await ward.beds["3"].show(spo2=94)
        await context.set_offline(False)
        await expect(window.value("spo2", "3").locator(".num")).to_have_text("94", timeout=BACK_WITHIN_MS)


# a machine whose clock is 7 seconds fast
FAST = """
const [now, Real] = [Date.now, Date];
Date.now = () => now.call(Real) + 7000;
window.Date = class extends Real {
  constructor(...given) { given.length ? super(...given) : super(Real.now()); }
};
"""


async def test_a_machine_whose_clock_is_wrong_says_so_and_shows_true_ages(look: Look, ward: Ward) -> None:
    window = await look(script=FAST)
    await window.open()
    await expect(window.state).to_have_attribute("data-feed", "skew", timeout=15_000)
    await expect(window.state).to_contain_text("Clock off 7.0 s")
    for kind in ("spo2", "pulse", "resp"):
        fresh = window.page.locator(f'.card [data-signal="{kind}"][data-state="fresh"]')
        await expect(fresh).to_have_count(8)
    shown = await window.page.locator("time.clock").get_attribute("datetime")
    real = await window.page.evaluate("new Date(Date.now() - 7000).toTimeString().slice(0, 8)")
    seconds = [int(part) for time in (shown, real) for part in str(time).split(":")]
    assert (
        abs((seconds[1] - seconds[4]) * 60 + seconds[2] - seconds[5]) <= 2
    )  # the server's, not this machine's


async def test_nothing_clinical_is_kept_by_the_browser(look: Look, ward: Ward) -> None:
    window = await look()
    kept: list[str] = []
    window.page.on(
        "response",
        lambda r: (
            kept.append(r.url)
            if "/assets/" not in r.url and "no-store" not in r.headers.get("cache-control", "")
            else None
        ),
    )
    await window.session(ward.beds["4"].path)
    await window.chart_drawn()
    assert [url for url in kept if not url.endswith("/icon.svg")] == []
    there = (
        "async () => (await navigator.serviceWorker.getRegistrations()).length + (await caches.keys()).length"
    )
    assert await window.page.evaluate(there) == 0


async def test_a_silent_monitor_is_told_from_a_sensor_that_is_off(look: Look, ward: Ward) -> None:
    window = await look()
    await window.board()
    silent, off = ward.beds["8"], ward.beds["7"]
    clock = asyncio.get_running_loop().time
    started = clock()
    silent.silent = True
    await off.show(spo2=None, pulse_rate=None)

    async def becomes(room: str, state: str, limit: float) -> None:
        left = limit + NOTICED_WITHIN_S - (clock() - started)
        await expect(window.value("spo2", room)).to_have_attribute("data-state", state, timeout=left * 1000)
        assert clock() - started > limit - 1.5

    for room in ("7", "8"):
        await becomes(room, "stale", STALE_S)
    for room in ("7", "8"):
        await becomes(room, "gone", NO_DATA_S)
        await expect(window.value("spo2", room).locator(".num")).to_have_text("---")
        await expect(window.value("spo2", room)).to_contain_text(re.compile(r"last \d\d"))
    await expect(window.value("spo2", "7").locator(".why")).to_have_text("sensor off")
    await expect(window.value("pulse", "7")).to_contain_text("HR")  # the ECG's goes on
    await expect(window.value("pulse", "7")).to_have_attribute("data-state", "fresh")
    await expect(window.value("resp", "7")).to_have_attribute("data-state", "fresh")
    for kind in ("spo2", "pulse", "resp"):
        await expect(window.value(kind, "8").locator(".why")).to_have_text("link lost")
    await expect(window.card("8").locator("header")).to_contain_text("No data")
    for width in (1920, 390):
        await window.page.set_viewport_size({"width": width, "height": 800})
        for room in ("7", "8"):
            await expect(window.value("spo2", room).locator(".why")).to_be_visible()
    await expect(window.state).to_have_attribute("data-feed", "live")  # the others are
    await expect(window.page.locator(".behind-bar")).to_have_count(0)  # it is these two cards' affair
    await expect(window.page).to_have_title("KAP")
    await window.session(silent.path)  # where two monitors may be attached
    await expect(window.page.locator(".open-alarm")).to_contain_text(f"Monitor {silent.device}.")
    await window.board()

    silent.well()
    off.well()
    for room in ("7", "8"):
        await expect(window.value("spo2", room)).to_have_attribute("data-state", "fresh", timeout=5_000)
    await expect(window.card("8")).not_to_have_attribute("data-p", re.compile("."))


async def all_words_fit(window: Window) -> None:
    inside = """bar => [...bar.querySelectorAll("b, strong, div > span")].every(words => {
      const [a, b] = [bar.getBoundingClientRect(), words.getBoundingClientRect()];
      return b.left >= a.left && b.right <= a.right && b.top >= a.top && b.bottom <= a.bottom;
    })"""
    assert await window.page.locator(".behind-bar").evaluate(inside), window.page.viewport_size


async def behind(window: Window) -> None:
    within = (STALE_S + NOTICED_WITHIN_S) * 1000
    await expect(window.state).to_have_attribute("data-feed", "behind", timeout=within)
    await expect(window.state).to_contain_text("Behind")
    await expect(window.page.locator(".lost-frame")).to_have_count(0)  # this screen does hear the server
    bar = window.banner.get_by_role("status")
    await expect(bar).to_contain_text(re.compile(r"No new values from the monitors for \d:\d\d\."))
    await expect(bar).to_contain_text("The server is behind: alarms may be missing.")
    await expect(bar.get_by_text("Go to the bedside monitors.")).to_be_visible()
    await all_words_fit(window)
    await expect(window.page).to_have_title("SERVER BEHIND · KAP")
    grey = window.page.locator('.card [data-signal="spo2"][data-state="stale"]')
    await expect(grey).to_have_count(8, timeout=within)


async def test_a_service_that_takes_nothing_in_is_told_from_silent_monitors(look: Look, ward: Ward) -> None:
    async with watched(look) as window:
        with ward.stopped("session-monitor"):
            await behind(window)
            left = (NO_DATA_S - STALE_S + NOTICED_WITHIN_S) * 1000
            cause = window.page.locator('.card [data-signal="spo2"] .why').filter(has_text="server behind")
            await expect(cause).to_have_count(8, timeout=left)
            assert set(await window.page.locator(".card .why").all_inner_texts()) == {"server behind"}
    await ward.settle()  # a gap of 15 s is an alarm, over by now; in sublingual sessions it has latched
    await expect(window.banner).to_contain_text("No open alarms.", timeout=BACK_WITHIN_MS)


async def test_a_server_that_is_behind_says_so_on_a_sessions_page(look: Look, ward: Ward) -> None:
    window = await look()
    await window.session(ward.beds["4"].path)
    with ward.stopped("session-monitor"):
        await expect(window.banner.get_by_role("status")).to_contain_text(
            "alarms may be missing. Go to the bedside monitors.", timeout=(STALE_S + NOTICED_WITHIN_S) * 1000
        )
        await expect(window.page.locator(".live-pill")).to_have_text("Not live")
    await expect(window.banner).to_have_count(0, timeout=BACK_WITHIN_MS)


async def test_a_lost_feed_leaves_nothing_live_on_a_sessions_page(look: Look, ward: Ward) -> None:
    window = await look(size=(1920, 1080))
    await window.session(ward.beds["4"].path)
    await ward.beds["1"].show(spo2=88)
    chip = window.page.locator(".elsewhere .chip")
    await expect(chip).to_have_attribute("data-s", "active", timeout=10_000)
    await expect(window.page.locator(".live-pill")).to_have_text("Following now")
    with ward.stopped("gateway"):
        await nothing_is_live(window)
        await expect(chip).to_have_attribute("data-s", "unknown")  # which does not flash
        await expect(chip).to_contain_text("was SpO₂ 88 < 90")
        await expect(window.page.locator(".live-pill")).to_have_text("Not live")
    ward.beds["1"].well()
    await expect(chip).to_have_count(0, timeout=BACK_WITHIN_MS)
    await expect(window.page.locator(".live-pill")).to_have_text("Following now")
    await window.chart_drawn()  # in its own colours again


async def test_a_server_that_is_behind_hides_no_open_alarm_and_none_of_its_words(
    look: Look, ward: Ward
) -> None:
    window = await look()
    await window.board()
    for room in ("1", "2", "3", "5", "6"):
        await ward.beds[room].show(spo2=88)
    chips = window.banner.locator(".chips > .chip:not(.more)")
    await expect(chips).to_have_count(4, timeout=10_000)  # and the alarm before them
    with ward.stopped("session-monitor"):
        await behind(window)
        await expect(chips).to_have_count(5)
        for width in (1920, 1366, 1024, 390):
            await window.page.set_viewport_size({"width": width, "height": 800})
            await all_words_fit(window)
            await keeps_its_rule(window.page, ".banner", 5)
    for bed in ward.beds.values():
        bed.well()
    await ward.settle()  # a gap of 15 s is an alarm, over by now; in sublingual sessions it has latched
    await expect(window.banner).to_contain_text("No open alarms.", timeout=BACK_WITHIN_MS)


async def test_a_log_that_hangs_is_told_from_silent_monitors(look: Look, ward: Ward) -> None:
    async with watched(look) as window:
        with ward.stopped("nats"):
            await behind(window)
    await ward.settle()  # a gap of 15 s is an alarm, over by now; in sublingual sessions it has latched
    await expect(window.banner).to_contain_text("No open alarms.", timeout=BACK_WITHIN_MS)

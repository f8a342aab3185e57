"""For everyone who works here: with a finger, by keys alone, with any eyes; nothing moves under the hand."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from kap.ids import uuid7
from kap_local.bedside_monitor import BedsideMonitor
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Look
from tests.browser.test_layout import alarming, all_alarm, violations
from tests.browser.test_silence import KEEP_SOCKETS
from tests.browser.test_views import SOON_MS, button, ready, views
from tests.browser.test_visit import SMALL, bed, told
from tests.browser.ward import Ward
from tests.browser.window import FEED_LOST_S, NOTICED_WITHIN_S, Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

SPARE = "SPARE-8"

# What can be touched and is too small: 24 px for all, 44 px for what answers or changes the record. A card's
# link is its whole card, a field's target its box; a link in a sentence is as high as the line (WCAG 2.5.8).
TOO_SMALL = """() => {
  const all = "a[href], button, input:not([type=radio], [type=checkbox]), textarea, label.option";
  const clinical = ":is(main, .banner) :is(.btn, .act, .todo button, .option, .input)";
  const target = e => e.matches(".card h2 a") ? e.closest(".card") : e.closest(".input") ?? e;
  return [...document.querySelectorAll(all)].filter(e => e.checkVisibility({ visibilityProperty: true }))
    .flatMap(e => {
      const { width, height } = target(e).getBoundingClientRect();
      const least = target(e).matches(clinical) ? 44 : 24;
      const within = e.matches("p > *") && e.parentElement.textContent.length > e.textContent.length + 20;
      const said = `${e.className} ${e.ariaLabel ?? e.textContent}: ${width.toFixed()}×${height.toFixed()}`;
      return width < least - 0.5 || (height < least - 0.5 && !within) ? [said] : [];
    });
}"""


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
async def test_every_target_is_large_enough(look: Look, ward: Ward, size: tuple[int, int]) -> None:
    await alarming(ward)
    here = ward.beds["1"].path
    places = {
        "sign-in": (None, "/sign-in", "form"),
        "board": ("nurse", "/", "article.card"),
        "session": ("nurse", here, ".tl-item"),
        **views(ward),
    }
    windows: dict[str | None, Window] = {}
    small: dict[str, list[str]] = {}
    for name, (role, path, there) in places.items():
        window = windows.get(role) or await look(role, size=size)
        windows[role] = window
        await ready(window, path, there)
        if name == "board":
            await all_alarm(window)
        if found := await window.page.evaluate(TOO_SMALL):
            small[name] = found
    assert not small, "\n".join(f"{name}: {found}" for name, found in small.items())


# ---- axe, where no other test looks: what opens over a view, and a screen that is blind


async def both_themes(page: Page, what: str) -> None:
    for theme in ("day", "night"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        settled = "() => !document.getAnimations().some(one => one instanceof CSSTransition)"
        await page.wait_for_function(settled)
        assert await violations(page) == [], f"{what}, {theme}"


async def test_axe_finds_nothing_in_what_opens_over_a_view(look: Look, ward: Ward) -> None:
    """And the keyboard alone opens and leaves it, and its targets are large enough."""
    guest = bed(ward, 3, "11", "intramuscular", -300)
    await guest.prepare()
    fresh = uuid7()
    await guest.send(
        "nurse", "intake", "OpenCourse", datetime.now(UTC),
        patient_id=str(guest.patient_id), course_id=str(fresh), indication="pain",
    )  # fmt: skip
    spare = BedsideMonitor(*guest.mllp, SPARE, "")
    assert await spare.send(datetime.now(UTC), {"spo2": 96}) == "AA"
    await spare.close()
    course = f"/courses/{guest.course_id}"
    opens: list[tuple[str, str, tuple[str, ...]]] = [
        ("nurse", f"/patients/{guest.patient_id}", ("Change name or contact", "Open a course of treatment")),
        ("nurse", f"/courses/{fresh}", ("Record consent", "Plan a visit")),
        ("nurse", course, ("Record a withdrawal of consent…", "Prepare again", "Note a preparation visit")),
        ("nurse", course, ("Plan another visit", "Check in: open a session")),
        ("prescriber", course, ("Close the course",)),
        ("nurse", "/devices", (f"Attach {SPARE}",)),
        ("nurse", ward.beds["2"].path, ("Pre-dose check", "Give dose")),
        ("nurse", ward.beds["4"].path, ("Correct: First nurse is responsible",)),
        ("therapist", f"{ward.beds['4'].path}/with", ("Something happened",)),
    ]
    windows: dict[str, Window] = {}
    for role, path, names in opens:
        window = windows.get(role) or await look(role)
        windows[role] = window
        await window.open(path)
        for name in names:
            opener = button(window.page, name).last
            await opener.focus(timeout=SOON_MS)
            await window.page.keyboard.press("Enter")
            dialog = window.page.get_by_role("dialog")
            await expect(dialog.locator(":focus"), name).to_have_count(1)
            await both_themes(window.page, name)
            assert await window.page.evaluate(SMALL) == [], name
            await window.page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
            await expect(opener).to_be_focused()


async def test_axe_finds_nothing_on_a_screen_that_lost_its_feed(look: Look, ward: Ward) -> None:
    for path in ("/", ward.beds["1"].path, f"{ward.beds['1'].path}/with", "/alarms"):
        window = await look(script=KEEP_SOCKETS)
        await window.open(path)
        await expect(window.state).to_have_attribute("data-feed", "live", timeout=SOON_MS)
        await window.page.context.set_offline(True)
        await window.page.evaluate("window.sockets.forEach(socket => socket.close())")
        await expect(window.page.locator(".lost-frame")).to_be_visible(
            timeout=(FEED_LOST_S + NOTICED_WITHIN_S) * 1000
        )
        await both_themes(window.page, path)
        await window.page.context.close()


# ---- keys alone

# the ring around what has the focus, or around the option, field or card that it stands for
RING = """() => {
  const e = document.activeElement;
  const around = [e, e.closest(".option"), e.closest(".input"), e.closest(".card")].filter(Boolean);
  return around.map(one => getComputedStyle(one))
    .some(s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2);
}"""


async def test_an_observation_is_recorded_by_keys_alone_with_the_focus_in_sight(
    look: Look, ward: Ward
) -> None:
    """Three presses: the card, the action, Record."""
    window = await look()
    page = window.page
    await window.board()

    async def tab_to(target: Locator, tries: int = 90) -> None:
        await target.wait_for()
        for _ in range(tries):
            if await target.evaluate("e => e === document.activeElement"):
                return
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement !== document.body"):
                focused = "document.activeElement.outerHTML.slice(0, 200)"
                assert await page.evaluate(RING), f"no ring: {await page.evaluate(focused)}"
        raise AssertionError("Tab does not lead there")

    await tab_to(window.card("4").get_by_role("link"))
    await page.keyboard.press("Enter")
    await tab_to(button(page, "Observation"))
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    scale = dialog.get_by_role("radiogroup", name="Dissociation, 0 none to 10 worst")
    await tab_to(scale.get_by_role("radio").first)
    for _ in range(7):
        await page.keyboard.press("ArrowRight")
    await expect(scale.get_by_role("radio", name="7", exact=True)).to_be_checked()
    await tab_to(button(dialog, "Record"))
    await page.keyboard.press("Enter")
    await expect(dialog).to_have_count(0, timeout=SOON_MS)
    await expect(told(window, "dissociation 7")).to_be_visible(timeout=SOON_MS)


# ---- nothing moves

SHIFTS = """() => {
  // words that grow keep one of their edges
  const moved = (was, is) => was.y !== is.y || (was.x !== is.x && Math.abs(was.right - is.right) > 2);
  window.shifts = [];
  const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round);
  // what is due, and the story under it, move by the clock and not by a value
  const timed = node =>
    (node instanceof Element ? node : node?.parentElement)?.closest(".due, .due-panel, .timeline");
  const name = node => node.outerHTML?.slice(0, 80) ?? `${node.parentElement?.className} ${node.textContent}`;
  const seen = ({ node, previousRect: was, currentRect: is }) =>
    moved(was, is) && !timed(node) ? [`${node && name(node)} ${box(was)} → ${box(is)}`] : [];
  new PerformanceObserver(list => list.getEntries().forEach(({ sources }) =>
    window.shifts.push(...sources.flatMap(seen))
  )).observe({ type: "layout-shift" });
}"""
# as narrow and as wide as a value becomes, without an alarm
CHANGES: list[dict[str, float]] = [
    {"spo2": 99, "pulse_rate": 58, "heart_rate": 58, "respiratory_rate": 11},
    {"spo2": 100, "pulse_rate": 110, "heart_rate": 110, "respiratory_rate": 20},
    {"spo2": 97, "pulse_rate": 99, "heart_rate": 99, "respiratory_rate": 10},
    {"spo2": 100, "pulse_rate": 101, "heart_rate": 101, "respiratory_rate": 12},
]


async def test_nothing_moves_when_values_change(look: Look, ward: Ward) -> None:
    here = ward.beds["8"]
    windows = [
        (await look(size=(1920, 1080)), "/"),
        (await look(size=(1366, 768)), here.path),
        (await look("therapist", size=(1366, 768)), f"{here.path}/with"),
        (await look(size=(390, 844)), "/"),
    ]
    for window, path in windows:
        await window.open(path)
        await expect(window.state).to_have_attribute("data-feed", "live", timeout=SOON_MS)
    await windows[1][0].chart_drawn()
    await expect(windows[1][0].page.locator(".tl-item").first).to_be_visible(timeout=SOON_MS)
    await asyncio.sleep(1)
    for window, _ in windows:
        await window.page.evaluate(SHIFTS)
    for systolic, diastolic, change in zip((98, 148, 102, 99), (56, 92, 60, 58), CHANGES, strict=True):
        here.cuff = (datetime.now(UTC), {"systolic": systolic, "diastolic": diastolic})
        await asyncio.gather(*(one.show(**change) for one in ward.beds.values()))
        num = windows[1][0].value("bp").locator(".num")
        await expect(num).to_have_text(f"{systolic}/{diastolic}", timeout=SOON_MS)
        await asyncio.sleep(1)
    moved: dict[str, Any] = {
        f"{path} at {window.page.viewport_size}": shifts
        for window, path in windows
        if (shifts := await window.page.evaluate("window.shifts"))
    }
    assert not moved, "\n".join(f"{where}: {shifts[:6]}" for where, shifts in moved.items())

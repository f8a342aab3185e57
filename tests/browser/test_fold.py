"""What a nurse reaches for stays in sight on the screens that wards have; what is below a fold is told."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.test_layout import alarming
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS

pytestmark = pytest.mark.asyncio(loop_scope="package")

SOON_MS = 10_000
# Buttons that cannot be touched where they stand: cut off, or under something else.
COVERED = """(what) => [...document.querySelectorAll(what)].filter((e) => {
  const { left, right, top, bottom } = e.getBoundingClientRect();
  const corners = [[left + 4, top + 4], [right - 4, bottom - 4]];
  return corners.some(([x, y]) => !e.contains(document.elementFromPoint(x, y)));
}).map((e) => e.textContent)"""
BAR = """() => {
  const parts = document.querySelectorAll(".chart-bar :is(.seg, .seg button, .live-pill, .icon-text)");
  return [...parts].map((e) => {
    const { x, y, width, height } = e.getBoundingClientRect();
    return { what: e.title || e.textContent, x, y, width, height };
  });
}"""
LINES = """() => [...document.querySelectorAll(".day-col .row small")].map((e) => ({
  said: e.textContent, height: e.getBoundingClientRect().height, cut: e.scrollWidth - e.clientWidth,
}))"""


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (1024, 768)])
async def test_every_action_and_alarm_is_in_reach_however_many_alarms_are_open(
    look: Look, ward: Ward, size: tuple[int, int]
) -> None:
    window, bed = await look("prescriber", size=size), ward.beds["3"]
    await window.session(bed.path)
    page = window.page
    actions = page.get_by_role("region", name="Record").get_by_role("button")
    await expect(actions).not_to_have_count(0)
    where = await actions.first.bounding_box()
    for said, alarms in (
        ({"spo2": 97.0}, 0),
        ({"spo2": 92.0}, 1),
        ({"spo2": 88.0}, 2),
        ({"heart_rate": 125.0, "pulse_rate": 124.0, "respiratory_rate": 8.0}, 4),
    ):
        await bed.show(**said)
        await expect(page.locator(".open-alarm")).to_have_count(alarms, timeout=SOON_MS)
        assert await page.evaluate(COVERED, ".acts button") == [], f"{alarms} alarms"
        assert await page.evaluate(COVERED, ".open-alarm button") == [], f"{alarms} alarms"
        assert await actions.first.bounding_box() == where  # nothing moves under a finger
    brief = page.locator(".open-alarm.brief").first
    await brief.get_by_role("button", name="Pause 2 min").click()
    await brief.get_by_role("button", name="Patient is moving").click()
    await expect(brief).to_contain_text("Sound paused until", timeout=SOON_MS)
    await brief.get_by_role("button", name="Acknowledge").click()
    await expect(page.locator(".open-alarm", has_text="Acknowledged by")).to_have_count(1, timeout=SOON_MS)


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (1024, 768)])
async def test_the_charts_toolbar_keeps_its_shape(look: Look, ward: Ward, size: tuple[int, int]) -> None:
    window = await look(size=size)
    await window.session(ward.beds["1"].path)
    bar = await window.page.locator(".chart-bar").bounding_box()
    before: list[dict[str, Any]] = await window.page.evaluate(BAR)
    assert {part["what"] for part in before} >= {"Earlier", "Later", "Farther", "Closer", "50 min", "Table"}
    for part in before:
        assert bar and part["y"] >= bar["y"] and part["y"] + part["height"] <= bar["y"] + bar["height"], part
        assert part["x"] >= bar["x"] and part["x"] + part["width"] <= bar["x"] + bar["width"], part
        assert part["height"] >= 42 and part["width"] >= 44, part  # 44 with the line around them
    await window.page.get_by_role("button", name="Earlier").click()
    await expect(window.page.get_by_role("button", name="Back to now")).to_be_visible()
    after = await window.page.evaluate(BAR)
    assert [part | {"what": ""} for part in after] == [part | {"what": ""} for part in before]


async def test_before_a_dose_the_timeline_has_no_column_for_the_time_since(look: Look, ward: Ward) -> None:
    window = await look()
    await window.session(ward.beds["2"].path)
    item = window.page.locator(".tl-item").first
    await expect(item).to_be_visible()
    time, text = await item.locator("time").bounding_box(), await item.locator("div").bounding_box()
    assert time and text and text["x"] - (time["x"] + time["width"]) <= 24


async def test_a_form_says_what_lies_below_its_fold(look: Look, ward: Ward) -> None:
    """The second person's password, on a tablet whose keyboard is up."""
    window = await look(size=(1024, 600))
    await window.session(ward.beds["5"].path)
    await window.page.get_by_role("button", name="Booster dose").click()
    dialog = window.page.get_by_role("dialog")
    password = dialog.get_by_label("Their password")
    await expect(password).to_be_attached(timeout=SOON_MS)
    more = dialog.locator(".more-below")
    await expect(more).to_contain_text("More below")
    await expect(password).not_to_be_in_viewport()
    await more.click()
    for _ in range(3):  # pressed where it still is: it goes as soon as nothing is below any more
        await more.evaluate_all("(buttons) => buttons.forEach((button) => button.click())")
        await window.page.wait_for_timeout(100)
    await expect(more).to_have_count(0)
    await expect(password).to_be_in_viewport(ratio=1)
    await window.page.set_viewport_size({"width": 1920, "height": 1080})
    await expect(more).to_have_count(0)


async def test_today_says_in_two_lines_where_each_patient_is_and_who_has_an_alarm(
    look: Look, ward: Ward
) -> None:
    await alarming(ward)
    window = await look()
    page = window.page
    await window.open("/today")
    row = page.locator(".day-col .row").filter(has=page.locator(".row-room", has_text=re.compile("^1$")))
    await expect(row.locator("small").nth(0)).to_have_text(
        re.compile(r"^[A-Z][a-z]+, \+\d+ min$"), timeout=SOON_MS
    )
    await expect(row.locator("small").nth(1)).to_have_text(re.compile(r"^IM, home from \d\d:\d\d$"))
    chip = row.locator(".chip")
    await expect(chip).to_have_attribute("data-p", "high", timeout=SHOWN_WITHIN_MS)
    await expect(chip).to_contain_text("High priority alarm: SpO₂ 88 < 90")
    calm = page.locator(".day-col .row").filter(has=page.locator(".row-room", has_text=re.compile("^8$")))
    await expect(calm.locator(".chip")).to_have_count(0)
    for width in (1920, 1366, 1024, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        for line in await page.evaluate(LINES):
            assert line["height"] < 24 and line["cut"] <= 0, f"{width}: {line['said']}"

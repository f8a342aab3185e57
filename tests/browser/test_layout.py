"""The page for everyone: every rule of axe, on every screen size, in both themes; and how it looks."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Look
from tests.browser.ward import Ward
from tests.browser.window import DASHBOARD, NO_DATA_S, SHOWN_WITHIN_MS, Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

AXE = DASHBOARD / "node_modules/axe-core/axe.min.js"
SCREENS = Path(__file__).parents[2] / "docs/screens"
SHOTS = [
    ("board", "night", (1920, 1080)),
    ("board", "day", (1366, 768)),
    ("session", "night", (1366, 768)),
    ("session", "day", (1920, 1080)),
]
MOST_BYTES = 300_000

RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map(({ html }) => html) }));
}"""
SIZES = """() => {
  const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
  return { wide: scrollWidth - clientWidth, high: scrollHeight - clientHeight };
}"""
# words that their box cuts off, in sight and not meant for the ear alone
CUT = """() => [...document.querySelectorAll("main *, .banner *, .bar *")]
  .filter((e) => e.childElementCount === 0 && e.textContent.trim() && e.clientWidth > 1)
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible")
  .map((e) => `${e.className}: ${e.textContent}`)"""


async def violations(page: Page) -> list[dict[str, Any]]:
    await page.evaluate(AXE.read_text())  # the page's own policy lets no script in
    found: list[dict[str, Any]] = await page.evaluate(RUN_AXE)
    return found


async def alarming(ward: Ward) -> None:
    """Every look that an alarm, a stale value and an entry by hand have, at once."""
    for spo2 in (95, 92, 88):
        await ward.beds["1"].show(spo2=spo2)
    await ward.beds["5"].show(heart_rate=125, pulse_rate=124)
    await ward.beds["4"].show(respiratory_rate=8)
    await ward.beds["6"].act("RecordVitals", signals={"temperature": 36.8, "systolic": 128, "diastolic": 79})


async def all_alarm(window: Window) -> None:
    for room in ("1", "4", "5"):
        await expect(window.card(room).locator("header .alarm")).to_be_visible(timeout=SHOWN_WITHIN_MS)


@pytest.mark.parametrize("theme", ["night", "day"])
async def test_axe_finds_nothing(look: Look, ward: Ward, theme: str) -> None:
    window = await look(None, theme=theme)
    await window.open("/sign-in")
    await window.type_in("nurse", "not-the-password")
    await expect(window.page.locator(".refusal")).to_be_visible()
    assert await violations(window.page) == []

    await alarming(ward)
    window = await look(theme=theme)
    await window.board()
    await all_alarm(window)
    assert await violations(window.page) == []
    await window.session(ward.beds["1"].path)
    await expect(window.page.locator(".tl-item").first).to_be_visible()
    assert await violations(window.page) == []
    await window.page.get_by_role("button", name="Vitals by hand").click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    assert await violations(window.page) == []


async def test_eight_rooms_fit_every_screen(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["1"]
    await alarming(ward)
    await window.board()
    await all_alarm(window)
    for width, height, whole in (
        (1920, 1080, True),
        (1366, 768, True),
        (1024, 768, False),
        (390, 844, False),
    ):
        await window.page.set_viewport_size({"width": width, "height": height})
        sizes = await window.page.evaluate(SIZES)
        assert sizes["wide"] <= 0, f"{width}×{height} scrolls sideways"
        assert (sizes["high"] <= 0) is whole, f"{width}×{height}: {sizes['high']} px below the screen"
        for card in await window.page.locator("article.card").all():
            box = await card.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
        cut = [text for text in await window.page.evaluate(CUT) if not text.startswith(("dosing", "who"))]
        assert cut == [], f"{width}×{height}"
    await window.session(bed.path)
    for width, height in ((1920, 1080), (1366, 768), (1024, 768), (390, 844)):
        await window.page.set_viewport_size({"width": width, "height": height})
        await expect(window.page.locator(".plot canvas")).to_be_visible()
        assert (await window.page.evaluate(SIZES))["wide"] <= 0, f"{width}×{height} scrolls sideways"


async def test_screens(look: Look, ward: Ward, tmp_path: Path) -> None:
    """What a nurse sees. KAP_SCREENS=1 puts these into docs/screens."""
    keep = os.environ.get("KAP_SCREENS") == "1"
    folder = SCREENS if keep else tmp_path
    folder.mkdir(exist_ok=True)
    await alarming(ward)
    if keep:
        ward.beds["7"].says |= {"spo2": None, "pulse_rate": None}
        await asyncio.sleep(NO_DATA_S + 2)  # until the sensor's values are withdrawn
    for what, theme, size in SHOTS:
        window = await look(size=size, theme=theme)
        if what == "board":
            await window.board()
            await all_alarm(window)
        else:
            await window.session(ward.beds["1"].path)
            await expect(window.page.locator(".tl-item").first).to_be_visible()
            await window.chart_drawn()
        await window.page.evaluate("document.fonts.ready")
        file = folder / f"{what}-{theme}.png"
        await window.page.screenshot(path=file, animations="disabled")
        assert 20_000 < file.stat().st_size < MOST_BYTES
        await window.page.context.close()

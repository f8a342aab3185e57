"""The page for everyone: every rule of axe, on every screen size, in both themes; and how it looks."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

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

# words of a card that lie outside their part of it, or on other words; a line is higher than its letters
COLLIDING = """() => [...document.querySelectorAll("article.card")].flatMap((card) => {
  const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
  const words = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    const { fontSize, visibility, textOverflow, clipPath } = getComputedStyle(parent);
    if (!node.data.trim() || visibility === "hidden" || textOverflow === "ellipsis") continue;
    // a dose's time is left out whole where it does not fit
    if (parent.closest(".sr, .dosing > * + *") || clipPath !== "none") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const part = parent.closest(".alarm, header, .phase, .v, footer, article").getBoundingClientRect();
    const slack = parseFloat(fontSize) * 0.2;
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left < 2 || bottom - top < 2) continue;
      words.push({ node, part, left: left + 1, right: right - 1, top: top + slack, bottom: bottom - slack });
    }
  }
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const outside = words.filter((a) => !within(a, a.part)).map((a) => [a, a.part]);
  const over = words.flatMap((a, i) => words.slice(i + 1).map((b) => [a, b]))
    .filter(([a, b]) => a.node !== b.node && meet(a, b));
  return [...outside, ...over].map(([a, b]) =>
    `room ${card.dataset.room}: "${a.node.data}" ${b.node ? `on "${b.node.data}"` : "outside"}`);
})"""
# of a bar: whether the first alarm's words are whole, which chips are cut, and what is counted of the others
BAR = """where => {
  const bar = document.querySelector(where), chips = bar.querySelector(".chips");
  const words = bar.querySelector(".lead .banner-text");
  const wholly = (box) => {  // a line is higher than its letters
    const range = document.createRange(), { left, right, top, bottom } = box.getBoundingClientRect();
    range.selectNodeContents(box);
    return [...range.getClientRects()].every((line) => line.left >= left && line.right <= right
      && line.top + line.height / 5 >= top && line.bottom - line.height / 5 <= bottom);
  };
  const box = chips.getBoundingClientRect();
  const rooms = [...chips.querySelectorAll(":scope > .chip:not(.more)")];
  const seen = rooms.filter((chip) => !chip.inert), hidden = rooms.filter((chip) => chip.inert);
  const more = chips.querySelector(".more");
  const out = [...seen, ...(more ? [more] : [])].filter((chip) => {
    const { left, right, top, bottom } = chip.getBoundingClientRect();
    return left < box.left - 1 || right > box.right + 1 || top < box.top - 1 || bottom > box.bottom + 1;
  });
  const rank = (chip) => Math.min(...[chip, ...chip.querySelectorAll("[data-p]")].map(
    ({ dataset }) => ["high", "medium", "low"].indexOf(dataset.p)));
  return {
    whole: !words || wholly(words),
    inside: box.right <= innerWidth,
    cut: out.map(({ textContent }) => textContent),
    seen: seen.map(({ pathname }) => pathname),
    ranks: seen.map(rank),
    count: hidden.length,
    said: more ? parseInt(more.textContent.slice(1)) : 0,
    worst: hidden.length ? Math.min(...hidden.map(rank)) === rank(more) : !more,
  };
}"""


# after another size or alarm: what is measured then is drawn a frame later
DRAWN_ANEW = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


async def keeps_its_rule(page: Page, bar: str, *rooms: int) -> dict[str, Any]:
    """A chip a room, none cut, and what does not fit is counted with the worst sign that it has."""
    await page.evaluate(DRAWN_ANEW)
    found: dict[str, Any] = await page.evaluate(BAR, bar)
    size = page.viewport_size
    assert found["whole"] and found["inside"] and found["cut"] == [], (size, found)
    assert len(set(found["seen"])) == len(found["seen"]) and found["worst"], (size, found)
    assert found["said"] == found["count"] and found["count"] + len(found["seen"]) in rooms, (size, found)
    return found


# cards that do not say whose they are, whole and in sight
UNNAMED = """() => [...document.querySelectorAll("article.card")].filter((card) => {
  const who = card.querySelector("header .who");
  if (!who || !/^[A-Z]+ \\d+$/.test(who.textContent)) return true;
  const [a, b] = [who.getBoundingClientRect(), card.getBoundingClientRect()];
  return who.scrollWidth > who.clientWidth || a.width < 20
    || a.top < b.top || a.left < b.left || a.right > b.right;
}).length"""
# values in an alarm's colour that lie on their arrow
ON_ARROW = """() => [...document.querySelectorAll(".v[data-alarm]")].filter((v) => {
  const [arrow, num] = [".dir", ".num"].map((name) => v.querySelector(name)?.getBoundingClientRect());
  return arrow && arrow.left < num.right && arrow.bottom > num.top;
}).map((v) => v.textContent)"""

LONG = "Systolic 165 and rising after the expected peak"


def three_wards(message: str, beds: set[str]) -> str:
    """What the feed says of rooms 1 to 8, also of 9 to 16, and of 17 to 24, whose alarms have more words."""
    frame = json.loads(message)

    def copies(part: dict[str, Any]) -> list[dict[str, Any]]:
        if part["session_id"] not in beds:
            return []  # other tests leave rooms of their own
        words, ids = json.dumps(part), r'("(?:session|alarm)_id": ")[^"]'
        found = [json.loads(re.sub(ids, rf"\g<1>{n}", words)) for n in range(3)]
        found[2] = json.loads(re.sub(r'("text": ")[^"]+', rf"\g<1>{LONG}", json.dumps(found[2])))
        if "room" in part:
            found = [one | {"room": str(int(part["room"]) + 8 * n)} for n, one in enumerate(found)]
        return found

    for name in {"sessions", "readings", "alarms"} & frame.keys():
        frame[name] = [one for part in frame[name] for one in copies(part)]
    return json.dumps(frame)


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
    await window.page.get_by_role("button", name="Pause 2 min room 1").click()
    await expect(window.page.get_by_role("group", name="Silence it, why?")).to_be_visible()
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


async def test_24_rooms_fit_one_screen(look: Look, ward: Ward) -> None:
    beds = {bed.id for bed in ward.beds.values()}

    def between(page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        server.on_message(lambda message: page.send(three_wards(str(message), beds)))

    await alarming(ward)
    ward.beds["7"].says |= {"spo2": None, "pulse_rate": None}
    await asyncio.sleep(NO_DATA_S + 1)  # until the sensor's values are withdrawn
    for role, path in (("nurse", "/"), ("wall", "/wall")):
        window = await look(role, size=(1920, 1080))
        await window.page.route_web_socket(re.compile("^ws"), between)
        await window.open(path)
        await expect(window.page.locator("article.card")).to_have_count(24, timeout=15_000)
        await all_alarm(window)
        await expect(window.value("spo2", "23")).to_have_attribute("data-state", "gone")
        assert await window.page.evaluate(SIZES) == {"wide": 0, "high": 0}
        cut = [text for text in await window.page.evaluate(CUT) if not text.startswith(("dosing", "who"))]
        assert cut == []
        # on smaller screens the cards keep their size, and the board scrolls
        for width, height in ((1920, 1080), (1366, 768), (1024, 768)):
            await window.page.set_viewport_size({"width": width, "height": height})
            assert (await window.page.evaluate(SIZES))["wide"] <= 0, f"{width}×{height} scrolls sideways"
            assert await window.page.evaluate(COLLIDING) == [], f"{width}×{height}"
            alarmed = await window.page.locator("article.card[data-p]").count()
            await keeps_its_rule(window.page, ".banner", alarmed - 1)
            assert await window.page.evaluate(UNNAMED) == (0 if role == "nurse" else 24), f"{width}×{height}"
        await window.page.context.close()


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
        await expect(window.page.locator("html")).to_have_attribute("data-high", "lit")  # half of the flash
        await window.page.screenshot(path=file, animations="disabled")
        assert 20_000 < file.stat().st_size < MOST_BYTES
        await window.page.context.close()


async def test_an_alarm_of_a_card_covers_neither_who_it_is_nor_where_a_value_goes(
    look: Look, ward: Ward
) -> None:
    """Also one that is over: its words stay in its box."""
    await alarming(ward)
    await ward.beds["6"].show(spo2=92)  # which stays when it is over
    bp = ward.beds["3"]
    await bp.act("RecordVitals", signals={"systolic": 192, "diastolic": 116})
    try:
        for role, path in (("nurse", "/"), ("wall", "/wall")):
            window = await look(role, size=(1920, 1080))
            await window.open(path)
            await expect(window.value("bp", "3")).to_have_attribute("data-alarm", "high", timeout=20_000)
            ward.beds["6"].well()
            await expect(window.card("6")).to_have_attribute("data-s", "latched", timeout=10_000)
            await expect(window.card("6").locator("header")).to_contain_text("over: SpO₂ 92 < 93")
            for width, height in ((1920, 1080), (1366, 768), (1024, 768), (390, 844)):
                await window.page.set_viewport_size({"width": width, "height": height})
                assert await window.page.evaluate(COLLIDING) == [], f"{path} {width}×{height}"
                assert await window.page.evaluate(ON_ARROW) == [], f"{path} {width}×{height}"
                assert await window.page.evaluate(UNNAMED) == (0 if role == "nurse" else 8), f"{width}"
            await window.page.context.close()
    finally:
        await bp.act("RecordVitals", signals={"systolic": 128, "diastolic": 79})


async def test_every_bar_has_a_chip_for_each_room_and_counts_what_it_hides(look: Look, ward: Ward) -> None:
    await alarming(ward)  # rooms 1, 4 and 5
    for room in ("2", "3", "6", "7", "8"):
        await ward.beds[room].show(spo2=92)
    await ward.beds["5"].show(spo2=91, respiratory_rate=8)
    window = await look()
    await window.board()
    await expect(window.page.locator("article.card[data-p]")).to_have_count(8, timeout=10_000)
    button = window.banner.get_by_role("button", name="Acknowledge")
    sizes = [(1920, 1080), (1366, 768), (1024, 768), (390, 844)]
    places = {}
    for width, height in sizes:
        await window.page.set_viewport_size({"width": width, "height": height})
        await keeps_its_rule(window.page, ".banner", 7)
        places[width] = await button.bounding_box()
    answered = window.banner.locator(".lead").filter(has_text="Room 1")
    await expect(answered).to_contain_text("SpO₂ 88 < 90")
    await button.click()  # the next one leads, whatever words it has
    await expect(answered).to_have_count(0, timeout=10_000)
    await expect(button).to_be_visible()
    for width, height in sizes[:3]:
        await window.page.set_viewport_size({"width": width, "height": height})
        await keeps_its_rule(window.page, ".banner", 6, 7)
        assert await button.bounding_box() == places[width], "the button moved under the finger"

    await window.open("/today")
    await expect(window.page.locator(".elsewhere .chip").first).to_be_visible(timeout=10_000)
    for width, height in sizes:
        await window.page.set_viewport_size({"width": width, "height": height})
        found = await keeps_its_rule(window.page, ".elsewhere", 7, 8)
        assert found["ranks"] == sorted(found["ranks"])  # the worst first
    await expect(window.page.locator(".elsewhere .more")).to_have_text(re.compile(r"^\+\d"))
    await window.page.locator(".elsewhere .more").click()
    await expect(window.page.get_by_role("heading", level=1)).to_have_text("Alarms")


# what one touches in the middle of each chip
ON_TOP = """() => [...document.querySelectorAll(".elsewhere .chips > .chip:not([inert])")].map(chip => {
  const { x, y, width, height } = chip.getBoundingClientRect();
  return chip.contains(document.elementFromPoint(x + width / 2, y + height / 2));
})"""


async def test_alarms_of_other_rooms_move_nothing_and_no_dialog_covers_them(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["2"]
    await window.open("/today")
    heading = window.page.get_by_role("heading", level=1)
    sizes = [(1366, 768), (1024, 768), (390, 844)]

    async def tops() -> list[float]:
        found = []
        for width, height in sizes:
            await window.page.set_viewport_size({"width": width, "height": height})
            box = await heading.bounding_box()
            assert box
            found.append(box["y"])
        return found

    await expect(window.page.locator(".elsewhere")).to_have_count(1)
    before = await tops()
    await alarming(ward)
    await ward.beds["3"].show(spo2=88)
    chips = window.page.locator(".elsewhere .chips > .chip:not(.more)")
    await expect(chips).to_have_count(4, timeout=SHOWN_WITHIN_MS)
    assert await tops() == before

    await window.session(bed.path)
    await window.page.get_by_role("button", name="Observation").click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()
    for width, height in sizes:
        await window.page.set_viewport_size({"width": width, "height": height})
        assert set(await window.page.evaluate(ON_TOP)) == {True}, f"{width}×{height}"

"""One session's page: its chart, its timeline with corrections, and vitals entered by hand."""

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_the_chart_is_drawn_and_goes_on_live(look: Look, ward: Ward) -> None:
    window, bed = await look(size=(1920, 1080)), ward.beds["4"]
    await window.session(bed.path)
    await window.chart_drawn()
    await expect(window.page.locator(".chart .refusal")).to_have_count(0)
    await bed.show(respiratory_rate=21)
    await expect(window.value("resp").locator(".num")).to_have_text("21", timeout=SHOWN_WITHIN_MS)
    await window.page.get_by_role("button", name="Table").click()
    table = window.page.get_by_role("region", name="Vitals, a row a minute")
    assert await table.get_by_role("row").count() > 30  # of the 50 minutes shown
    await expect(table.get_by_role("row").nth(30)).to_contain_text(re.compile(r"\d\d:\d\d\+\d+ min\d\d\d\d"))


async def test_whoever_looks_back_on_the_chart_is_told_so_and_comes_back_by_a_button(
    look: Look, ward: Ward
) -> None:
    window, bed = await look(size=(1920, 1080)), ward.beds["8"]
    page = window.page
    await window.session(bed.path)
    await window.chart_drawn()
    plot = page.get_by_role("group", name="Vitals of room 8")
    follows, back = page.locator(".live-pill"), page.get_by_role("button", name="Back to now")
    await expect(plot).to_have_attribute("aria-busy", "false")
    box = await plot.bounding_box()
    assert box
    middle, height = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def comes_back() -> None:
        await expect(back).to_be_visible()
        await back.click()
        await expect(follows).to_have_text("Following now")

    await page.mouse.move(middle, height)
    await expect(page.locator(".readout .t")).to_have_text(re.compile(r"^\+\d+ min \d\d:\d\d$"))
    await page.mouse.wheel(0, -400)
    await comes_back()
    await page.mouse.move(middle, height)
    await page.mouse.down()
    await page.mouse.move(middle + 300, height, steps=4)
    await page.mouse.up()
    readout = await page.locator(".readout .t").inner_text()
    await expect(back).to_be_visible()
    await bed.show(spo2=95)
    await expect(window.value("spo2").locator(".num")).to_have_text("95", timeout=SHOWN_WITHIN_MS)
    await page.mouse.move(middle + 300, height)
    assert await page.locator(".readout .t").inner_text() == readout  # it stays where somebody looks
    await comes_back()
    await plot.focus()
    for key in ("ArrowLeft", "+", "-"):
        await page.keyboard.press(key)
    await expect(back).to_be_visible()
    await page.keyboard.press("Home")
    await expect(follows).to_have_text("Following now")
    await page.get_by_role("button", name="Earlier").click()
    await comes_back()
    pinch = """async plot => {
      const over = plot.querySelector(".u-over");
      const { left, top, width } = over.getBoundingClientRect();
      over.setPointerCapture = () => {};
      const fire = (type, pointerId, share) => over.dispatchEvent(new PointerEvent(type, {
        pointerId, pointerType: "touch", button: 0, clientX: left + share * width, clientY: top + 20,
      }));
      fire("pointerdown", 1, 0.4); fire("pointerdown", 2, 0.6);
      for (const by of [0.05, 0.1, 0.2]) {
        fire("pointermove", 1, 0.4 - by); fire("pointermove", 2, 0.6 + by);
      }
      fire("pointerup", 1, 0.2); fire("pointerup", 2, 0.8);
    }"""
    await plot.evaluate(pinch)
    await comes_back()


async def test_a_corrected_entry_stays_struck_through_with_its_reason(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["7"]
    await window.session(bed.path)
    timeline = window.page.get_by_role("region", name="Timeline")
    await expect(timeline.get_by_text("Dose ketamine 50 mg Nasal")).to_be_visible()
    await expect(timeline.get_by_text("First nurse is responsible")).to_be_visible()

    await bed.act("RecordObservation", moaas=1, dissociation=9)
    entry = timeline.locator("li").filter(has_text="MOAA/S 1, dissociation 9")
    await expect(entry).to_contain_text("First nurse")
    items = await bed.staff["nurse"].get(f"/api/sessions/{bed.id}/timeline")
    wrong = next(item for item in items if item["data"].get("moaas") == 1)
    await bed.send(
        "nurse", "session", "CorrectEntry", datetime.now(UTC),
        of="session", of_id=bed.id, event_id=wrong["event_id"], reason="Entered in the wrong room.",
    )  # fmt: skip
    await expect(entry.locator("s")).to_have_text("MOAA/S 1, dissociation 9")
    fix = r"^Withdrawn at \d\d:\d\d by First nurse: “Entered in the wrong room\.”$"
    await expect(entry.locator(".fix")).to_have_text(re.compile(fix))


async def test_vitals_by_hand_are_refused_beside_their_field_and_marked_when_recorded(
    look: Look, ward: Ward
) -> None:
    window, bed = await look(), ward.beds["6"]
    await window.session(bed.path)
    await window.page.get_by_role("button", name="Vitals by hand").click()
    dialog = window.page.get_by_role("dialog", name="Vitals by hand")
    systolic, diastolic = dialog.get_by_label("Systolic"), dialog.get_by_label("Diastolic")
    await expect(systolic).to_be_focused()
    for field in await dialog.get_by_role("textbox").all():
        assert await field.input_value() == ""  # nothing clinical is ever prefilled
    await systolic.fill("1420")
    await diastolic.fill("84")
    record = dialog.get_by_role("button", name="Record")
    await record.click()
    await expect(dialog.locator("#vitals-systolic-why")).to_have_text(
        "1420 is not possible here. It should be from 20 to 300."
    )
    await expect(systolic).to_have_attribute("aria-invalid", "true")
    await expect(systolic).to_have_value("1420")
    await expect(diastolic).to_have_value("84")
    await expect(diastolic).to_have_attribute("aria-invalid", "false")

    await systolic.fill("142")
    await record.click()
    await expect(dialog).to_have_count(0)
    pressure = window.value("bp")
    await expect(pressure.locator(".num")).to_have_text("142/84", timeout=SHOWN_WITHIN_MS)
    await expect(pressure.get_by_label("entered by hand")).to_be_visible()
    entry = (
        window.page.get_by_role("region", name="Timeline").locator("li").filter(has_text="By hand: BP 142")
    )
    told = re.compile(r"\d\d:\d\d.*By hand: BP 142/84 First nurse")
    await expect(entry).to_have_text(told, timeout=SHOWN_WITHIN_MS)
    await window.page.reload()
    await expect(entry).to_have_text(told, timeout=15_000)  # from the history
    await window.page.get_by_role("link", name="Back to the board").click()
    await expect(window.value("bp", "6").locator(".num")).to_have_text("142/84")
    for width in (1920, 1366, 390):
        await window.page.set_viewport_size({"width": width, "height": 800})
        await expect(window.value("bp", "6").get_by_label("entered by hand")).to_be_visible()

"""One session's page: its chart, its timeline with corrections, and vitals entered by hand."""

import re
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS

SOON_MS = 10_000
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
    await bed.show(respiratory_rate=19)
    await expect(window.value("resp").locator(".num")).to_have_text("19", timeout=SHOWN_WITHIN_MS)
    boxes = [await window.value(kind).bounding_box() for kind in ("spo2", "pulse", "bp", "resp")]
    for above, below in pairwise(boxes):  # beside the table the values keep their places
        assert above and below and above["y"] + above["height"] <= below["y"]
    await expect(table.get_by_role("row").nth(30)).to_contain_text(
        re.compile(r"\d\d:\d\d\+\d+ min\d\d–?\d*\d\d")
    )


# How many pixels of an alarm's colour lie in the chart's two rows above the lanes: the doses', the alarms'.
FLAGGED = """() => {
  const canvas = document.querySelector(".plot canvas");
  const colour = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  colour.fillStyle = getComputedStyle(canvas).getPropertyValue("--high");
  colour.fillRect(0, 0, 1, 1);
  const wanted = colour.getImageData(0, 0, 1, 1).data;
  const scale = canvas.height / canvas.getBoundingClientRect().height;
  return [[0, 18], [18, 44]].map(([from, to]) => {
    const rows = [Math.round(from * scale), Math.round((to - from) * scale)];
    const { data } = canvas.getContext("2d").getImageData(0, rows[0], canvas.width, rows[1]);
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
      if ([0, 1, 2].every((n) => Math.abs(data[i + n] - wanted[n]) < 8)) found += 1;
    }
    return found;
  });
}"""


async def test_an_alarms_flag_never_covers_a_dose(look: Look, ward: Ward) -> None:
    window, bed = await look(size=(1366, 768)), ward.beds["5"]
    await window.session(bed.path)
    await window.chart_drawn()
    await bed.show(spo2=83)
    await expect(window.alarm("SpO₂ 83")).to_be_visible(timeout=SHOWN_WITHIN_MS)
    await window.page.wait_for_function(f"() => ({FLAGGED})()[1] > 100", polling=200, timeout=10_000)
    assert (await window.page.evaluate(FLAGGED))[0] == 0


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
        "1420 is not possible here. It should be from 20 to 300 mmHg."
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


async def test_a_reading_by_hand_is_corrected_where_it_stands_and_what_it_raised_is_over(
    look: Look, ward: Ward
) -> None:
    window, bed = await look(), ward.beds["6"]
    page = window.page
    await window.session(bed.path)
    pressure = window.value("bp").locator(".num")
    await expect(pressure).to_have_text(re.compile(r"^\d+/\d+$"), timeout=SHOWN_WITHIN_MS)
    before = await pressure.inner_text()
    await page.get_by_role("button", name="Vitals by hand").click()
    typing = page.get_by_role("dialog", name="Vitals by hand")
    await typing.get_by_label("Systolic").fill("218")
    await typing.get_by_label("Diastolic").fill("84")
    await typing.get_by_role("button", name="Record").click()
    alarm = page.locator(".open-alarm", has_text="Systolic 218 > 179")
    await expect(alarm).to_have_attribute("data-s", "active", timeout=SHOWN_WITHIN_MS)

    timeline = page.get_by_role("region", name="Timeline")
    entry = timeline.locator("li").filter(has_text="By hand: BP 218/84")
    await entry.get_by_role("button", name="Correct").click()
    dialog = page.get_by_role("dialog", name="Correct an entry")
    await dialog.get_by_role("radio", name="A value, or its time").check()
    systolic = dialog.get_by_label("Systolic")
    await systolic.fill("1180")
    await systolic.blur()
    await expect(dialog.locator("#correct-signals-systolic-why")).to_have_text(
        "1180 is not possible here. It should be from 20 to 300 mmHg."
    )
    await systolic.fill("118")
    await dialog.get_by_label("Why").fill("Mistyped.")
    await dialog.get_by_role("button", name="Correct", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(entry.locator("s")).to_have_text("By hand: BP 218/84", timeout=SHOWN_WITHIN_MS)
    fix = r"^Corrected to: By hand: BP 118/84 at \d\d:\d\d by First nurse: “Mistyped\.”$"
    await expect(entry.locator(".fix")).to_have_text(re.compile(fix), timeout=SOON_MS)
    await expect(pressure).to_have_text("118/84", timeout=SHOWN_WITHIN_MS)
    await expect(alarm).to_have_count(0, timeout=SHOWN_WITHIN_MS)
    raised = timeline.locator("li").filter(has_text="Systolic 218 > 179")
    await expect(raised).to_have_count(1, timeout=SOON_MS)  # its end is no line of its own
    await expect(raised).to_contain_text(re.compile(r"over at \d\d:\d\d"), timeout=SOON_MS)

    await entry.get_by_role("button", name="Correct").click()
    await dialog.get_by_role("radio", name="All of it: withdraw").check()
    await dialog.get_by_label("Why").fill("Of another patient.")
    await dialog.get_by_role("button", name="Withdraw").click()
    await expect(entry.locator(".fix")).to_have_text(re.compile("^Withdrawn at"), timeout=SOON_MS)
    await expect(pressure).to_have_text(before, timeout=SHOWN_WITHIN_MS)
    async with page.expect_response(re.compile("/vitals")) as asked:
        await page.reload()
    systolic_read = (await (await asked.value).json())["signals"]["systolic"]
    by_hand = [
        v for v, of in zip(systolic_read["max"], systolic_read["source"], strict=True) if of == "manual"
    ]
    assert not {218, 118}.intersection(by_hand)


async def test_a_dialog_that_closes_leaves_the_open_alarm_and_what_is_due_in_sight(
    look: Look, ward: Ward
) -> None:
    window, bed = await look("nurse"), ward.beds["5"]
    page = window.page
    await window.session(bed.path)
    await bed.show(spo2=88)
    alarm = page.locator(".open-alarm").first
    await expect(alarm).to_be_visible(timeout=SOON_MS)
    for width, height in ((1366, 768), (1024, 768)):
        await page.set_viewport_size({"width": width, "height": height})
        for name in ("Note", "Observation"):
            await page.get_by_role("region", name="Record").get_by_role("button", name=name).click()
            await page.get_by_role("dialog").press("Escape")
            await expect(page.get_by_role("dialog")).to_have_count(0)
            assert await page.locator(".side").evaluate("(side) => side.scrollTop") == 0
        await page.locator(".side").evaluate("(side) => side.scrollTo(0, 10_000)")
        await expect(alarm.get_by_role("button", name="Acknowledge")).to_be_in_viewport(ratio=1)
        await page.locator(".side").evaluate("(side) => side.scrollTo(0, 0)")
    acknowledge = alarm.get_by_role("button", name="Acknowledge")
    before = await acknowledge.bounding_box()
    await alarm.get_by_role("button", name="Pause 2 min").click()
    assert await acknowledge.bounding_box() == before  # the reasons stand below both
    edge = await page.locator(".side").evaluate("(side) => side.getBoundingClientRect().right")
    for reason in await alarm.get_by_role("group", name="Silence it, why?").get_by_role("button").all():
        box = await reason.bounding_box()
        assert box and box["x"] + box["width"] <= edge

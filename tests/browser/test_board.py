"""What moves on the board: values within two seconds, where a patient is, who may see a name."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.ward import Ward
from tests.browser.window import SHOWN_WITHIN_MS

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_value_is_on_the_card_within_two_seconds(look: Look, ward: Ward) -> None:
    window = await look(size=(1920, 1080))
    await window.board()
    spo2 = window.value("spo2", "3")
    for value in (93, 97):
        await ward.beds["3"].show(spo2=value)
        await expect(spo2.locator(".num")).to_have_text(str(value), timeout=SHOWN_WITHIN_MS)
        await expect(spo2).to_have_attribute("data-state", "fresh")
        await expect(spo2.get_by_label("from the monitor")).to_be_visible()


async def test_a_card_says_phase_time_and_dose(look: Look, ward: Ward) -> None:
    window = await look()
    await window.board()
    dosed, not_yet = window.card("3"), window.card("2")
    await expect(dosed.locator(".phase-name")).to_have_text("Peak")
    await expect(dosed.locator(".since")).to_have_text(re.compile(r"^\+(38|39) min$"))
    await expect(dosed.locator(".dosing")).to_have_text(re.compile(r"^Spravato 84 mg · \d\d:\d\d$"))
    await expect(dosed.locator("i.dose")).to_have_count(1)
    await expect(dosed.locator("i.dose.planned")).to_have_count(0)
    await expect(not_yet.locator("i.dose.planned")).to_have_count(1)
    await expect(not_yet.locator(".phase-name")).to_have_text("Pre-dose")
    await expect(not_yet.locator(".dosing")).to_have_text("SL, not dosed")


async def test_the_number_in_an_alarms_colour_is_the_number_that_alarms(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["5"]
    await window.board()
    pulse = window.value("pulse", "5")
    await expect(pulse).to_contain_text("Pulse")
    await bed.show(pulse_rate=84, heart_rate=126)  # beats that do not reach the finger
    await expect(pulse).to_have_attribute("data-alarm", "medium", timeout=SHOWN_WITHIN_MS)
    await expect(pulse).to_contain_text("HR")
    await expect(pulse.locator(".num")).to_have_text("126")
    await bed.show(pulse_rate=84, heart_rate=84)
    await expect(pulse).to_contain_text("Pulse", timeout=SHOWN_WITHIN_MS)

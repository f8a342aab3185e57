"""What moves on the board: values within two seconds, where a patient is, who may see a name."""

import math
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


async def test_a_card_says_what_is_due_who_answers_and_how_old_each_value_is(look: Look, ward: Ward) -> None:
    window, bed = await look(size=(1920, 1080)), ward.beds["3"]
    await window.board()
    card = window.card("3")
    due = card.locator(".due")
    await expect(due).to_have_text(re.compile(r"^\d+ min check(in )?\d+:\d\d$"))
    before = await due.inner_text()
    await expect(card.locator(".owner")).to_have_text("Responsible: You")
    await expect(card.locator(".mon").get_by_label(f"Monitor {bed.device} attached")).to_be_visible()
    for kind, age in (("spo2", r"\d s"), ("pulse", r"\d s"), ("resp", r"\d s"), ("bp", r"\d+ (s|min)")):
        value = window.value(kind, "3")
        await expect(value.locator(".v-age")).to_have_text(re.compile(f"{age}$"))
        await expect(value.get_by_label(re.compile("^(steady|rising|falling)"))).to_be_visible()
        assert await value.locator("svg.spark :is(path, line:not(.lim))").count() > 0
    await expect(due).not_to_have_text(before)  # it counts down


def seconds_until(due: str) -> float:
    """Of what a card says: in 3:02, in 16 min, now, 0:20 late, not done."""
    if exact := re.fullmatch(r"in (\d+):(\d\d)", due):
        return int(exact[1]) * 60 + int(exact[2])
    if minutes := re.fullmatch(r"in (\d+) min", due):
        return int(minutes[1]) * 60
    return 0 if due == "now" or due.endswith("late") else math.inf


async def test_rooms_keep_their_places_until_somebody_wants_the_most_urgent_first(
    look: Look, ward: Ward
) -> None:
    window = await look()
    await window.board()
    await ward.beds["7"].show(spo2=88)
    await ward.beds["4"].show(spo2=92)
    await expect(window.card("7")).to_have_attribute("data-p", "high", timeout=SHOWN_WITHIN_MS)
    await expect(window.card("4")).to_have_attribute("data-p", "medium", timeout=SHOWN_WITHIN_MS)
    places = "all => all.map(card => card.dataset.room).join(' ')"
    cards = window.page.locator("article.card")
    assert await cards.evaluate_all(places) == "1 2 3 4 5 6 7 8"
    await window.page.get_by_role("button", name="Most urgent first").click()
    order = str(await cards.evaluate_all(places)).split()
    assert order[:2] == ["7", "4"]  # then whose check is due first; of who has no dose none is
    assert order[-1] == "2"
    due = await cards.evaluate_all(
        "all => all.slice(2).map(card => card.querySelector('.due b').textContent)"
    )
    assert due == sorted(due, key=seconds_until)
    await window.page.get_by_role("button", name="By room").click()
    assert await cards.evaluate_all(places) == "1 2 3 4 5 6 7 8"


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

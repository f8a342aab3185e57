"""Who may see what, and what this machine does to the page: its clock, its remembered theme."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Look
from tests.browser.ward import Ward

pytestmark = pytest.mark.asyncio(loop_scope="package")

# all that is to be read, seen or heard
SAID = """() => [
  document.body.innerText,
  ...[...document.querySelectorAll("[title], [aria-label]")].flatMap((e) => [e.title, e.ariaLabel]),
].join()"""
FIVE_MINUTES_FAST = "const now = Date.now; Date.now = () => now() + 300_000;"


async def test_a_wrong_password_says_so_and_the_right_one_shows_what_was_asked_for(
    look: Look, ward: Ward
) -> None:
    window, nurse, bed = await look(None), ward.users["nurse"], ward.beds["8"]
    await window.open(bed.path)
    await window.type_in(nurse["username"], "not-the-password")
    refusal = window.page.locator("#refusal")
    await expect(refusal).to_contain_text("wrong", ignore_case=True)
    await expect(window.page.get_by_label("Password")).to_be_focused()
    await window.type_in(nurse["username"], nurse["password"])
    await expect(window.page.get_by_role("heading", name="Room 8")).to_be_visible(timeout=10_000)
    assert window.page.url.endswith(bed.path)

    await window.page.get_by_role("link", name="KAP").click()
    await expect(window.page.locator("article.card")).to_have_count(8)
    await window.page.get_by_role("button", name="sign out").click()
    await expect(window.page.get_by_label("User name")).to_be_visible()
    await window.page.reload()
    await expect(window.page.get_by_label("User name")).to_be_visible()


async def test_staff_see_a_label_and_the_name_on_request(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["8"]
    await window.session(bed.path)
    initials = "".join(part[0] for part in bed.who.name.split())
    await expect(window.page.get_by_text(f"{initials} {bed.who.number}")).to_be_visible()
    assert bed.who.name not in await window.page.inner_text("body")
    await window.page.get_by_role("button", name="show name").click()
    await expect(window.page.get_by_text(bed.who.name)).to_be_visible()


async def test_the_wall_shows_rooms_and_values_but_nobody(look: Look, ward: Ward) -> None:
    window = await look("wall")
    await window.board()
    await expect(window.page.locator(".card .who")).to_have_count(0)
    await expect(window.value("spo2", "1")).to_have_attribute("data-state", "fresh")
    await window.card("1").get_by_role("link").click()
    await expect(window.page.get_by_role("heading", name="Room 1")).to_be_visible()
    await expect(window.page.get_by_role("button", name="show name")).to_have_count(0)
    await expect(window.page.get_by_role("button", name="Vitals by hand")).to_have_count(0)
    shown = await window.page.evaluate(SAID)
    for bed in ward.beds.values():
        assert bed.who.number not in shown
        assert not any(name in shown for name in bed.who.name.split())


async def test_the_theme_is_remembered(look: Look) -> None:
    window = await look()
    await window.board()
    html = window.page.locator("html")
    await expect(html).to_have_attribute("data-theme", "night")
    await window.page.get_by_role("button", name="Theme: Night").click()
    await expect(html).to_have_attribute("data-theme", "day")
    await window.board()
    await expect(html).to_have_attribute("data-theme", "day")


async def test_a_machine_whose_clock_is_off_says_so_and_still_shows_true_ages(look: Look) -> None:
    window = await look(script=FIVE_MINUTES_FAST)
    await window.open()
    await expect(window.state).to_contain_text("Clock off 300.0 s", timeout=15_000)
    await expect(window.value("spo2", "3")).to_have_attribute("data-state", "fresh")


async def test_who_signs_out_while_the_network_is_away_is_signed_out(look: Look, ward: Ward) -> None:
    window = await look()
    await window.board()
    await window.page.context.set_offline(True)
    await window.page.get_by_role("button", name="sign out").first.click()
    await expect(window.page.get_by_label("User name")).to_be_visible(timeout=10_000)
    await window.page.context.set_offline(False)
    await window.open()  # whoever comes next
    await expect(window.page.get_by_label("User name")).to_be_visible(timeout=10_000)
    assert (await window.page.context.request.get(f"{ward.http}/api/me")).status == 401

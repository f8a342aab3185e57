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
UNHURRIED_MS = 2_500  # longer than a live page may stand still
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
    await window.page.wait_for_timeout(UNHURRIED_MS)
    await window.type_in(nurse["username"], nurse["password"])
    await expect(window.page.get_by_role("heading", name="Room 8")).to_be_visible(timeout=10_000)
    assert window.page.url.endswith(bed.path)
    await expect(window.state).to_have_attribute("data-feed", "live")  # nothing live stood still meanwhile

    await window.page.get_by_role("link", name="KAP").click()
    await expect(window.page.locator("article.card")).to_have_count(8)
    await window.sign_out()
    await expect(window.page.get_by_label("User name")).to_be_visible()
    await window.page.reload()
    await expect(window.page.get_by_label("User name")).to_be_visible()


async def test_nobody_begins_on_the_page_that_another_left(look: Look, ward: Ward) -> None:
    window, bed, nurse = await look(), ward.beds["8"], ward.users["nurse"]
    page, field = window.page, window.page.get_by_label("User name")
    await window.session(bed.path)
    await window.sign_out()
    await expect(field).to_be_visible()
    assert page.url == f"{ward.http}/sign-in"
    await window.type_in(nurse["username"], nurse["password"])
    await expect(page.locator("article.card").first).to_be_visible(timeout=10_000)
    for role, arrives in (("therapist", "/"), ("nurse", "/alarms")):
        if role == "nurse":  # whose sign-in ended, not who asked for it
            await window.sign_out()
            await window.type_in(nurse["username"], nurse["password"])
            await expect(page.locator("article.card").first).to_be_visible(timeout=10_000)
        await page.context.clear_cookies()
        await page.get_by_role("link", name="Alarms").click()
        await expect(page.get_by_text("Your sign-in has ended.")).to_be_visible(timeout=10_000)
        await window.type_in(ward.users[role]["username"], ward.users[role]["password"])
        await page.wait_for_url(f"{ward.http}{arrives}", timeout=10_000)


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
    await window.sign_out()
    await expect(window.page.get_by_label("User name")).to_be_visible(timeout=10_000)
    await window.page.context.set_offline(False)
    await window.open()  # whoever comes next
    await expect(window.page.get_by_label("User name")).to_be_visible(timeout=10_000)
    assert (await window.page.context.request.get(f"{ward.http}/api/me")).status == 401


async def test_signing_out_of_an_older_window_leaves_who_signed_in_since(look: Look, ward: Ward) -> None:
    """Two windows of one browser: the nurse's, and then the prescriber's."""
    window = await look()
    await window.board()
    page, context = window.page, window.page.context
    # what the page asks by itself would tell it sooner that it is over
    await page.route("**/api/feed-ticket", lambda route: route.abort())
    other = {key: ward.users["prescriber"][key] for key in ("username", "password")}
    login = await context.request.post(f"{ward.http}/api/login", data=other, headers={"Origin": ward.http})
    assert login.ok
    await window.sign_out()
    await expect(page.get_by_role("status")).to_contain_text("somebody else is signed in, and stays so")
    assert (await (await context.request.get(f"{ward.http}/api/me")).json())["role"] == "prescriber"
    await page.unroute_all()
    await page.reload()  # as any window of this browser
    await expect(page.get_by_role("button", name="Prescriber · sign out")).to_be_visible(timeout=10_000)

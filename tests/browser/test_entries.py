"""An entry is never lost: with the network away it is kept and shown; later it is sent once or refused."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Dialog, expect

from tests.browser.conftest import Look
from tests.browser.test_layout import violations
from tests.browser.ward import Bed, Ward
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="package")

BACK_WITHIN_MS = 20_000


async def type_pressure(window: Window, systolic: str, diastolic: str) -> None:
    await window.page.get_by_role("button", name="Vitals by hand").click()
    dialog = window.page.get_by_role("dialog", name="Vitals by hand")
    await dialog.get_by_label("Systolic").fill(systolic)
    await dialog.get_by_label("Diastolic").fill(diastolic)
    await dialog.get_by_role("button", name="Record").click()
    await expect(dialog).to_have_count(0)


async def recorded(bed: Bed, systolic: int) -> list[dict[str, Any]]:
    items = await bed.staff["nurse"].get(f"/api/sessions/{bed.id}/timeline")
    return [item for item in items if item["data"].get("signals", {}).get("systolic") == systolic]


async def test_an_entry_made_while_the_network_is_away_is_sent_once_at_its_own_time(
    look: Look, ward: Ward
) -> None:
    window, bed = await look(), ward.beds["2"]
    await window.session(bed.path)
    context = window.page.context
    await context.set_offline(True)
    await type_pressure(window, "131", "77")
    unsent = window.page.locator(".timeline .unsent")
    await expect(unsent).to_contain_text("Not sent yet")
    await expect(unsent).to_contain_text("By hand: BP 131/77")
    happened = re.search(r"Happened (\d\d:\d\d:\d\d)", await unsent.inner_text())
    assert happened
    badge = window.page.get_by_role("button", name="1 not sent yet")
    await expect(badge).to_be_visible()
    await window.page.get_by_role("link", name="Back to the board").click()
    await expect(badge).to_be_visible()  # on every view
    asked: list[str] = []

    async def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    window.page.on("dialog", leave)
    await context.set_offline(False)
    await window.page.route("**/api/commands/**", lambda route: route.abort())  # it is back, but not for us
    await window.page.reload()
    assert asked == ["beforeunload"]
    await expect(badge).to_be_visible(timeout=BACK_WITHIN_MS)  # from the disk

    await window.page.unroute("**/api/commands/**")
    await expect(badge).to_have_count(0, timeout=BACK_WITHIN_MS)
    await window.session(bed.path)
    entry = window.page.get_by_role("region", name="Timeline").locator("li").filter(has_text="BP 131/77")
    await expect(entry).to_contain_text(happened[1][:5], timeout=BACK_WITHIN_MS)
    assert len(await recorded(bed, 131)) == 1


async def test_what_is_refused_later_stays_with_the_servers_words(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["2"]
    await window.session(bed.path)
    await window.page.route("**/api/commands/**", lambda route: route.abort())
    await type_pressure(window, "80", "125")  # nobody has said yet that this cannot be
    await expect(window.page.get_by_role("button", name="1 not sent yet")).to_be_visible()
    await window.page.unroute("**/api/commands/**")
    badge = window.page.get_by_role("button", name="1 not recorded")
    await badge.click(timeout=BACK_WITHIN_MS)
    listed = window.page.get_by_role("dialog", name="Entered on this device")
    await expect(listed.locator(".unsent")).to_contain_text("80/125 is not possible.")
    entry, close = listed.locator(".unsent"), listed.get_by_role("button", name="Close", exact=True)
    above, below = await entry.bounding_box(), await close.bounding_box()
    assert above and below and above["y"] + above["height"] <= below["y"]
    assert await violations(window.page) == []
    await window.page.reload()
    await badge.click(timeout=BACK_WITHIN_MS)  # until somebody has read it
    await listed.get_by_role("button", name="I have read this").click()
    await expect(listed).to_contain_text("Everything is sent.")
    await listed.get_by_role("button", name="Close", exact=True).click()
    await expect(badge).to_have_count(0)
    assert await recorded(bed, 80) == []


async def test_another_sign_in_sends_nothing_of_whoever_was_here_before(look: Look, ward: Ward) -> None:
    window, bed = await look(), ward.beds["2"]
    await window.session(bed.path)
    await window.page.route("**/api/commands/**", lambda route: route.abort())
    await type_pressure(window, "133", "78")
    await window.page.get_by_role("button", name="sign out").first.click()
    await window.page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    await window.page.unroute("**/api/commands/**")
    other = ward.users["prescriber"]
    await window.type_in(other["username"], other["password"])
    await expect(window.page.get_by_role("button", name="1 of somebody else")).to_be_visible(
        timeout=BACK_WITHIN_MS
    )
    await expect(window.state).to_have_attribute("data-feed", "live", timeout=BACK_WITHIN_MS)
    assert await recorded(bed, 133) == []
    await window.sign_out()
    nurse = ward.users["nurse"]
    await window.type_in(nurse["username"], nurse["password"])
    await expect(window.state).to_have_attribute("data-feed", "live", timeout=BACK_WITHIN_MS)
    await expect(window.page.locator(".unsent-tool")).to_have_count(0, timeout=BACK_WITHIN_MS)
    await window.session(bed.path)  # who signed out by choice begins on the board
    entry = window.page.get_by_role("region", name="Timeline").locator("li").filter(has_text="BP 133/78")
    await expect(entry).to_be_visible(timeout=BACK_WITHIN_MS)


async def test_an_older_window_sends_nothing_in_the_name_of_who_signed_in_since(
    look: Look, ward: Ward
) -> None:
    """Windows of one browser share their cookie."""
    window, bed = await look(), ward.beds["2"]
    await window.session(bed.path)
    # what the page asks by itself would tell it as well, and sooner
    await window.page.route(re.compile("dry_run|/api/sessions"), lambda route: route.abort())
    other = {key: ward.users["prescriber"][key] for key in ("username", "password")}
    login = window.page.context.request.post(
        f"{ward.http}/api/login", data=other, headers={"Origin": ward.http}
    )
    assert (await login).ok
    await type_pressure(window, "134", "79")
    await expect(window.page.get_by_text("somebody else has signed in in another window")).to_be_visible(
        timeout=BACK_WITHIN_MS
    )
    await window.page.unroute_all()
    assert await recorded(bed, 134) == []
    nurse = ward.users["nurse"]
    await window.type_in(nurse["username"], nurse["password"])
    entry = window.page.get_by_role("region", name="Timeline").locator("li").filter(has_text="BP 134/79")
    await expect(entry).to_be_visible(timeout=BACK_WITHIN_MS)
    async with asyncio.timeout(10):
        while not (items := await recorded(bed, 134)):  # the page shows it before the read model has it
            await asyncio.sleep(0.1)
    assert [item["by"] for item in items] == [f"staff:{ward.staff['nurse'].id}"]

"""A window of Chromium in which somebody looks at KAP."""

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import ConsoleMessage, Locator, Page, expect

DASHBOARD = Path(__file__).parents[2] / "services/projections/dashboard"
SHOWN_WITHIN_MS = 2_000  # a reading that was sent
NOTICED_WITHIN_S = 3.0  # after its limit
FEED_LOST_S = 2.5
NO_DATA_S = 15.0  # of the default protocols

# The chart's canvas, and whether each signal's own colour has drawn a line on it.
DRAWN = """() => {
  const canvas = document.querySelector(".plot canvas");
  const colour = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return ["--spo2", "--pulse", "--bp", "--resp"].every((name) => {
    colour.fillStyle = getComputedStyle(canvas).getPropertyValue(name);
    colour.fillRect(0, 0, 1, 1);
    const wanted = colour.getImageData(0, 0, 1, 1).data;
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
      if ([0, 1, 2].every((n) => Math.abs(data[i + n] - wanted[n]) < 8)) found += 1;
    }
    return found > 150;
  });
}"""


@dataclass
class Window:
    page: Page
    http: str
    faults: list[str]

    def listen(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        # what the network says while a test cuts it is not the page's fault
        if message.type == "error" and not re.search("Failed to load resource|WebSocket", message.text):
            self.faults.append(message.text)

    async def open(self, path: str = "/") -> None:
        await self.page.goto(f"{self.http}{path}", wait_until="commit")

    async def board(self) -> None:
        await self.open()
        await expect(self.card("8")).to_be_visible(timeout=15_000)  # the ward's last; guests may be there too
        await expect(self.state).to_have_attribute("data-feed", "live", timeout=15_000)

    async def session(self, path: str) -> None:
        await self.open(path)
        await expect(self.page.locator("main.session")).to_be_visible(timeout=15_000)
        await expect(self.state).to_have_attribute("data-feed", "live", timeout=15_000)

    async def type_in(self, username: str, password: str) -> None:
        await self.page.get_by_label("User name").fill(username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()

    async def sign_out(self) -> None:
        await self.page.get_by_role("button", name="sign out").first.click()
        question = self.page.get_by_role("dialog")
        await expect(question).to_contain_text("Alarms will not sound on this screen.")
        await question.get_by_role("button", name="Sign out").click()

    async def chart_drawn(self) -> None:
        await self.page.wait_for_function(DRAWN, polling=200, timeout=10_000)

    async def reach(self, target: Locator) -> None:
        """Press Tab until the target has the focus."""
        await target.wait_for()
        for _ in range(60):
            if await target.evaluate("element => element === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError("Tab does not lead there")

    @property
    def state(self) -> Locator:
        return self.page.locator(".fresh")

    @property
    def banner(self) -> Locator:
        return self.page.locator("section.banner")

    def card(self, room: str) -> Locator:
        return self.page.locator(f'article[data-room="{room}"]')

    def value(self, kind: str, room: str | None = None) -> Locator:
        within = self.card(room) if room else self.page.locator(".rail")
        return within.locator(f'[data-signal="{kind}"]')

    def alarm(self, text: str) -> Locator:
        """An open alarm on the session's page."""
        return self.page.locator(".open-alarm").filter(has_text=text)

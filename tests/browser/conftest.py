"""One running KAP with eight patients and one Chromium, for all that is proved in the browser."""

import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.ward import Ward, admitted
from tests.browser.window import Window
from tests.system.running import Up, belonging, eventually

KAP = str(Path(sys.executable).with_name("kap"))
PORTS = [word for option in ("http", "feed", "mllp", "nats") for word in (f"--{option}-port", "0")]
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Look = Callable[..., Awaitable[Window]]


@pytest.fixture(scope="package")
def running_kap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    data = tmp_path_factory.mktemp("browser") / "data"
    up = Up(data, [KAP, "up", "--data", str(data), *PORTS])
    try:
        yield up.ready()
    finally:
        up.process.send_signal(signal.SIGTERM)
        up.said()
        eventually(lambda: not belonging(data), 5)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def ward(running_kap: Up) -> AsyncIterator[Ward]:
    async with admitted(running_kap) as ward:
        yield ward


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    assert program, "The browser tests need Chromium: install the package 'chromium'."
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def look(ward: Ward, chromium: Browser) -> AsyncIterator[Look]:
    """Opens windows; `role` signs in, None leaves the sign-in to the test. No page may fail in silence."""
    faults: list[str] = []
    async with AsyncExitStack() as stack:

        async def open_window(
            role: str | None = "nurse",
            size: tuple[int, int] = (1366, 768),
            theme: str = "night",
            script: str = "",
        ) -> Window:
            context = await chromium.new_context(
                viewport={"width": size[0], "height": size[1]}, locale="en-GB", timezone_id="Europe/Vienna"
            )
            stack.push_async_callback(context.close)
            if role is not None:
                user: dict[str, Any] = ward.users[role]
                reply = await context.request.post(
                    f"{ward.http}/api/login",
                    data={key: user[key] for key in ("username", "password")},
                    headers={"Origin": ward.http},
                )
                assert reply.ok
            if theme != "night":
                await context.add_init_script(f"localStorage.setItem('kap-theme', '{theme}')")
            if script:
                await context.add_init_script(script)
            window = Window(await context.new_page(), ward.http, faults)
            window.listen()
            return window

        yield open_window
    await ward.settle()
    assert faults == []

"""How fast the page is, in the browser: prints its figures beside their goals. It measures; it is no test.

    python -m tests.browser.speed [--minutes 30]

24 sessions whose monitors send once a second, and as many readings more as make 60 changes a second; one
session has gone on for 8 hours. The heap is read after a garbage collection: what is left is kept.
"""

import argparse
import asyncio
import gzip
import json
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kap.events.session import Route
from kap_local import physiology
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.browser.conftest import CHROMIUM, KAP, PORTS
from tests.browser.ward import Bed, Ward, admitted, calm
from tests.browser.window import DASHBOARD
from tests.system.running import Up

SESSIONS, CHANGES_S, LONG_H = 24, 60, 8
ROUTES: tuple[Route, ...] = ("intramuscular", "sublingual", "spravato", "intranasal")
ROOMS: dict[str, tuple[float, Route]] = {
    str(n + 1): (LONG_H * 60 if n == 0 else 5 + 4 * n, ROUTES[n % len(ROUTES)]) for n in range(SESSIONS)
}

# When every card has live values; and each frame that took longer than 50 ms: what the page did in it, and
# how long it waited with nothing to do, for the browser's other threads or for a core.
WATCH = """
window.frames50 = [];
new PerformanceObserver(list => list.getEntries().forEach(frame => {
  const { duration, startTime, styleAndLayoutStart: laidOut } = frame;
  const script = frame.scripts.reduce((sum, { duration }) => sum + duration, 0);
  const drawing = laidOut && startTime + duration - laidOut;
  window.frames50.push({ duration, script, drawing, waiting: Math.max(0, duration - script - drawing) });
})).observe({ type: "long-animation-frame" });
const look = () => {
  const seen = '.card [data-signal="spo2"]:is([data-state="fresh"], [data-state="ageing"])';
  if (document.querySelectorAll(seen).length < SESSIONS) return requestAnimationFrame(look);
  window.liveAt ??= performance.now();
};
requestAnimationFrame(look);
""".replace("SESSIONS", str(SESSIONS))
# A page with one number, drawn as often as the board: what is slow there is the machine's.
COUNTER = """() => {
  let n = 0;
  setInterval(() => { document.body.textContent = n++; }, 100);
}"""
CHART_ALL = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const plot = document.querySelector(".plot[aria-busy]");
  const all = [...document.querySelectorAll(".seg button")].find(button => button.textContent === "All");
  const started = performance.now();
  all.click();
  while (plot.ariaBusy !== "true") await frame();
  while (plot.ariaBusy === "true") await frame();
  await frame();
  return performance.now() - started;
}"""


async def more(ward: Ward) -> None:
    """Readings beside the monitors' own, until there are 60 changes a second."""
    beds, wait = list(ward.beds.values()), 1 / (CHANGES_S - SESSIONS)
    loop = asyncio.get_running_loop()
    due = loop.time()
    waiting: set[asyncio.Task[Any]] = set()
    n = 0
    while True:
        due += wait
        await asyncio.sleep(max(0, due - loop.time()))
        sending = asyncio.create_task(reading(beds[n % len(beds)]))
        waiting.add(sending)
        sending.add_done_callback(waiting.discard)
        n += 1


async def reading(bed: Bed) -> None:
    now = datetime.now(UTC)
    signals = calm(physiology.monitor(bed.who.body, bed.minute(now), bed.noise))
    one = {"device_time": now.isoformat(), "signals": signals}
    body = {"device_id": bed.device, "sent_at": now.isoformat(), "readings": [one]}
    await bed.answered(json.dumps(body).encode())


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Ward, Browser]]:
    data = Path(tempfile.mkdtemp(prefix="kap-speed-"))
    up = Up(data / "data", [KAP, "up", "--data", str(data / "data"), *PORTS])
    try:
        async with (
            admitted(await asyncio.to_thread(up.ready), ROOMS) as ward,
            async_playwright() as playwright,
        ):
            program = shutil.which("chromium")
            browser = await playwright.chromium.launch(executable_path=program, args=CHROMIUM)
            sending = asyncio.create_task(more(ward))
            try:
                yield ward, browser
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending
                await browser.close()
    finally:
        up.process.send_signal(signal.SIGTERM)
        up.said()
        shutil.rmtree(data)


async def signed_in(ward: Ward, browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1920, "height": 1080})
    user = {key: ward.users["nurse"][key] for key in ("username", "password")}
    await context.request.post(f"{ward.http}/api/login", data=user, headers={"Origin": ward.http})
    await context.add_init_script(WATCH)
    return await context.new_page()


async def live(page: Page, ward: Ward) -> float:
    """ms from the navigation's start until every session is live on the board."""
    await page.goto(ward.http, wait_until="commit")
    handle = await page.wait_for_function("() => window.liveAt", timeout=60_000)
    return float(await handle.json_value())


async def busy_s(cdp: CDPSession) -> float:
    metrics = (await cdp.send("Performance.getMetrics"))["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


async def heap_mb(cdp: CDPSession) -> float:
    await cdp.send("HeapProfiler.collectGarbage")
    return float((await cdp.send("Runtime.getHeapUsage"))["usedSize"]) / 1e6


def bundle_kb() -> float:
    files = [
        *DASHBOARD.glob("dist/assets/*.js"),
        *DASHBOARD.glob("dist/assets/*.css"),
        DASHBOARD / "dist/index.html",
    ]
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) / 1000


def say(name: str, figure: str, goal: str) -> None:
    print(f"{name:<32} {figure:<36} {goal}", flush=True)


async def say_frames(page: Page, name: str, goal: str) -> None:
    frames: list[dict[str, float]] = await page.evaluate("window.frames50")
    say(name, f"{len(frames)}", goal)
    for frame in frames:
        print("  " + ", ".join(f"{part} {ms:.0f} ms" for part, ms in frame.items()), flush=True)


async def measure(minutes: int) -> None:
    say("bundle, gzipped", f"{bundle_kb():.0f} kB", "< 150 kB")
    began = time.monotonic()
    async with running() as (ward, browser):
        print(f"{SESSIONS} patients admitted in {time.monotonic() - began:.0f} s", flush=True)
        page = await signed_in(ward, browser)
        await live(page, ward)  # the server and the browser's cache are warm
        boards = sorted([await live(page, ward) for _ in range(3)])
        say("first live board", f"{boards[1]:.0f} ms", "< 1000 ms")
        cdp = await page.context.new_cdp_session(page)
        await cdp.send(
            "Performance.enable", {"timeDomain": "threadTicks"}
        )  # of its own, not of a busy machine
        await asyncio.sleep(5)
        heap = [await heap_mb(cdp)]
        await page.evaluate("window.frames50.length = 0")
        loop = asyncio.get_running_loop()
        began, busy = loop.time(), await busy_s(cdp)
        await asyncio.sleep(60)
        share = (await busy_s(cdp) - busy) / (loop.time() - began)
        say("main thread busy", f"{share:.0%}", "< 25 %")
        await say_frames(page, "frames over 50 ms in a minute", "0")
        heap.append(await heap_mb(cdp))
        for _ in range(minutes - 1):
            await asyncio.sleep(60)
            heap.append(await heap_mb(cdp))
            print(f"minute {len(heap) - 1}: {heap[-1]:.2f} MB", flush=True)
        grown = f"{heap[0]:.1f} → {heap[-1]:.1f} MB, most {max(heap):.1f}"
        say(f"heap over {len(heap) - 1} min", grown, "flat")
        await page.goto(f"{ward.http}{ward.beds['1'].path}", wait_until="commit")
        await page.wait_for_selector('.plot[aria-busy="false"] canvas', timeout=30_000)
        charts = sorted([await page.evaluate(CHART_ALL) for _ in range(5)])
        say(f"{LONG_H} h of one session charted", f"{charts[2]:.0f} ms, worst {charts[-1]:.0f}", "< 300 ms")
        await page.goto("about:blank")
        await page.evaluate(COUNTER)
        await asyncio.sleep(60)
        await say_frames(page, "the same, a page with one number", "the machine's own")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=int, default=1, help="how long to watch the heap (the issue: 30)")
    asked = parser.parse_args()
    asyncio.run(measure(max(1, asked.minutes)))


if __name__ == "__main__":
    main()

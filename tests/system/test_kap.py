"""The whole of KAP as `kap up` runs it: every service under its own name on NATS, a second, quick start."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.system.running import Up, belonging, eventually

KAP = str(Path(sys.executable).with_name("kap"))
PORTS = [word for option in ("http", "feed", "mllp", "nats") for word in (f"--{option}-port", "0")]
PROCESSES = {
    "nats",
    "postgres",
    "intake",
    "session-monitor",
    "integration",
    "gateway",
    "read-models",
}


def kap_up(data: Path) -> Up:
    return Up(data, [KAP, "up", "--data", str(data), *PORTS])


def post(url: str, body: dict[str, Any], origin: str) -> Any:
    headers = {"Content-Type": "application/json", "Origin": origin}
    with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=10) as answer:
        return json.load(answer)


def serious(log: Path) -> list[str]:
    """What a service's log says that should not be there."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["message"] for line in lines if line["level"] in ("error", "critical")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_everything_starts_signs_in_stops_and_starts_again(data: Path) -> None:
    first = kap_up(data)
    try:
        run = first.ready().run()
        assert run["pids"].keys() == PROCESSES
        for address in run["services"].values():
            for path in ("healthz", "readyz", "metrics", "docs"):
                with urlopen(f"{address}/{path}", timeout=10) as answer:
                    assert answer.status == 200, f"{address}/{path}"
        for user in run["users"]:
            sign_in = {key: user[key] for key in ("username", "password")}
            assert post(f"{run['http']}/api/login", sign_in, run["http"])["role"] == user["role"]
        assert not (data / "first_users.json").exists()
        assert "Violation" not in (data / "log" / "nats.log").read_text()
        assert {name: serious(data / "log" / f"{name}.log") for name in run["services"]} == {
            name: [] for name in run["services"]
        }
    finally:
        first.process.send_signal(signal.SIGTERM)
        first.said()
    assert first.process.returncode == 0
    assert not belonging(data)

    started = time.monotonic()
    second = kap_up(data)
    try:
        assert "users" not in second.ready().run()
        assert time.monotonic() - started < 30  # alone on the machine about 4 s
        sign_in = {key: run["users"][0][key] for key in ("username", "password")}
        again = second.run()["http"]
        assert post(f"{again}/api/login", sign_in, again)["role"] == "nurse"
        second.process.kill()
        second.process.communicate()
        eventually(lambda: not belonging(data), 5)
    finally:
        second.process.kill()

"""Each service alone: a wrong or missing setting is refused by its name; a log that is away is waited for."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kap.settings import TABLE, SettingError, check_names
from kap_local.nats_server import NatsServer

SERVICES = ("intake", "session_monitor", "integration", "projections")


def settings(**given: str) -> dict[str, str]:
    around = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    usual = {
        "KAP_NATS_URL": "nats://127.0.0.1:1",
        "KAP_NATS_MONITOR_URL": "http://127.0.0.1:1",
        "KAP_PORT": "0",
        "KAP_TIMEZONE": "Europe/Vienna",
        "KAP_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    }
    return {name: value for name, value in (around | usual | given).items() if value}


def command(service: str) -> list[str]:
    return [sys.executable, "-m", service, *(["--only", "read-models"] if service == "projections" else [])]


def refused(service: str, **given: str) -> str:
    done = subprocess.run(command(service), env=settings(**given), capture_output=True, text=True, timeout=30)
    assert done.returncode == 2, done
    return done.stderr


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAP_NATS_URL", ""),
        ("KAP_NATS_URL", "postgresql://127.0.0.1:1"),
        ("KAP_PORT", "many"),
        ("KAP_BIND", "999.1.1.1"),
        ("KAP_CLINIC", "Two Words"),
        ("KAP_ALLOW_UNSYNCED", "maybe"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(service: str, name: str, value: str) -> None:
    assert name in refused(service, **{name: value})


@pytest.mark.parametrize(
    ("service", "name", "value"),
    [
        ("intake", "KAP_PROTOCOLS", "/nowhere/at/all"),
        ("session_monitor", "KAP_TIMEZONE", ""),
        ("session_monitor", "KAP_TIMEZONE", "Mars/Olympus"),
        ("session_monitor", "KAP_MLLP_PORT", "70000"),
        ("projections", "KAP_DATABASE_URL", ""),
    ],
)
def test_a_setting_of_its_own_is_refused_by_its_name(service: str, name: str, value: str) -> None:
    assert name in refused(service, **{name: value})


@pytest.mark.parametrize(
    ("service", "name", "should_be"),
    [
        ("intake", "KAP_NATS_URL", "like nats://user:password@host:4222"),
        ("intake", "KAP_NATS_MONITOR_URL", "like http://host:8222"),
        ("intake", "KAP_PORT", "a port number from 0 to 65535"),
        ("session_monitor", "KAP_TIMEZONE", "a zone like Europe/Vienna"),
        ("projections", "KAP_DATABASE_URL", "like postgresql://host:port"),
    ],
)
def test_a_missing_setting_is_named_with_what_it_should_be(
    nats_server: NatsServer, service: str, name: str, should_be: str
) -> None:
    there = {"KAP_NATS_URL": nats_server.url("intake"), "KAP_NATS_MONITOR_URL": nats_server.monitor}
    assert f"{name} is not set; it should be {should_be}\n" in refused(service, **there | {name: ""})


def test_a_misspelt_setting_is_refused_with_the_one_that_it_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused("intake", KAP_SNAPSHOT_FLIE="/somewhere")
    assert said == "intake: KAP_SNAPSHOT_FLIE is no setting of KAP: is KAP_SNAPSHOT_FILE meant?\n"
    for program in (["-m", "kap_local.cli", "score", "news2", "{}"], ["deploy/streams.py"]):
        done = subprocess.run(
            [sys.executable, *program], env=settings(KAP_REPLICA="3"), capture_output=True, text=True
        )
        assert (
            done.returncode != 0 and "KAP_REPLICA is no setting of KAP: is KAP_REPLICAS meant?" in done.stderr
        )
    monkeypatch.setenv("KAP_XYZ", "1")
    with pytest.raises(SettingError, match=r"KAP_XYZ is no setting of KAP$"):
        check_names()


def test_the_readme_lists_each_setting_once() -> None:
    rows = [
        line.split("|")[1]
        for line in Path("README.md").read_text().splitlines()
        if line.startswith("| `KAP_")
    ]
    listed = [name.strip(" `") for row in rows for name in row.split(",")]
    assert sorted(listed) == sorted(TABLE)


def test_a_port_in_use_and_a_wrong_password_are_named(nats_server: NatsServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"KAP_PORT is {port}" in refused("intake", KAP_PORT=port)
    wrong = f"nats://intake:wrong@127.0.0.1:{nats_server.port}"
    said = refused("intake", KAP_NATS_URL=wrong, KAP_NATS_MONITOR_URL=nats_server.monitor)
    assert "KAP_NATS_URL" in said and "wrong" not in said


def test_a_log_that_is_away_is_waited_for_and_said() -> None:
    waiting = subprocess.Popen(command("intake"), env=settings(), stdout=subprocess.PIPE, text=True)
    try:
        assert waiting.stdout is not None
        line = waiting.stdout.readline()
        assert "KAP_NATS_URL: NATS does not answer at nats://127.0.0.1:1" in line
        asked = time.monotonic()
        waiting.send_signal(signal.SIGTERM)
        waiting.wait(5)
        assert time.monotonic() - asked < 5
    finally:
        waiting.kill()
        waiting.wait()
        if waiting.stdout is not None:
            waiting.stdout.close()

"""`kap up` from outside: what it writes, what it prints, what it refuses, what it leaves."""

import asyncio
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import asyncpg
import nats
import pytest
from kap_local import data_folder, first_users, logs
from kap_local.failure import Failure
from kap_local.logs import Log
from kap_local.nats_server import NatsServer

from tests.system.running import Up, belonging, eventually

KAP = str(Path(sys.executable).with_name("kap"))
KEYS = {"http", "feed", "mllp", "nats", "nats_monitor", "postgres", "pids", "subscriber", "gateway"}
ROLES = ("nurse", "therapist", "prescriber", "admin", "wall", "auditor")


def kap(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KAP, *arguments], capture_output=True, text=True, timeout=60)


def test_run_json_says_where_everything_answers(up: Callable[..., Up]) -> None:
    run = up().ready().run()
    assert run.keys() >= KEYS
    assert run["pids"].keys() == {"nats", "postgres", "intake", "read-models"}
    for address in run["services"].values():
        assert urlopen(f"{address}/readyz", timeout=5).status == 200
    varz = json.load(urlopen(f"{run['nats_monitor']}/varz", timeout=5))
    assert varz["jetstream"]["config"]["sync_always"] is True

    async def connect(url: str) -> None:
        await (await nats.connect(url)).close()

    for key in ("nats", "subscriber", "gateway"):
        asyncio.run(connect(run[key]))


@pytest.mark.parametrize("bind", ("0.0.0.0", "127.0.0.2"))
def test_it_listens_where_it_is_told(
    up: Callable[..., Up], monkeypatch: pytest.MonkeyPatch, bind: str
) -> None:
    monkeypatch.setenv("KAP_BIND", bind)
    run = up().ready().run()
    host = "127.0.0.1" if bind == "0.0.0.0" else bind
    assert {urlsplit(run[key]).hostname for key in ("http", "feed", "mllp", "nats")} == {host}
    assert {urlsplit(run[key]).hostname for key in ("nats_monitor", "postgres")} == {"127.0.0.1"}


def test_sign_ins_are_made_up_once_a_data_folder(up: Callable[..., Up]) -> None:
    first = up().ready()
    users = first.run()["users"]
    assert [user["role"] for user in users] == list(ROLES)
    assert len({user["password"] for user in users}) == len(ROLES)
    waiting = first.data / "first_users.json"
    assert waiting.stat().st_mode & 0o777 == 0o600
    assert [user["password"] for user in json.loads(waiting.read_text())] == [u["password"] for u in users]
    waiting.unlink()  # as the staff gateway does when it has taken them over
    first.process.terminate()
    said = first.said()
    assert all(user["password"] in said for user in users)
    addresses = first.data / "nats" / "passwords.json"
    before = addresses.read_text()
    second = up().ready()
    assert "users" not in second.run()
    assert addresses.read_text() == before  # what runs outside keeps its address


def test_sign_ins_not_yet_taken_over_are_offered_again(tmp_path: Path) -> None:
    file = tmp_path / "first_users.json"
    made = first_users.prepare(file, new=True)
    assert first_users.prepare(file, new=False) == made


def test_existing_servers_are_used_instead(
    up: Callable[..., Up], nats_server: NatsServer, nats_url: str, database: str
) -> None:
    running = up(nats_url=nats_url, nats_monitor_url=nats_server.monitor, database_url=database).ready()
    run = running.run()
    assert run["pids"].keys() == {"intake", "read-models"}
    assert (run["nats"], run["postgres"]) == (nats_url, database)
    assert not (running.data / "nats").exists() and not (running.data / "postgres").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    (
        ({"nats_url": "nats://127.0.0.1:1"}, "--nats-url and --nats-monitor-url belong together"),
        (
            {"nats_url": "nats://u:secret@127.0.0.1:1", "nats_monitor_url": "http://127.0.0.1:2"},
            "NATS does not answer at nats://127.0.0.1:1",
        ),
        ({"database_url": "postgresql://u:secret@127.0.0.1:1/x"}, "Postgres does not answer at"),
        ({"timezone": "Vienna"}, "--timezone 'Vienna' is not known"),
        ({"http_port": 70000}, "--http-port 70000 is not a port"),
        ({"http_port": 23456, "feed_port": 23456}, "Port 23456 is given twice"),
    ),
)
def test_what_cannot_be_is_refused_in_a_sentence(
    up: Callable[..., Up], tmp_path: Path, options: dict[str, object], said: str
) -> None:
    running = up(**options)
    words = running.said()
    assert said in words and "Traceback" not in words and "secret" not in words
    assert running.process.returncode == 1
    assert not belonging(tmp_path)


def test_postgres_asks_for_its_password_and_checks_its_pages(up: Callable[..., Up]) -> None:
    running = up().ready()
    data = running.data / "postgres" / "data"
    rules = [
        line for line in (data / "pg_hba.conf").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert rules and all(line.endswith("scram-sha-256") for line in rules)
    assert data.stat().st_mode & 0o777 == 0o700

    async def ask() -> list[str]:
        connection = await asyncpg.connect(running.run()["postgres"])
        names = ("data_checksums", "fsync", "full_page_writes", "server_encoding", "listen_addresses")
        answers = [await connection.fetchval(f"show {name}") for name in names]
        await connection.close()
        return answers

    assert asyncio.run(ask()) == ["on", "on", "on", "UTF8", "127.0.0.1"]


def test_tail_prints_what_is_recorded_as_a_subscriber(up: Callable[..., Up]) -> None:
    running = up().ready()
    tail = subprocess.Popen(
        [KAP, "tail", "--data", str(running.data), "--json"], stdout=subprocess.PIPE, text=True
    )
    heard: list[str] = []
    assert tail.stdout is not None
    reader = threading.Thread(target=lambda: heard.extend(iter(tail.stdout.readline, "")))  # type: ignore[union-attr]
    reader.start()

    async def record() -> None:
        client = await nats.connect(running.run()["nats"])
        await client.request("kap.events.main.session.1.opened", b'{"type": "Opened"}')
        await client.close()

    def recorded_and_heard() -> bool:
        asyncio.run(record())
        return bool(heard)

    try:
        eventually(recorded_and_heard)
    finally:
        tail.terminate()
        tail.wait()
        reader.join()
        tail.stdout.close()
    first = json.loads(heard[0])
    assert first["subject"] == "kap.live.events.main.session.1.opened"
    assert first["data"] == {"type": "Opened"} and first["sequence"] >= 1


def test_the_command_line_explains_itself() -> None:
    told = kap("--help")
    assert told.returncode == 0 and {"up", "tail"} <= set(re.findall(r"\w+", told.stdout))
    for command in ("up", "tail"):
        assert kap(command, "--help").returncode == 0
    assert kap("up", "--no-such-option").returncode == 2
    assert kap("no-such-command").returncode == 2


def test_forget_says_who_is_unknown_before_it_asks_who_is_there(up: Callable[..., Up]) -> None:
    data = str(up().ready().data)
    for unknown, why in (
        ("9999", "No patient has the number 9999."),
        (
            "019f0000-0000-7000-8000-000000000000",
            "No patient has the id 019f0000-0000-7000-8000-000000000000.",
        ),
        ("ninety", "'ninety' is neither a patient's id nor a number of 4 to 8 digits."),
    ):
        done = kap("forget", unknown, "--data", data)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"kap: {why}\n")


def test_an_error_is_one_sentence(tmp_path: Path) -> None:
    refused = kap("tail", "--data", str(tmp_path))
    assert refused.returncode == 1
    assert (
        refused.stderr == f"kap: KAP does not run on {tmp_path}: start it with `kap up --data {tmp_path}`.\n"
    )


def test_the_clinics_key_is_made_once(tmp_path: Path) -> None:
    key = data_folder.clinic_key(tmp_path)
    before = key.read_text()
    assert data_folder.clinic_key(tmp_path).read_text() == before
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_folder_has_one_user_at_a_time(tmp_path: Path) -> None:
    with data_folder.locked(tmp_path / "data"), pytest.raises(Failure, match="in use by another kap up"):
        with data_folder.locked(tmp_path / "data"):
            raise AssertionError("locked twice")


def test_a_log_is_cut_at_its_bound_and_its_warnings_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "BOUND", 1000)
    log = Log(file := tmp_path / "intake.log")
    with open(file, "a") as out:
        print('{"level": "info", "message": "all is well"}', file=out)
        print('{"level": "warning", "message": "the log is slow"}', file=out)
        print("[12] 2026/11/22 15:22:34.7 [ERR] disk full", file=out)
        print('{"level": "error", "message": "half a li', end="", file=out, flush=True)
        assert log.warnings() == ["the log is slow", "[12] 2026/11/22 15:22:34.7 [ERR] disk full"]
        print('ne"}', file=out, flush=True)
        assert log.warnings() == ["half a line"]
        print("x" * 1000, file=out, flush=True)
        said: list[str] = []
        logs.tell({"intake": log}, said.append)
        assert file.stat().st_size == 0 and (tmp_path / "intake.log.1").stat().st_size > 1000
        print('{"level": "critical", "message": "after the cut"}', file=out, flush=True)
        logs.tell({"intake": log}, said.append)
    assert said == ["intake: after the cut"]

"""What kap up starts is kept running, and never outlives it."""

import asyncio
import os
import re
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kap_local import postgres, supervisor, testing
from kap_local.failure import Failure
from kap_local.guard import Guard
from kap_local.ports import free_port
from kap_local.supervisor import Process, Supervisor, pause_before
from kap_local.watchdog import with_descendants

from tests.system.running import Up, belonging, eventually, gone


def test_nothing_outlives_a_kill(up: Callable[..., Up]) -> None:
    running = up().ready()
    family = with_descendants({running.process.pid})
    assert (
        len(family) > len(running.run()["pids"]) + 3
    )  # Postgres's own children and the watchdog are among them
    running.process.kill()
    eventually(lambda: all(gone(pid) for pid in family), 3)


@pytest.mark.parametrize("after", (0.3, 0.6, 1.0, 1.5))
def test_nothing_outlives_a_kill_while_starting(up: Callable[..., Up], tmp_path: Path, after: float) -> None:
    running = up()
    time.sleep(after)
    running.process.kill()
    eventually(lambda: not belonging(tmp_path), 3)


def watchdogs(of: Up) -> set[int]:
    family = with_descendants({of.process.pid})
    return {pid for pid in family if b"watchdog.py" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_nothing_outlives_a_kill_after_the_watchdog_was_killed(up: Callable[..., Up], tmp_path: Path) -> None:
    running = up().ready()
    (first,) = watchdogs(running)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: len(watchdogs(running) - {first}) == 1)
    time.sleep(0.2)
    running.process.kill()
    eventually(lambda: not belonging(tmp_path), 3)


def test_it_starts_again_on_the_data_of_a_killed_one(up: Callable[..., Up]) -> None:
    first = up().ready()
    (watchdog,) = watchdogs(first)
    os.kill(watchdog, signal.SIGSTOP)  # a busy machine: what was started has not ended when the next comes
    try:
        first.process.kill()
        second = up()
        time.sleep(2)
        assert second.process.poll() is None, "it waits: a killed process that nobody waited for is no owner"
    finally:
        os.kill(watchdog, signal.SIGCONT)
    assert second.ready().run()["nats"] != ""


def test_sigterm_stops_it_cleanly(up: Callable[..., Up], tmp_path: Path) -> None:
    running = up().ready()
    assert (running.data / "run.json").stat().st_mode & 0o777 == 0o600
    assert running.data.stat().st_mode & 0o777 == 0o700
    running.process.send_signal(signal.SIGTERM)
    assert "KAP is ready: http://127.0.0.1:" in running.said()
    assert running.process.returncode == 0
    assert not (running.data / "run.json").exists()
    assert not belonging(tmp_path)
    assert "database system is shut down" in (running.data / "log" / "postgres.log").read_text()


def test_a_second_one_is_refused_with_the_reason(up: Callable[..., Up]) -> None:
    first = up().ready()
    second = up()
    assert f"is in use by another kap up, process {first.process.pid}" in second.said()
    assert second.process.returncode == 1
    assert first.process.poll() is None


@pytest.mark.parametrize("option", ("--http-port", "--feed-port", "--mllp-port", "--nats-port"))
def test_a_port_in_use_is_named_before_anything_starts(up: Callable[..., Up], option: str) -> None:
    with socket.create_server(("127.0.0.1", taken := free_port())):
        running = up(**{option.strip("-").replace("-", "_"): taken})
        assert f"Port {taken} ({option}) is already in use" in running.said()
    assert running.process.returncode == 1
    assert not (running.data / "nats").exists()


def test_a_folder_of_somebody_else_is_left_alone(up: Callable[..., Up], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "letter.txt").write_text("mine")
    running = up()
    assert "is not empty and is not a data folder of KAP" in running.said()
    assert running.data.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ("nats", "postgres", "intake"))
def test_what_dies_is_started_again_on_its_port(up: Callable[..., Up], name: str) -> None:
    running = up().ready()
    before = running.run()
    os.kill(running.run()["pids"][name], signal.SIGKILL)
    eventually(lambda: running.run()["pids"][name] != before["pids"][name])
    after = running.run()
    assert {k: v for k, v in after.items() if k != "pids"} == {k: v for k, v in before.items() if k != "pids"}

    def listens() -> bool:
        port = {
            "nats": str(after["nats"]),
            "postgres": str(after["postgres"]).rpartition("/")[0],
            "intake": after["services"]["intake"],
        }[name]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(port.rpartition(":")[2]))) == 0

    eventually(listens)


def test_the_pause_grows_to_ten_seconds() -> None:
    assert [pause_before(deaths) for deaths in range(1, 9)] == [0.5, 1, 2, 4, 8, 10, 10, 10]


async def ready() -> bool:
    return True


async def deaths_of(command: list[str], tmp_path: Path, count: int) -> list[float]:
    """The pauses that the supervisor told of."""
    guard, said = Guard(), list[str]()
    keeper = Supervisor(guard, tmp_path, said.append, lambda: None)
    try:
        await keeper.start(Process("short", command, ready, os.environ))
        end = time.monotonic() + 20
        while len(said) < count and time.monotonic() < end:
            await asyncio.sleep(0.05)
    finally:
        await keeper.stop()
        guard.close()
    return [float(found[1]) for line in said if (found := re.search(r"again in ([\d.]+) s", line))]


async def test_a_dying_child_is_started_again_with_a_growing_pause(tmp_path: Path) -> None:
    assert await deaths_of(["false"], tmp_path, 3) == [0.5, 1, 2]


async def test_the_pause_starts_over_after_a_healthy_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "HEALTHY", 0.2)
    assert await deaths_of(["sleep", "0.3"], tmp_path, 3) == [0.5, 0.5, 0.5]


async def test_what_never_starts_is_named_with_its_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)

    async def never() -> bool:
        return False

    guard = Guard()
    keeper = Supervisor(guard, tmp_path, lambda _: None, lambda: None)
    try:
        with pytest.raises(Failure, match="intake does not start: KAP_TIMEZONE is not set"):
            await keeper.start(
                Process("intake", ["sh", "-c", "echo KAP_TIMEZONE is not set; exit 2"], never, os.environ)
            )
    finally:
        await keeper.stop()
        guard.close()


async def test_who_does_not_end_when_asked_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE", 0.3)
    guard, said = Guard(), list[str]()
    keeper = Supervisor(guard, tmp_path, said.append, lambda: None)
    await keeper.start(
        Process("deaf", ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], ready, os.environ)
    )
    await asyncio.sleep(0.3)  # the trap must be set
    pid = keeper.pids["deaf"]
    await keeper.stop()
    guard.close()
    assert gone(pid)
    assert said == ["deaf did not end within 0 s and was killed"]


def test_postgres_without_a_user_namespace_names_the_folder_it_cannot_enter(guard: Guard) -> None:
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        if os.geteuid() != 0:
            assert postgres.root_prefix(Path(closed), namespace=False) == []
            return
        (inside := Path(closed) / "data" / "postgres").mkdir(parents=True)
        with pytest.raises(Failure, match=f"cannot enter {closed}:"):
            postgres.root_prefix(inside, namespace=False)
        shut = [path for path in postgres.binaries().parents if not path.stat().st_mode & 0o001]
        folder = Path(open_to_all) / "data" / "postgres"
        if shut:
            with pytest.raises(Failure, match=f"cannot enter {shut[-1]}"):
                postgres.prepare(folder, free_port(), guard, namespace=False)
            return
        with testing.running_postgres(guard, folder, namespace=False) as cluster:
            owner = (cluster.data / "PG_VERSION").stat().st_uid
            assert owner != 0
            assert folder.stat().st_mode & 0o777 == 0o700

"""A port is given once, to one process, and its server can listen there."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from kap_local import ports
from kap_local.failure import Failure
from kap_local.ports import free_port
from kap_local.up import Options, check


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> range:
    """The only four ports there are to give; nobody else looks for one there."""
    start = next(start for start in range(19000, 20000, 4) if all(map(unbound, range(start, start + 4))))
    monkeypatch.setattr(ports, "FREE", range(start, start + 4))
    return ports.FREE


def unbound(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_no_port_is_given_twice_before_its_server_listens(four: range) -> None:
    assert {free_port() for _ in four} == set(four)
    with pytest.raises(Failure, match=f"No free port between {four.start} and {four.stop}"):
        free_port()


def test_another_process_is_not_given_it_either(four: range) -> None:
    ours = free_port()
    ask = "import sys; from kap_local import ports; ports.FREE = range(*map(int, sys.argv[1:])); "
    one = [sys.executable, "-c", ask + "print(ports.free_port())", str(ours), str(ours + 1)]
    answer = subprocess.run(one, capture_output=True, text=True, timeout=30)
    assert "No free port" in answer.stderr


def test_its_server_listens_there_and_again_after_a_restart(four: range) -> None:
    port = free_port()
    for _ in range(2):
        with (
            socket.create_server(("127.0.0.1", port)) as server,
            socket.create_connection(("127.0.0.1", port)) as client,
        ):
            there, _ = server.accept()
            there.close()
            assert client.recv(1) == b""
    assert not listens(port)


def test_any_free_port_is_none_that_was_named(four: range, tmp_path: Path) -> None:
    *others, named = four
    options = Options(tmp_path, http_port=0, feed_port=0, mllp_port=0, nats_port=named)
    claimed = check(options, "127.0.0.1")
    assert claimed.nats_port == named
    assert sorted((claimed.http_port, claimed.feed_port, claimed.mllp_port)) == others

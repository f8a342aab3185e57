"""`kap up`: servers and services as one, until it is asked to stop."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import typer
from rich.console import Console

from kap_local import data_folder, deploy_files, first_users, nats_server, ports, postgres, run_file, services
from kap_local.failure import Failure
from kap_local.guard import Guard
from kap_local.services import SERVICES, Place, Service
from kap_local.supervisor import Process, Supervisor

console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    console.print(text, markup=False)


@dataclass(frozen=True)
class Options:
    data: Path
    http_port: int = 8080
    feed_port: int = 8081
    mllp_port: int = 2575
    nats_port: int = 4222
    nats_url: str | None = None
    nats_monitor_url: str | None = None
    database_url: str | None = None
    timezone: str | None = None


def timezone(asked: str | None) -> str:
    """As asked, else KAP_TIMEZONE, else the machine's."""
    name = asked or os.environ.get("KAP_TIMEZONE") or machine_timezone()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Failure(f"--timezone {name!r} is not known: it should be like Europe/Vienna.") from None
    return name


def machine_timezone() -> str:
    file, link = Path("/etc/timezone"), Path("/etc/localtime")
    if file.exists() and (name := file.read_text().strip()):
        return name
    _, _, name = os.path.realpath(link).partition("/zoneinfo/") if link.exists() else ("", "", "")
    return name or "UTC"


def without_secret(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@dataclass
class Stack:
    """All that one `kap up` runs."""

    options: Options
    supervisor: Supervisor
    http: httpx.AsyncClient
    bind: str
    clinic: str

    async def servers(self) -> tuple[Callable[[str], str], str, str]:
        """NATS with its streams, and Postgres; existing ones where the options name them."""
        (nats_url, monitor), database = await asyncio.gather(self._nats(), self._postgres())
        return nats_url, monitor, database

    async def _nats(self) -> tuple[Callable[[str], str], str]:
        given, monitor = self.options.nats_url, self.options.nats_monitor_url
        if given and monitor:
            await self._streams(given)
            return (lambda user: given), monitor
        server = nats_server.prepare(
            self.options.data / "nats",
            self.options.nats_port,
            ports.free_port(),
            bind=self.bind,
            clinic=self.clinic,
        )
        await self.supervisor.start(
            Process("nats", server.command, lambda: server.answers(self.http), os.environ)
        )
        await self._streams(server.url())
        say(f"NATS answers at {without_secret(server.url())}, every acknowledged write on disk")
        return server.url, server.monitor

    async def _streams(self, url: str) -> None:
        streams = deploy_files.streams()
        try:
            client = await streams.connect(url)
        except streams.Unreachable as error:
            raise Failure(f"NATS does not answer at {without_secret(url)}: {error}") from error
        try:
            await streams.declare(client)
        except streams.Differs as error:
            raise Failure(str(error)) from error
        finally:
            await client.close()

    async def _postgres(self) -> str:
        if given := self.options.database_url:
            try:
                await postgres.ensure_database(given)
            except Exception as error:
                raise Failure(f"Postgres does not answer at {without_secret(given)}: {error!r}") from error
            return given
        cluster = postgres.prepare(self.options.data / "postgres", ports.free_port(), self.supervisor.guard)
        process = Process(
            "postgres", cluster.command, cluster.answers, postgres.environment(), end=signal.SIGINT
        )
        await self.supervisor.start(process)
        say(f"Postgres answers at {without_secret(cluster.url)}")
        return cluster.url

    async def services(self, place: Place, wanted: Sequence[Service]) -> dict[str, str]:
        """Start the services and wait until each is ready; their own addresses by name."""
        addresses = {service.name: ports.free_port(self.bind) for service in wanted}

        def process(service: Service) -> Process:
            port = addresses[service.name]

            async def ready() -> bool:
                return await answers(self.http, f"http://{ports.reachable(self.bind)}:{port}/readyz")

            return Process(service.name, service.command, ready, services.common(service, place, port))

        await self.supervisor.start(*(process(service) for service in wanted))
        return {name: f"http://{ports.reachable(self.bind)}:{port}" for name, port in addresses.items()}


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url, timeout=2)).status_code == 200
    except httpx.HTTPError:
        return False


def check(options: Options, bind: str) -> Options:
    """Name what is wrong before anything starts, and choose a port for each 0."""
    if bool(options.nats_url) != bool(options.nats_monitor_url):
        raise Failure("--nats-url and --nats-monitor-url belong together: give both or neither.")
    asked = {
        "--http-port": options.http_port,
        "--feed-port": options.feed_port,
        "--mllp-port": options.mllp_port,
        **({} if options.nats_url else {"--nats-port": options.nats_port}),
    }
    given = [port for port in asked.values() if port]
    if double := {port for port in given if given.count(port) > 1}:
        raise Failure(f"Port {double.pop()} is given twice: each of {', '.join(asked)} needs its own.")
    named_first = sorted(asked.items(), key=lambda option: option[1] == 0)
    claimed = {option: ports.claim(option, port, bind) for option, port in named_first}
    return Options(
        data=options.data.resolve(),
        http_port=claimed["--http-port"],
        feed_port=claimed["--feed-port"],
        mllp_port=claimed["--mllp-port"],
        nats_port=claimed.get("--nats-port", 0),
        nats_url=options.nats_url,
        nats_monitor_url=options.nats_monitor_url,
        database_url=options.database_url,
        timezone=timezone(options.timezone),
    )


def described(
    place: Place, services: dict[str, str], users: list[first_users.User], host: str
) -> dict[str, Any]:
    """What run.json says, beside the process numbers."""
    run: dict[str, Any] = {
        "http": f"http://{host}:{place.http_port}",
        "feed": f"ws://{host}:{place.feed_port}/feed",
        "mllp": f"mllp://{host}:{place.mllp_port}",
        "nats": place.nats_url("operator"),
        "nats_monitor": place.nats_monitor,
        "postgres": place.database,
        "subscriber": place.nats_url("subscriber"),
        "gateway": place.nats_url("device-gateway"),
        "services": services,
        "clinic": place.clinic,
        "timezone": place.timezone,
        "data": str(place.data),
        "supervisor": os.getpid(),
    }
    if users:
        run["users"] = [{key: user[key] for key in ("username", "password", "role")} for user in users]
    return run


@contextmanager
def until_asked() -> Iterator[asyncio.Event]:
    """Set by Ctrl-C, SIGTERM, or the terminal going away."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for one in signals:
        loop.add_signal_handler(one, asked.set)
    try:
        yield asked
    finally:
        for one in signals:
            loop.remove_signal_handler(one)


Then = Callable[[dict[str, Any]], Sequence[Process]]


async def serve(options: Options, wanted: Sequence[Service] = SERVICES, then: Then | None = None) -> None:
    """Run it all until asked to stop. `then` names more processes to keep, once everything answers."""
    os.umask(0o077)
    bind = os.environ.get("KAP_BIND") or "127.0.0.1"
    with data_folder.locked(options.data.resolve()) as lock, until_asked() as asked:
        options = check(options, bind)
        run_file.remove(options.data)
        guard = Guard(keep_open=[lock])
        run: dict[str, Any] = {}

        def changed() -> None:
            if run:
                run_file.write(options.data, {**run, "pids": supervisor.pids})

        log_folder = options.data / "log"
        log_folder.mkdir(exist_ok=True)
        (options.data / "state").mkdir(exist_ok=True)
        supervisor = Supervisor(guard, log_folder, say, changed)
        try:
            async with httpx.AsyncClient(trust_env=False) as http:
                working = asyncio.create_task(
                    work(options, supervisor, http, bind, run, changed, wanted, then)
                )
                stopping = asyncio.create_task(asked.wait())
                await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if working.done():
                    working.result()
                working.cancel()
                say("Stopping")
                await asyncio.gather(working, return_exceptions=True)
        finally:
            run.clear()
            run_file.remove(options.data)
            await supervisor.stop()
            guard.close()


async def work(
    options: Options,
    supervisor: Supervisor,
    http: httpx.AsyncClient,
    bind: str,
    run: dict[str, Any],
    changed: Callable[[], None],
    wanted: Sequence[Service],
    then: Then | None,
) -> None:
    started = time.monotonic()
    stack = Stack(options, supervisor, http, bind, os.environ.get("KAP_CLINIC") or "main")
    users_file = options.data / "first_users.json"
    users = first_users.prepare(users_file, new=not (options.data / "clinic.key").exists())
    key = data_folder.clinic_key(options.data)
    nats_url, monitor, database = await stack.servers()
    place = Place(
        data=options.data,
        clinic=stack.clinic,
        bind=bind,
        timezone=options.timezone or "UTC",
        http_port=options.http_port,
        feed_port=options.feed_port,
        mllp_port=options.mllp_port,
        nats_url=nats_url,
        nats_monitor=monitor,
        database=database,
        clinic_key=key,
        first_users=users_file,
    )
    addresses = await stack.services(place, wanted)
    say(f"{', '.join(addresses)} answer after {time.monotonic() - started:.1f} s")
    run.update(described(place, addresses, users, ports.reachable(bind)))
    changed()
    if then:
        await supervisor.start(*then(run))
    for user in users:
        say(f"  sign in as {user['username']:<10}  {user['password']}")
    say(f"KAP is ready: {run['http']}")
    await supervisor.watch()


def up(
    data: Annotated[Path, typer.Option(help="The data folder; made when it is not there.")] = Path("data"),
    http_port: Annotated[int, typer.Option(help="The page and the HTTP API; 0 = any free port.")] = 8080,
    feed_port: Annotated[int, typer.Option(help="The live feed; 0 = any free port.")] = 8081,
    mllp_port: Annotated[int, typer.Option(help="HL7 from bedside monitors; 0 = any free port.")] = 2575,
    nats_port: Annotated[int, typer.Option(help="The embedded NATS; 0 = any free port.")] = 4222,
    nats_url: Annotated[str | None, typer.Option(help="Use this NATS instead of the embedded one.")] = None,
    nats_monitor_url: Annotated[str | None, typer.Option(help="That NATS's monitoring address.")] = None,
    database_url: Annotated[
        str | None, typer.Option(help="Use this Postgres instead of the embedded one.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="For device times without a zone; default the machine's.")
    ] = None,
) -> None:
    """Start everything and keep it running; Ctrl-C stops it cleanly."""
    asyncio.run(
        serve(
            Options(
                data=data,
                http_port=http_port,
                feed_port=feed_port,
                mllp_port=mllp_port,
                nats_port=nats_port,
                nats_url=nats_url,
                nats_monitor_url=nats_monitor_url,
                database_url=database_url,
                timezone=timezone,
            )
        )
    )

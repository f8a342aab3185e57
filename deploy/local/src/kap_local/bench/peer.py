"""The peer: PyPI `eventsourcing` on the same Postgres, saving and projecting vitals-like events.

It is the best-known event-sourcing library for Python; it is synchronous, and runs here in a thread.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication, SingleThreadedRunner, System

from kap_local.bench.saves import WRITERS


class Chart(Aggregate):
    """One session's readings as an aggregate, as the library's own documentation has it."""

    @event("Opened")
    def __init__(self) -> None:
        self.count = 0
        self.spo2 = 0.0

    @event("Recorded")
    def record(self, spo2: float, pulse: float, systolic: float) -> None:
        self.count += 1
        self.spo2 = spo2


class Charts(Application[UUID]):
    def open(self) -> UUID:
        chart = Chart()
        self.save(chart)
        return chart.id


class Leader(Charts):
    """What the follower follows: the same events under the library's name for a leader."""

    name = "Charts"


class Totals(ProcessApplication[UUID]):
    """A projection: follows the readings and keeps a count."""

    seen = 0

    def policy(self, domain_event: Any, processing_event: Any) -> None:
        Totals.seen += 1


def environment(database: str) -> dict[str, str]:
    url = urlsplit(database)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": url.path.lstrip("/"),
        "POSTGRES_HOST": url.hostname or "127.0.0.1",
        "POSTGRES_PORT": str(url.port or 5432),
        "POSTGRES_USER": unquote(url.username or ""),
        "POSTGRES_PASSWORD": unquote(url.password or ""),
        "POSTGRES_POOL_SIZE": str(WRITERS),
    }


def measure(database: str, seconds: float) -> dict[str, float]:
    """Events a second: saved one by one, saved by ten, saved one by one by many threads, and projected."""
    settings = environment(database)
    charts = Charts(env=settings)
    try:
        result = {"save_1": save(charts, 1, seconds), "save_10": save(charts, 10, seconds)}
        with ThreadPoolExecutor(WRITERS) as threads:
            many = threads.map(lambda _: save(charts, 1, seconds), range(WRITERS))
            result["save_1_of_many"] = sum(many)
    finally:
        charts.close()
    result["project"] = project(settings)
    return result


def save(charts: Charts, events: int, seconds: float) -> float:
    chart: Chart = charts.repository.get(charts.open())
    saved, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for n in range(events):
            chart.record(97.0, 72.0 + n, 120.0)
        charts.save(chart)
        saved += events
    return saved / (time.perf_counter() - started)


def project(settings: dict[str, str], events: int = 2000) -> float:
    """Events a second that the library's follower catches up with."""
    with SingleThreadedRunner[UUID](System(pipes=[[Leader, Totals]]), env=settings) as runner:
        charts = Charts(env=settings)
        chart: Chart = charts.repository.get(charts.open())
        for _ in range(events // 10):
            for n in range(10):
                chart.record(97.0, 72.0 + n, 120.0)
            charts.save(chart)
        Totals.seen = 0
        started = time.perf_counter()
        runner.get(Totals).pull_and_process(Leader.name)
        passed = time.perf_counter() - started
        charts.close()
        return Totals.seen / passed

"""What was measured, side by side, and which of the design's goals it meets."""

from dataclasses import asdict, dataclass
from math import inf, nan
from typing import Any

from rich.table import Table

from kap_local.bench.saves import WRITERS


@dataclass(frozen=True)
class Goal:
    """`at_least`: the value should not be below the limit; else not above it."""

    goal: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        value = self.value if abs(self.value) < inf else None
        return asdict(self) | {"value": value and round(value, 2), "met": self.met}


def goals(result: dict[str, Any]) -> list[Goal]:
    """The design's last table."""
    full, calm = result["e2e_ms"]["10000"], result["e2e_ms"]["2000"]
    command, peer, many = result["command_ms"], result["peer"], "save_1_of_many"
    return [
        Goal("10,000 readings/s to a viewer, p50 ms", full.get("p50", inf), 30),
        Goal("10,000 readings/s to a viewer, p99 ms", full.get("p99", inf), 60),
        Goal("2,000 readings/s to a viewer, p99 ms", calm.get("p99", inf), 10),
        Goal("readings lost", sum(ms["lost"] for ms in result["e2e_ms"].values()), 0),
        Goal("one command, p50 ms", command["p50"], 3),
        Goal("one command, p99 ms", command["p99"], 10),
        Goal("a reading to its alarm on a screen, p99 ms", result["alarm_ms"]["p99"], 150),
        Goal("readings projected, /s", result["project_per_s"], 20_000, at_least=True),
        Goal("deliveries to 500 viewers, /s", result["feed_per_s"]["500"], 100_000, at_least=True),
        Goal("saves of one writer, × the peer", result["save_1"] / peer["save_1"], 5, at_least=True),
        Goal(f"saves of {WRITERS} writers, × the peer", result[many] / peer[many], 5, at_least=True),
        Goal(
            "readings on disk, × the peer's saves of ten",
            result["ingest_per_s"] / peer["save_10"],
            5,
            at_least=True,
        ),
        Goal("projected, × the peer", result["project_per_s"] / peer["project"], 10, at_least=True),
    ]


def goals_table(found: list[Goal]) -> Table:
    out = Table(title="the design's goals")
    out.add_column("goal")
    for column in ("measured", "should be", ""):
        out.add_column(column, justify="right")
    for goal in found:
        sign, style = "≥" if goal.at_least else "≤", "green" if goal.met else "red"
        said = "met" if goal.met else "missed"
        out.add_row(goal.goal, number(goal.value), f"{sign} {number(goal.limit)}", f"[{style}]{said}[/]")
    return out


def table(result: dict[str, Any]) -> Table:
    out = Table(title="kap bench: every figure from this run, on this machine")
    for column in ("hop", "KAP", "raw limit of the hop", "peer (eventsourcing)"):
        out.add_column(column, justify="left" if column == "hop" else "right")
    raw, peer = result["raw"], result["peer"]

    def row(hop: str, kap: object, raw: object = "", peer: object = "") -> None:
        out.add_row(hop, *(number(v) if isinstance(v, float) else str(v) for v in (kap, raw, peer)))

    row(
        "readings on disk, /s (the peer: saves of ten)",
        result["ingest_per_s"],
        raw["ingest"],
        peer["save_10"],
    )
    for rate, ms in result["e2e_ms"].items():
        said = f"{three(ms)}, lost {ms['lost']}" + (", SENDER OR VIEWER TOO SLOW" if ms["overloaded"] else "")
        row(f"reading to viewer at {rate}/s, ms p50/p95/p99", said)
    row("one command, ms p50/p95/p99", three(result["command_ms"]))
    row("commands through the service, /s", result["commands_per_s"])
    row("events saved by one writer one by one, /s", result["save_1"], "", peer["save_1"])
    row("events saved by one writer by ten, /s", result["save_10"], "", peer["save_10"])
    row("reading to its alarm on a screen, ms p50/p95/p99", three(result["alarm_ms"]))
    many = "save_1_of_many"
    row(f"events saved by {WRITERS} writers one by one, /s", result[many], "", peer[many])
    row("readings projected, /s", result["project_per_s"], raw["project"], peer["project"])
    for viewers, value in result["feed_per_s"].items():
        frames = f"{number(value)} ({number(result['frames_per_s'][viewers])} frames)"
        row(f"deliveries to {viewers} viewers, /s", frames, raw["feed"][viewers])
    row("memory, MB", ", ".join(f"{name} {value:.0f}" for name, value in result["memory_mb"].items()))
    return out


def three(ms: dict[str, float]) -> str:
    return " / ".join(number(ms.get(name, nan)) for name in ("p50", "p95", "p99"))


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"

"""The Prometheus metrics that every service shares. Labels never carry an id (nats.md, trap 15)."""

from datetime import datetime
from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each, that nobody asks for

_FAST = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

COMMANDS = Counter("kap_commands_total", "Commands by type and outcome.", ["type", "outcome"])
COMMAND = Histogram(
    "kap_command_duration_seconds", "From a command's arrival to its answer.", ["type"], buckets=_FAST
)
APPENDED = Counter("kap_events_appended_total", "Events appended to EVENTS.", ["type"])
APPEND = Histogram("kap_append_duration_seconds", "One append to EVENTS, fsync included.", buckets=_FAST)
BATCH = Histogram(
    "kap_batch_duration_seconds", "One batch of readings to VITALS, fsync included.", buckets=_FAST
)
BATCH_SIZE = Histogram(
    "kap_batch_readings", "Readings in a batch.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
RECORD_QUEUE_FULL = Counter(
    "kap_record_queue_full_total", "Times that readings were refused because too many waited."
)
FOLLOWER_POSITION = Gauge("kap_follower_position", "The last sequence a follower has read.", ["follower"])
FOLLOWER_PENDING = Gauge("kap_follower_lag_events", "Events a follower has still to read.", ["follower"])
FOLLOWER_LAG = Gauge(
    "kap_follower_lag_seconds", "Age of the event read last while there are more to read.", ["follower"]
)
FOLLOWER_RESTARTS = Counter(
    "kap_follower_restarts_total", "Times a follower made its consumer anew.", ["follower"]
)
LOG_HEAD = Gauge("kap_log_head", "Last sequence of a stream.", ["stream"])
LOG_SYNCED = Gauge("kap_log_synced", "1 when every server of the log syncs each write to disk.")
UNKNOWN = Counter(
    "kap_unknown_events_total", "Events of a type that this version does not know.", ["follower"]
)


class _Following(Protocol):
    name: str
    position: int
    pending: int | None
    last_read: datetime | None

    @property
    def lag_s(self) -> float: ...


def follower(source: _Following) -> None:
    FOLLOWER_POSITION.labels(source.name).set(source.position)
    FOLLOWER_PENDING.labels(source.name).set(-1 if source.pending is None else source.pending)
    FOLLOWER_LAG.labels(source.name).set(source.lag_s)

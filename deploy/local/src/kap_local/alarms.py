"""`kap alarms`: what a changed protocol would have raised on recorded sessions, and the burden of alarms."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal
from uuid import UUID

import nats
import typer
from kap import protocol, service, settings
from kap.decider import Unavailable
from kap.envelope import EVENTS, VITALS
from kap.events import Recorded
from kap.events.rules import SessionRules
from kap.events.session import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmEscalated,
    AlarmPaused,
    AlarmRaised,
    Discharged,
    SessionAborted,
    SessionOpened,
)
from kap.events.vitals import VitalRecorded
from kap.follow import merge
from kap.log import JetStreamLog
from kap.protocol import Protocol
from nats.errors import Error as NatsError
from session_monitor import watch
from session_monitor.session import RaiseAlarm

from kap_local import run_file
from kap_local.failure import Failure

ANSWERS = (AlarmAcknowledged, AlarmCleared, AlarmEscalated, AlarmPaused, AlarmRaised)


@dataclass
class Alarm:
    """One alarm's life; times as they count for the patient."""

    session_id: UUID
    rule: str
    priority: str
    onset: datetime
    acknowledged: datetime | None = None
    cleared: datetime | None = None
    escalated: bool = False


@dataclass
class Record:
    """What the log says of sessions and their alarms. Late ones never sounded: they are no burden."""

    opened: dict[UUID, SessionOpened] = field(default_factory=dict)
    last: dict[UUID, datetime] = field(default_factory=dict)
    alarms: dict[UUID, Alarm] = field(default_factory=dict)

    def fold(self, item: Recorded) -> None:
        match item.event:
            case SessionOpened() as event:
                self.opened.setdefault(event.session_id, event)
                self.last[event.session_id] = event.at
            case VitalRecorded(session_id=session, observed_at=at) | Discharged(session_id=session, at=at):
                self._seen(session, at)
            case SessionAborted(session_id=session, at=at):
                self._seen(session, at)
            case AlarmRaised() as event if not event.late:
                alarm = Alarm(event.session_id, event.rule, event.priority, event.onset)
                self.alarms.setdefault(event.alarm_id, alarm)
            case AlarmAcknowledged() as event if event.alarm_id in self.alarms:
                self.alarms[event.alarm_id].acknowledged = event.at
            case AlarmCleared() as event if event.alarm_id in self.alarms:
                self.alarms[event.alarm_id].cleared = event.at
            case AlarmEscalated() as event if event.alarm_id in self.alarms:
                self.alarms[event.alarm_id].escalated = True

    def _seen(self, session: UUID, at: datetime) -> None:
        if session in self.last:
            self.last[session] = max(self.last[session], at)

    def hours(self) -> float:
        return sum((self.last[id] - opened.at).total_seconds() for id, opened in self.opened.items()) / 3600


@dataclass
class Trial:
    """The watch with another protocol, for the sessions that began with one of its name."""

    protocol: Protocol
    state: watch.Watch = field(default_factory=watch.Watch)
    sessions: set[UUID] = field(default_factory=set)
    raised: list[RaiseAlarm] = field(default_factory=list)
    last: datetime | None = None

    def fold(self, item: Recorded) -> None:
        event = item.event
        if isinstance(event, ANSWERS):
            return  # the answers to the old alarms are no answers to the new ones
        if isinstance(event, SessionOpened):
            if event.protocol.name != self.protocol.name:
                return
            self.sessions.add(event.session_id)
            changed = {
                "limits": self.protocol.limits,
                "expected": self.protocol.expected,
                "rules": SessionRules.model_validate(self.protocol.content()),
            }
            item = Recorded(
                item.position, event.model_copy(update=changed), item.time, item.command, item.after
            )
        self.last = item.time if self.last is None else max(self.last, item.time)
        watch.fold(self.state, item)
        if self.state.news:
            self.take()

    def take(self) -> None:
        self.raised += [a for a in watch.take(self.state) if isinstance(a, RaiseAlarm)]

    def end(self) -> None:
        if self.last is not None:
            watch.tick(self.state, self.last)
            self.take()


def compare(record: Record, trial: Trial) -> dict[str, Any]:
    """By rule: what was raised, and what the other protocol raises, on the same sessions."""
    was = Counter(a.rule for a in record.alarms.values() if a.session_id in trial.sessions)
    would = Counter(a.rule for a in trial.raised if not a.late)
    of: dict[str, set[UUID]] = defaultdict(set)
    for alarm in trial.raised:
        if not alarm.late:
            of[alarm.rule].add(alarm.session_id)
    return {
        "protocol": {"name": trial.protocol.name, "version": trial.protocol.version},
        "sessions": len(trial.sessions),
        "raised": sum(was.values()),
        "would_raise": sum(would.values()),
        "rules": [
            {"rule": rule, "raised": was[rule], "would_raise": would[rule], "in_sessions": len(of[rule])}
            for rule in sorted(set(was) | set(would))
        ],
    }


def burden(record: Record) -> dict[str, Any]:
    """Alarms per session-hour; how soon they were acknowledged; how many ended without anybody."""
    hours = record.hours()
    by: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in record.alarms.values():
        by[alarm.rule].append(alarm)
    return {
        "sessions": len(record.opened),
        "session_hours": round(hours, 2),
        **_figures(record.alarms.values(), hours),
        "rules": [{"rule": rule, **_figures(alarms, hours)} for rule, alarms in sorted(by.items())],
    }


def _figures(alarms: Iterable[Alarm], hours: float) -> dict[str, Any]:
    alarms = list(alarms)
    waits = [(a.acknowledged - a.onset).total_seconds() for a in alarms if a.acknowledged is not None]
    ended = [a for a in alarms if a.cleared is not None]
    alone = [
        a for a in ended if a.acknowledged is None or (a.cleared is not None and a.cleared <= a.acknowledged)
    ]
    return {
        "alarms": len(alarms),
        "per_session_hour": round(len(alarms) / hours, 3) if hours else None,
        "median_s_to_acknowledge": round(median(waits), 1) if waits else None,
        "cleared_by_themselves": round(len(alone) / len(ended), 3) if ended else None,
        "escalated": sum(a.escalated for a in alarms),
    }


async def read(url: str, folds: list[Record | Trial]) -> None:
    """The log up to where it ends now, each reading after the facts that it names."""
    try:
        client = await nats.connect(url, **service.nats_options("operator"))
    except (OSError, NatsError) as error:
        raise Failure(f"NATS does not answer: {error}") from None
    try:
        log = JetStreamLog(client, settings.clinic(), "alarms")
        events = log.follow(EVENTS, "kap.events.*.session.>", after=0, name="kap-alarms-events")
        vitals = log.follow(VITALS, "kap.vitals.>", after=0, name="kap-alarms-vitals")
        merged = merge(events, vitals)
        folded = {EVENTS: 0, VITALS: 0}
        try:
            async for batch in merged:
                for source, item in batch:
                    folded[source] = item.position
                    for one in folds:
                        one.fold(item)
                there = {EVENTS: events.position, VITALS: vitals.position}
                if events.caught_up and vitals.caught_up and folded == there:
                    return
        finally:
            await merged.aclose()
    except Unavailable as error:
        raise Failure(str(error)) from None
    finally:
        await client.close()


def address(log: str) -> str:
    """A NATS address as it is, or that of the KAP that runs on a data folder (or its run.json)."""
    if "://" in log:
        return log
    path = Path(log)
    return str(run_file.read(path.parent if path.name == "run.json" else path)["nats"])


def table(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "no alarms"
    names = list(rows[0])
    cells = [names, *([("–" if row[n] is None else str(row[n])) for n in names] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(names))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def alarms(
    what: Annotated[
        Literal["replay", "burden"],
        typer.Argument(help="replay: with another protocol; burden: what was raised, and what became of it."),
    ],
    log: Annotated[
        str, typer.Option("--from", help="A data folder that runs, its run.json, or a NATS address.")
    ] = "data",
    file: Annotated[Path | None, typer.Option("--protocol", help="The changed protocol, for replay.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tune alarms on recorded sessions: replay them with another protocol, or report their burden."""
    record = Record()
    if what == "burden":
        asyncio.run(read(address(log), [record]))
        result = burden(record)
        head = (
            f"{result['alarms']} alarms in {result['sessions']} sessions, {result['session_hours']} hours: "
            f"{result['per_session_hour']} an hour"
        )
    else:
        if file is None:
            raise Failure("Say which protocol: kap alarms replay --protocol NEW.yaml --from LOG")
        try:
            trial = Trial(protocol.load(file))
        except protocol.ProtocolError as error:
            raise Failure(str(error)) from None
        asyncio.run(read(address(log), [record, trial]))
        trial.end()
        result = compare(record, trial)
        head = (
            f"{trial.protocol.name} {trial.protocol.version} on {result['sessions']} recorded sessions: "
            f"{result['raised']} alarms were raised, {result['would_raise']} would be"
        )
    typer.echo(json.dumps(result, indent=2) if as_json else f"{head}\n\n{table(result['rules'])}")

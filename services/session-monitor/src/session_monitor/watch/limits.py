"""Values against the limits, at once or after the delay that a protocol gives them."""

from datetime import datetime, timedelta
from uuid import UUID

from kap.events.alarm_rules import Confirmed, Sustained
from kap.events.session import Band

from session_monitor.session import RANK
from session_monitor.watch.alarms import begin, begin_value, end
from session_monitor.watch.conditions import over
from session_monitor.watch.state import CUFF, CUFF_HOLDS, NAMES, Broken, Pending, Session, Track, Watch


def outside(signal: str, bands: list[Band], value: float) -> list[Broken]:
    """The bands that the value is outside of, the worst first."""
    found: list[Broken] = []
    for band in bands:
        if band.low is not None and value < band.low:
            found.append(Broken(f"{signal}.low.{band.priority}", band.priority, band.low, "<"))
        elif band.high is not None and value > band.high:
            found.append(Broken(f"{signal}.high.{band.priority}", band.priority, band.high, ">"))
    if len(found) > 1:
        found.sort(key=lambda broken: -RANK[broken.priority])
    return found


def judge(
    watch: Watch,
    session: Session,
    track: Track,
    broken: list[Broken],
    at: datetime,
    *,
    fresh: bool = True,
    typed: bool = False,
    at_once: bool = False,
) -> None:
    """End what is inside again for long enough; raise the worst of what is outside, if it is not yet."""
    rules = {b.rule for b in broken}
    for rule in rules & track.well_at.keys():
        del track.well_at[rule]
    for rule in [rule for rule in track.open if rule not in rules]:
        well_at = track.well_at.setdefault(rule, at + well_for(session, track.signal))
        if typed or at_once or at >= well_at:
            del track.well_at[rule]
            end(watch, session, track.open.pop(rule), at)
        else:
            sooner(session, well_at)
    if not track.late:
        for rule in [rule for rule in track.past if rule not in rules]:
            end(watch, session, track.past.pop(rule), at)
    broken = alarming(watch, session, track, track.pending, broken, at, typed=typed, fresh=fresh)
    if not broken or not fresh:
        return
    worst = broken[0]
    side = worst.rule.rpartition(".")[0]
    for alarm in (session.alarms[id] for rule, id in track.open.items() if rule.startswith(side)):
        if RANK[alarm.priority] > RANK[worst.priority] and not alarm.late:
            return  # the worse one is not over yet
    known = track.open.get(worst.rule)
    if known is not None:
        alarm = session.alarms[known]
        if track.late or not alarm.late or alarm.onset >= at:
            return
        end(watch, session, known, at)  # the past reaches into the present: now it has to sound
    track.open[worst.rule] = begin_value(watch, session, track, worst, at, late=track.late)


def well_for(session: Session, signal: str) -> timedelta:
    """How long it has to be well before its alarm is over: what a cuff measures comes too seldom to swing."""
    if session.rules is None or signal in CUFF:
        return timedelta()
    return timedelta(seconds=session.rules.clear_after_s)


def sooner(session: Session, due: datetime) -> None:
    """Time alone ends something then."""
    session.due = due if session.due is None else min(session.due, due)


def wells(session: Session) -> list[datetime]:
    """When alarms are over that end by time alone."""
    conditions = [c.well_at for c in session.conditions.values() if c.well_at is not None]
    return [*conditions, *(at for track in session.tracks.values() for at in track.well_at.values())]


def well(watch: Watch, session: Session, until: datetime) -> None:
    """End what was well for long enough before then, though no value came since."""
    for key, condition in list(session.conditions.items()):
        if condition.well_at is not None and condition.well_at < until:
            over(watch, session, key, condition.well_at)
    for signal, track in session.tracks.items():
        for at in sorted(set(track.well_at.values())):
            if at < until:
                broken = outside(signal, getattr(session.limits, signal), track.value)
                judge(watch, session, track, broken, max(at, track.at))


def alarming(
    watch: Watch,
    session: Session,
    track: Track,
    waiting: dict[str, Pending],
    broken: list[Broken],
    at: datetime,
    *,
    typed: bool = False,
    fresh: bool = True,
    asks: bool = True,
) -> list[Broken]:
    """Those limits whose delay is over, or whose second reading confirmed the first."""
    if session.rules is None:
        return broken
    if waiting:
        rules = {b.rule for b in broken}
        for name in [name for name in waiting if name not in rules]:
            no_more_asked(watch, session, waiting.pop(name), at)
    if not fresh:
        return []
    found: list[Broken] = []
    for b in broken:
        rule = session.rules.of_band.get(b.rule)
        if rule is None:
            found.append(b)
            continue
        pending = waiting.get(b.rule)
        if pending is None:
            pending = waiting[b.rule] = Pending(at, told=track.told)
        if not pending.over:
            pending.over = _over(rule, b, track.value, at - pending.since, typed=typed)
        if pending.over:
            no_more_asked(watch, session, pending, at)
            found.append(b)
        elif isinstance(rule, Confirmed) and asks and pending.asked is None:
            pending.asked = _ask(watch, session, track, b, rule, at)
    return found


def _over(rule: Sustained | Confirmed, b: Broken, value: float, lasted: timedelta, *, typed: bool) -> bool:
    if rule.at_once is not None and (value <= rule.at_once if b.sign == "<" else value >= rule.at_once):
        return True
    if isinstance(rule, Sustained):
        return typed or lasted.total_seconds() >= rule.for_s
    return lasted.total_seconds() >= rule.again_from_s


def _ask(watch: Watch, session: Session, track: Track, b: Broken, rule: Confirmed, at: datetime) -> UUID:
    return begin(
        watch,
        session,
        rule=f"{b.rule}.repeat",
        of=f"{b.rule}.repeat",
        priority=rule.asks,
        kind="physiological",
        text=f"{NAMES[track.signal]} {track.value:g} {b.sign} {b.limit:g}: repeat BP",
        onset=at,
        signal=track.signal,
        value=track.value,
        limit=b.limit,
        late=track.late,
    )


def no_more_asked(watch: Watch, session: Session, pending: Pending, at: datetime) -> None:
    if pending.asked is not None:
        end(watch, session, pending.asked, at)
        pending.asked = None


def unanswered(session: Session) -> datetime | None:
    """When the first of the second readings asked for has not come in time."""
    if session.rules is None:
        return None
    due: datetime | None = None
    for track in session.tracks.values():
        for name, pending in track.pending.items():
            rule = session.rules.of_band.get(name)
            if pending.asked is not None and isinstance(rule, Confirmed):
                at = _answer_by(pending, rule)
                due = at if due is None else min(due, at)
    return due


def _answer_by(pending: Pending, rule: Confirmed) -> datetime:
    return (pending.told or pending.since) + timedelta(seconds=rule.again_until_s)


def not_repeated(watch: Watch, session: Session, until: datetime) -> None:
    """Nobody measured again in time: what was measured counts. Not knowing is not normal."""
    if session.rules is None:
        return
    for signal, track in session.tracks.items():
        for name, pending in list(track.pending.items()):
            rule = session.rules.of_band.get(name)
            if pending.asked is None or not isinstance(rule, Confirmed):
                continue
            at = _answer_by(pending, rule)
            if until > at:
                pending.over = True
                track.late = False  # time ran out now, whenever it was measured
                broken = outside(signal, getattr(session.limits, signal), track.value)
                judge(watch, session, track, broken, max(at, track.at))


def past(watch: Watch, session: Session, rule: str, signal: str, value: float, at: datetime) -> None:
    """A reading of the past: its alarms are on record, and never sound."""
    track = session.tracks.get(rule)
    if track is None:
        track = session.tracks[rule] = Track(at, value, signal, True)
    broken = outside(rule, getattr(session.limits, rule), value)
    rules = {b.rule for b in broken}
    for name in [name for name in track.past if name not in rules]:
        end(watch, session, track.past.pop(name), at)
    then = Track(at, value, signal, True)
    broken = alarming(watch, session, then, track.past_pending, broken, at, asks=False)
    if not broken or broken[0].rule in track.past:
        return
    worst = broken[0]
    known = track.open.get(worst.rule)
    if known is not None and session.alarms[known].onset <= at:
        return  # that condition was seen already
    track.past[worst.rule] = begin_value(watch, session, then, worst, at, late=True)
    if session.ended is not None:
        end(watch, session, track.past[worst.rule], max(at, session.ended))


def judge_again(watch: Watch, session: Session, at: datetime) -> None:
    """Other limits for the values that stand. A value too old to mean anything raises nothing."""
    for rule, track in session.tracks.items():
        judge_one_again(watch, session, rule, track, at)


def judge_one_again(
    watch: Watch, session: Session, rule: str, track: Track, at: datetime, *, typed: bool = False
) -> bool:
    """Whether the value still means something."""
    holds = CUFF_HOLDS if rule in CUFF else timedelta(seconds=session.limits.no_data_after_s)
    broken = outside(rule, getattr(session.limits, rule), track.value)
    since = max(at, track.at)
    fresh = since - track.at <= holds
    typed = typed or track.typed is not None
    judge(watch, session, track, broken, since, fresh=fresh, typed=typed, at_once=True)
    return fresh

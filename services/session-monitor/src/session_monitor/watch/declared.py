"""A past that is declared: a session that is entered, or played, after it happened.

A session is declared from its past when its opening was recorded more than a minute after it happened. Until
its past ends, the clock on the wall says nothing about it: no check is overdue and no device silent because
its entry has not come yet, and what holds is not asked for. What also ended in that past is then recorded
late; what still holds when the past ends is raised at once, with its true onset.

The past ends with the first thing of now, a live reading or an entry that is not late; or when nothing more
of it came for `QUIET`; or when it was told for `TOLD_FOR`, so that no alarm waits longer. What was opened as
it happened has no such past, whatever is entered late or backfilled into it.
"""

from datetime import datetime

from kap.events.session import SessionOpened
from kap.events.vitals import VitalRecorded

from session_monitor.watch.checks import plan
from session_monitor.watch.state import DECLARED, QUIET, TOLD_FOR, Entry, Session, Watch


def opened(session: Session, event: SessionOpened, time: datetime) -> None:
    if time - event.at > DECLARED:
        session.past_until = time + QUIET


def fact(watch: Watch, session: Session, entry: Entry) -> None:
    _came(watch, session, entry.time, of_now=entry.time - entry.event.at <= DECLARED)


def reading(watch: Watch, session: Session, event: VitalRecorded, at: datetime) -> None:
    typed_late = event.device_id is None and event.received_at - at > DECLARED
    _came(watch, session, event.received_at, of_now=not event.backfilled and not typed_late)


def quiet(watch: Watch, session: Session, until: datetime) -> None:
    """End the past of which nothing more came before then."""
    if session.past_until is not None and until > session.past_until:
        _end(watch, session, session.past_until)


def _came(watch: Watch, session: Session, time: datetime, *, of_now: bool) -> None:
    quiet(watch, session, time)
    if session.past_until is None:
        return
    if of_now:
        _end(watch, session, time)
    else:
        longest = session.facts[0].time + TOLD_FOR  # the opening's
        session.past_until = min(max(session.past_until, time + QUIET), longest)


def _end(watch: Watch, session: Session, at: datetime) -> None:
    session.past_until = None
    for device in session.devices.values():
        device.heard = max(device.heard, at)
    if session.rules is not None:
        plan(session)
    watch.news.add(session.session_id)

"""Time passes."""

from datetime import datetime

from session_monitor.watch import declared, escalation
from session_monitor.watch.alarms import end, of_its_device
from session_monitor.watch.checks import advance
from session_monitor.watch.devices import silence
from session_monitor.watch.folding import settle
from session_monitor.watch.state import GRACE, MOST_ENDED, SETTLE, UNEXPLAINED, Session, Watch


def tick(watch: Watch, now: datetime) -> None:
    """Let time pass. Only to be called once all is folded that the log holds."""
    over: list[Session] = []
    for session in watch.sessions.values():
        if session.pending:
            settle(watch, session, now - SETTLE)
        declared.quiet(watch, session, now - GRACE)
        if session.due is not None and session.past_until is None:
            advance(watch, session, now - GRACE)
        if session.unseen and escalation.due(session, now):
            watch.news.add(session.session_id)
        for name, device in session.devices.items():
            if device.silent is None:
                silence(watch, session, name, now - GRACE)
        if session.unexplained:
            for id, since in list(session.unexplained.items()):
                if now - since > UNEXPLAINED:
                    del session.unexplained[id]
                    alarm = session.alarms.get(id)
                    if alarm is not None and not of_its_device(session, alarm):  # attached since
                        end(watch, session, id, now)
        if session.forget_after is not None:
            over.append(session)
    over.sort(key=lambda session: session.forget_after or now)
    for n, session in enumerate(over):
        if session.forget_after is not None and (session.forget_after < now or n < len(over) - MOST_ENDED):
            del watch.sessions[session.session_id]
            watch.news.discard(session.session_id)

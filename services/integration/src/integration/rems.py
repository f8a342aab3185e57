"""What a dose of Spravato demands afterwards: its REMS monitoring form, sent within seven days."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid5

from kap.events import Anything
from kap.events.session import Discharged, Dosed, SessionAborted, SessionOpened

from integration.task import OpenTask

KIND = "rems-monitoring-form"
# Within 7 days: manualspro.net, 445029, Spravato patient monitoring form. Counted from the dose [D].
DUE_AFTER = timedelta(days=7)

_TASKS = UUID("6b2f1d52-64a9-5c0e-8f0d-1d1f6f0e7a37")


def after(ended: Discharged | SessionAborted, session: Iterable[Anything]) -> OpenTask | None:
    """The task that the end of this session causes, one at most; none where no Spravato was given."""
    opened: SessionOpened | None = None
    doses: list[Dosed] = []
    for event in session:
        match event:
            case SessionOpened():
                opened = event
            case Dosed() if event.dose.route == "spravato":
                doses.append(event)
    if opened is None or not doses:
        return None
    task = uuid5(_TASKS, str(ended.session_id))
    return OpenTask(
        id=uuid5(task, "OpenTask"),
        at=ended.at,
        by="service:integration",
        role="service",
        task_id=task,
        patient_id=opened.patient_id,
        session_id=ended.session_id,
        kind=KIND,
        due=min(dosed.at for dosed in doses) + DUE_AFTER,
    )

"""Spravato's REMS form is asked for once, within seven days of the dose, and for no other route."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from integration import rems, task
from kap.decider import fold
from kap.events.fact import Fact
from kap.events.integration import TaskOpened
from kap.events.session import Discharged, SessionAborted

from tests.deciders.sessions import COURSE, DOSES, NOON, PATIENT, S, dosed, opened, stamp
from tests.strategies import sealed

discharged = Discharged(**stamp(130), course_id=COURSE, patient_id=PATIENT)
aborted = SessionAborted(**stamp(30), reason=sealed("reason"))


def spravato(*more: Fact) -> list[Fact]:
    return [opened("spravato"), dosed(0, DOSES["spravato"]), *more]


@pytest.mark.parametrize("ended", [discharged, aborted], ids=["discharged", "aborted"])
def test_a_task_follows_a_dose_of_spravato_and_is_due_seven_days_after_it(ended: Any) -> None:
    asked = rems.after(ended, spravato(dosed(5, DOSES["spravato"]), ended))
    assert asked is not None
    [event] = task.decide(fold(task, []), asked)

    assert isinstance(event, TaskOpened)
    assert (event.kind, event.session_id, event.patient_id) == ("rems-monitoring-form", S, PATIENT)
    assert event.due == NOON + timedelta(days=7)
    assert (event.at, event.by) == (ended.at, "service:integration")


def test_hearing_of_the_end_again_is_the_same_task_and_the_same_command() -> None:
    again = discharged.model_copy(update={"id": uuid4(), "at": NOON + timedelta(hours=4)})
    first, second = rems.after(discharged, spravato()), rems.after(again, spravato())
    assert first is not None and second is not None
    assert (first.task_id, first.id) == (second.task_id, second.id)


@pytest.mark.parametrize(
    "history",
    [[], [opened("spravato")], [opened("intranasal"), dosed(0, DOSES["intranasal"])]],
    ids=["not opened", "not dosed", "another route"],
)
def test_nothing_follows_where_no_spravato_was_given(history: list[Fact]) -> None:
    assert rems.after(discharged, history) is None

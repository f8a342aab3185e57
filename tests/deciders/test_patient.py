from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from intake import patient
from intake.patient import ChangePatient, ForgetPerson, RegisterPatient, decide
from kap.decider import Refused, fold
from kap.events.intake import PatientChanged, PatientRegistered, PersonForgotten
from pydantic import ValidationError

from tests.strategies import ADMIN, NURSE, sealed

P, C = UUID(int=1), UUID(int=2)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAME, CONTACT = sealed("name"), sealed("contact")


def said(by: str = NURSE, role: str = "nurse") -> dict[str, Any]:
    return {"id": C, "at": NOON, "by": by, "role": role, "patient_id": P}


def fact(by: str = NURSE) -> dict[str, Any]:
    return {"id": uuid4(), "at": NOON, "by": by, "patient_id": P}


register = RegisterPatient(**said(), name=NAME, number="0417", birth_year=1985, sex_at_birth="female")
registered = PatientRegistered(**fact(), name=NAME, number="0417", birth_year=1985, sex_at_birth="female")
forgotten = PersonForgotten(**fact(ADMIN), ground="request")


def test_a_patient_is_registered() -> None:
    then = [registered.model_copy(update={"id": register.fact_id()})]

    assert decide(fold(patient, []), register) == then


def test_a_patient_is_registered_once() -> None:
    with pytest.raises(Refused, match="already registered"):
        decide(fold(patient, [registered]), register)


def test_nobody_is_born_in_the_future() -> None:
    with pytest.raises(Refused, match="The year of birth, 2101, is in the future") as refused:
        decide(fold(patient, []), register.model_copy(update={"birth_year": 2101}))
    assert list(refused.value.points) == ["birth_year"]


def test_a_name_or_a_contact_is_changed() -> None:
    given = [registered]
    when = ChangePatient(**said(), contact=CONTACT)
    then = [PatientChanged(**fact() | {"id": when.fact_id()}, contact=CONTACT)]

    assert decide(fold(patient, given), when) == then


def test_changing_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="nothing to change"):
        decide(fold(patient, [registered]), ChangePatient(**said()))


def test_an_administrator_has_a_person_forgotten() -> None:
    given = [registered]
    when = ForgetPerson(**said(ADMIN, "admin"), ground="request")
    then = [PersonForgotten(**fact(ADMIN) | {"id": when.fact_id()}, ground="request")]

    assert decide(fold(patient, given), when) == then


@pytest.mark.parametrize("role", ["nurse", "therapist", "prescriber", "service"])
def test_nobody_else_does(role: str) -> None:
    when = ForgetPerson(**said(role=role), ground="request")
    with pytest.raises(Refused, match="Only an administrator"):
        decide(fold(patient, [registered]), when)


def test_forgetting_again_changes_nothing() -> None:
    when = ForgetPerson(**said(ADMIN, "admin"), ground="request")
    assert decide(fold(patient, [registered, forgotten]), when) == []


def test_a_forgotten_person_is_not_changed() -> None:
    with pytest.raises(Refused, match="was forgotten"):
        decide(fold(patient, [registered, forgotten]), ChangePatient(**said(), name=NAME))


@pytest.mark.parametrize(
    "when", [ChangePatient(**said(), name=NAME), ForgetPerson(**said(ADMIN, "admin"), ground="request")]
)
def test_who_is_not_registered_is_neither_changed_nor_forgotten(when: patient.Command) -> None:
    with pytest.raises(Refused, match="not registered"):
        decide(fold(patient, []), when)


def test_a_name_in_plain_text_is_not_taken() -> None:
    with pytest.raises(ValidationError):
        RegisterPatient(**said(), name="Test Patient", number="0417", birth_year=1985, sex_at_birth="female")

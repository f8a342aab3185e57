"""Who may send which command and read what: plain data, one line each.

What a role may do to a given record (its own entries, a second person) is the deciders' to say.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["nurse", "therapist", "prescriber", "admin", "wall", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

Owner = Literal["intake", "session", "integration"]


@dataclass(frozen=True)
class Permission:
    """`roles` may send it; `belongs` names the field that says whose record it is (None: nobody's)."""

    roles: frozenset[str]
    belongs: str | None


CARE = frozenset({"nurse", "therapist", "prescriber"})
OFFICE = CARE | {"admin"}
MEDICAL = frozenset({"nurse", "prescriber"})
THERAPY = frozenset({"therapist", "prescriber"})
PRESCRIBER = frozenset({"prescriber"})
ADMIN = frozenset({"admin"})
RULES = frozenset({"prescriber", "admin"})

COMMANDS: dict[Owner, dict[str, Permission]] = {
    "intake": {
        "RegisterPatient": Permission(OFFICE, "patient_id"),
        "ChangePatient": Permission(OFFICE, "patient_id"),
        "ForgetPerson": Permission(ADMIN, "patient_id"),
        "AdoptProtocol": Permission(RULES, None),
        "DefineRoom": Permission(ADMIN, None),
        "OpenCourse": Permission(OFFICE, "patient_id"),
        "Assess": Permission(PRESCRIBER, "course_id"),
        "ClearFinding": Permission(PRESCRIBER, "course_id"),
        "GiveConsent": Permission(CARE, "course_id"),
        "WithdrawConsent": Permission(CARE, "course_id"),
        "RecordPreparation": Permission(CARE, "course_id"),
        "Prepare": Permission(CARE, "course_id"),
        "PlanVisit": Permission(OFFICE, "course_id"),
        "CloseCourse": Permission(THERAPY, "course_id"),
        "CorrectEntry": Permission(OFFICE, "of_id"),
    },
    "session": {
        "OpenSession": Permission(MEDICAL, "course_id"),
        "AttachDevice": Permission(MEDICAL, "session_id"),
        "DetachDevice": Permission(MEDICAL, "session_id"),
        "ChangeResponsible": Permission(CARE, "session_id"),
        "ChangeLimits": Permission(PRESCRIBER, "session_id"),
        "CheckPreDose": Permission(MEDICAL, "session_id"),
        "OverrideGate": Permission(PRESCRIBER, "session_id"),
        "CheckDose": Permission(MEDICAL, "session_id"),
        "GiveDose": Permission(MEDICAL, "session_id"),
        "RecordObservation": Permission(CARE, "session_id"),
        "RecordNote": Permission(CARE, "session_id"),
        "RecordVitals": Permission(CARE, "session_id"),
        "AcknowledgeAlarm": Permission(MEDICAL, "session_id"),
        "PauseAlarm": Permission(MEDICAL, "session_id"),
        "RecordAdverseEvent": Permission(CARE, "session_id"),
        "RecordIntervention": Permission(CARE, "session_id"),
        "CallHelp": Permission(CARE, "session_id"),
        "AnswerHelp": Permission(MEDICAL, "session_id"),
        "SignDischarge": Permission(MEDICAL, "session_id"),
        "Discharge": Permission(MEDICAL, "session_id"),
        "AbortSession": Permission(CARE, "session_id"),
        "CorrectEntry": Permission(CARE, "of_id"),
    },
    "integration": {
        "RecordIntegration": Permission(THERAPY, "care_plan_id"),
        "RecordMeasure": Permission(CARE, "care_plan_id"),
        "MissVisit": Permission(OFFICE, "care_plan_id"),
        "CloseCarePlan": Permission(THERAPY, "care_plan_id"),
        "OpenTask": Permission(OFFICE, "patient_id"),
        "AnswerTask": Permission(OFFICE, "task_id"),
        "CorrectEntry": Permission(OFFICE, "of_id"),
    },
}

# Whose entries each owner corrects.
AGGREGATES: dict[Owner, tuple[str, ...]] = {
    "intake": ("patient", "clinic", "course"),
    "session": ("session",),
    "integration": ("care_plan", "task"),
}

EVERYONE = frozenset(ROLES)
NOT_A_WALL = EVERYONE - {"wall"}

READS: dict[str, frozenset[str]] = {
    "sessions": EVERYONE,
    "timeline": EVERYONE,  # a wall's without free text
    "vitals": EVERYONE,
    "alarms": EVERYONE,
    "devices": EVERYONE,
    "feed": EVERYONE,
    "staff": NOT_A_WALL,
    "clinic": NOT_A_WALL,
    "patients": NOT_A_WALL,
    "courses": NOT_A_WALL,
    "outcomes": NOT_A_WALL,
    "worklist": NOT_A_WALL,
}

# How a role is called in a refusal.
CALLED: dict[str, str] = {
    "nurse": "A nurse",
    "therapist": "A therapist",
    "prescriber": "A prescriber",
    "admin": "An administrator",
    "wall": "A wall screen",
    "auditor": "An auditor",
}

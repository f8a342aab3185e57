"""What every event has in common.

A stored name is for ever: add events and optional fields, never change or rename one.
"""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

Actor = Annotated[
    str,
    Field(
        pattern=r"^(staff:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|device:[A-Za-z0-9_-]{1,64}|service:[a-z-]{1,32})$",
        description="Who acted: staff:<uuid>, device:<id> or service:<name>.",
    ),
]

SEALED = r"^sealed:v1:[0-9a-f-]{36}:[a-z0-9_.]{1,120}:[A-Za-z0-9_-]{38,}$"

Personal = Annotated[
    str,
    Field(
        pattern=SEALED,
        max_length=16_384,
        json_schema_extra={"personal": True},
        description="A name or free text, sealed with the patient's own key (kap.personal).",
    ),
]

Code = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="A word of a fixed vocabulary.")
]
DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Room = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,8}$")]

Aggregate = Literal["patient", "clinic", "course", "session", "care_plan", "task"]


class Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",  # a newer writer may add fields: readers deploy first, but never break
        json_schema_serialization_defaults_required=True,
        allow_inf_nan=False,
    )


class Fact(Frozen):
    """A fact that somebody decided. `at` is when it happened; when it was recorded is `ce-time`."""

    aggregate: ClassVar[Aggregate]
    kept: ClassVar[frozenset[str]] = frozenset()  # fields that a correction leaves as they are

    id: UUID
    at: AwareDatetime
    by: Actor

    @property
    def aggregate_id(self) -> str:
        """The last token but one of the subject: the id of the aggregate that the fact belongs to."""
        return str(getattr(self, f"{self.aggregate}_id"))


class EntryCorrected(Fact):
    """A wrong entry is withdrawn; `replacement`, an event of the same type, stands in its place.

    The original stays in the log and on the screen, struck through.
    """

    type: Literal["EntryCorrected"] = "EntryCorrected"
    of: Aggregate
    of_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")
    event_id: UUID
    reason: Personal
    replacement: dict[str, JsonValue] | None = None

    @property
    def aggregate_id(self) -> str:
        return self.of_id


class Unknown(Frozen):
    """An event of a type this reader does not know. It stops nobody's care (decision 16)."""

    type: str
    aggregate: str = ""
    aggregate_id: str = ""
    body: dict[str, Any] = {}

"""The frames sent last, kept so that a viewer who was away gets exactly what it missed, or nothing of it."""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from pydantic_core import to_json

from projections.board import Change
from projections.session_view import Session

View = Literal["staff", "wall"]
Positions = tuple[int, int]  # of EVENTS and of VITALS
Present = Callable[[Session, View], dict[str, Any]]

FRAMES = 300
BYTES = 8 * 2**20


class Frame:
    """One stretch of changes, encoded once for each view that has viewers."""

    def __init__(
        self,
        before: Positions,
        change: Change,
        sessions: list[Session],
        present: Present,
        corrected: bytes = b"",
    ) -> None:
        self.before = before
        self.after = (change.events, change.vitals)
        self.count = len(change.readings)
        self.readings = b",".join(change.readings)
        self.alarms = b",".join(change.alarms)
        self.corrected = corrected
        self._sessions = sessions
        self._present = present
        self._parts: dict[View, bytes] = {}

    @property
    def size(self) -> int:
        return len(self.readings) + len(self.corrected) + len(self.alarms) + 2000 * len(self._sessions)

    def sessions(self, view: View) -> bytes:
        part = self._parts.get(view)
        if part is None:
            part = self._parts[view] = b",".join(to_json(self._present(s, view)) for s in self._sessions)
        return part


class Recent:
    """The last frames, bounded in number and size; `floor`: everything that changed after it is here."""

    def __init__(self, at: Positions) -> None:
        self.floor = at
        self.frames: deque[Frame] = deque()
        self.size = 0
        self._torn = False  # a frame that moved no position was dropped just at the floor

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.size += frame.size
        while len(self.frames) > FRAMES or self.size > BYTES:
            oldest = self.frames.popleft()
            self.size -= oldest.size
            self.floor = oldest.after
            self._torn = oldest.before == oldest.after

    def after(self, at: Positions) -> list[Frame] | None:
        """What a viewer at these positions has missed: whole, or None.

        It stands between two frames, or there is no continuing. A frame that moved no position (a name
        that opened late) is sent again to who stands just there.
        """
        if not reached(at, self.floor) or (self._torn and at == self.floor):
            return None
        frames = list(self.frames)
        for n, frame in enumerate(frames):
            if not reached(at, frame.after) or at == frame.before == frame.after:
                return frames[n:] if reached(frame.before, at) else None
        return []


def reached(here: Positions, there: Positions) -> bool:
    """Whether all that is up to `there` is up to `here` too."""
    return here[0] >= there[0] and here[1] >= there[1]

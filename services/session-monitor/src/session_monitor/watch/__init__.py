"""The watch: alarms, folded from the recorded log and from nothing else.

`fold` takes in what the log holds, `tick` lets time pass, `take` gives the commands that put alarms on
record. No I/O and no clock here, so the same log gives the same alarms, live or years later:

- Everything runs on `observed_at`, never on when something arrived.
- A fact may overtake a reading on its way to the disk. So facts that change what is watched wait until a
  reading names them, or a second has passed (`pending`): each session then sees its facts and readings in
  the one order that a replay sees, decision 6's.
- An alarm's id is made of session, rule and onset, and the log says which ids it holds.
- Nothing is asked for while catching up. What began and ended meanwhile is then recorded `late`; what still
  holds is raised with its true onset.
- A session that began with alarm rules (`kap.events.alarm_rules`) is watched by them too; without, by its
  limits and devices alone.
"""

from session_monitor.watch.actions import Action, open_alarms, resumed, take
from session_monitor.watch.folding import fold
from session_monitor.watch.passing import tick
from session_monitor.watch.state import CLOCK_SKEWED, NO_DATA, Session, Watch

__all__ = [
    "CLOCK_SKEWED",
    "NO_DATA",
    "Action",
    "Session",
    "Watch",
    "fold",
    "open_alarms",
    "resumed",
    "take",
    "tick",
]

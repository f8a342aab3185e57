"""A process that only waits for its parent's end, then kills what the parent had started.

Standard input tells it: `+pid` started, `-pid` ended, `bye` all is stopped. When the pipe closes without
`bye`, the parent is dead, however it died. It imports nothing of ours, so that it is up in milliseconds.
"""

import os
import signal
import sys
import time


def parents() -> dict[int, int]:
    """Each process's parent, as /proc has it now."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as stat:
                    found[int(entry)] = int(stat.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue  # it ended while we looked
    return found


def with_descendants(pids: set[int]) -> set[int]:
    """Postgres gives each of its children a session of its own, so the group alone does not reach them."""
    family = parents() if os.path.isdir("/proc/self") else {}
    tree = set(pids)
    while more := {pid for pid, parent in family.items() if parent in tree and pid not in tree}:
        tree |= more
    return tree


def kill(pids: set[int]) -> None:
    for pid in with_descendants(pids):
        for end in (os.killpg, os.kill) if pid in pids else (os.kill,):
            try:
                end(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue  # already gone


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    alive: set[int] = set()
    for line in sys.stdin.buffer:
        word = line.strip()
        if word == b"bye":
            return
        if word[:1] == b"+":
            alive.add(int(word[1:]))
        elif word[:1] == b"-":
            alive.discard(int(word[1:]))
    for _ in range(3):  # again for a child born between the look and the blow
        kill(alive)
        time.sleep(0.05)


if __name__ == "__main__":
    main()

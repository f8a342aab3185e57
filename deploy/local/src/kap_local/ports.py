"""Free and taken TCP ports."""

import os
import random
import socket
import sys
from collections import deque

from kap_local.failure import Failure

# Below what the kernel gives to outgoing connections, so that none takes a port between the look and the use.
FREE = range(20000, 32000)
_random = random.SystemRandom()
# What was given stays bound, without listening: nobody is given it again while its server has yet to start.
# The server itself may listen there, as both say SO_REUSEADDR. Descriptors, oldest first.
_given: deque[int] = deque()
MOST_GIVEN = 200


def reachable(bind: str) -> str:
    """Where we ourselves reach what listens on `bind`, as a URL has it."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, f"[{bind}]" if ":" in bind else bind)


def _taken(port: int, host: str, *, unused: bool) -> bool:
    """Whether it is ours now: nobody listens there and, where it is to be `unused`, nobody was given it."""
    holder = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, not unused)
    try:
        holder.bind((host, port))
    except OSError:
        holder.close()
        return False
    if sys.platform == "linux":  # elsewhere the server could not listen beside it
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
        _given.append(holder.detach())
    else:
        holder.close()
    if len(_given) > MOST_GIVEN:
        os.close(_given.popleft())
    return True


def free_port(host: str = "127.0.0.1") -> int:
    for _ in range(200):
        port = _random.choice(FREE)
        if _taken(port, host, unused=True):
            return port
    raise Failure(f"No free port between {FREE.start} and {FREE.stop} on {host}.")


def claim(option: str, port: int, host: str = "127.0.0.1") -> int:
    """The port asked for, refused by name when taken; any free one for 0."""
    if port == 0:
        return free_port(host)
    if not 0 < port < 65536:
        raise Failure(f"{option} {port} is not a port: it should be 1 to 65535, or 0 for any free one.")
    if not _taken(port, host, unused=False):
        raise Failure(
            f"Port {port} ({option}) is already in use on {host}: "
            f"stop what uses it, or choose another with {option}."
        )
    return port

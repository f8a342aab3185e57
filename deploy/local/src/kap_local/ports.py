"""Free and taken TCP ports."""

import random
import socket

from kap_local.failure import Failure

# Below what the kernel gives to outgoing connections, so that none takes a port between the look and the use.
FREE = range(20000, 32000)
_random = random.SystemRandom()


def reachable(bind: str) -> str:
    """Where we ourselves reach what listens on `bind`, as a URL has it."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, f"[{bind}]" if ":" in bind else bind)


def in_use(port: int, host: str = "127.0.0.1") -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def free_port(host: str = "127.0.0.1") -> int:
    for _ in range(200):
        port = _random.choice(FREE)
        if not in_use(port, host):
            return port
    raise Failure(f"No free port between {FREE.start} and {FREE.stop} on {host}.")


def claim(option: str, port: int, host: str = "127.0.0.1") -> int:
    """The port asked for, refused by name when taken; any free one for 0."""
    if port == 0:
        return free_port(host)
    if not 0 < port < 65536:
        raise Failure(f"{option} {port} is not a port: it should be 1 to 65535, or 0 for any free one.")
    if in_use(port, host):
        raise Failure(
            f"Port {port} ({option}) is already in use on {host}: "
            f"stop what uses it, or choose another with {option}."
        )
    return port

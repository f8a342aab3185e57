"""Starts processes that cannot outlive this one, whatever ends it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kap_local import watchdog

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Guard:
    """Each process has its own session, dies with its parent (Linux), and is known to a watchdog besides.

    The watchdog is needed because a process may drop its parent-death signal (as when it enters a user
    namespace), and because Postgres starts sessions of its own.
    """

    def __init__(self, keep_open: Sequence[int] = ()) -> None:
        self.keep_open = keep_open  # the data folder's lock: held until the watchdog has killed everything
        self.alive: dict[int, subprocess.Popen[bytes]] = {}
        self._watch()

    def _watch(self) -> None:
        self.watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", watchdog.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=self.keep_open,
        )
        for pid in self.alive:
            self._tell(f"+{pid}")

    def _tell(self, word: str) -> None:
        assert self.watchdog.stdin is not None
        os.write(self.watchdog.stdin.fileno(), f"{word}\n".encode())

    def check(self) -> None:
        """Replace a watchdog that was killed."""
        if self.watchdog.poll() is not None:
            assert self.watchdog.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self.watchdog.stdin.close()
            self._watch()

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process; its output is added to `log`, or is ours."""
        self.check()
        output = open(log, "ab") if log else None
        try:
            process = subprocess.Popen(
                command,
                env=None if environment is None else dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self._before_exec(),
            )
        finally:
            if output:
                output.close()
        self.alive[process.pid] = process
        return process

    def _before_exec(self) -> Callable[[], None]:
        parent = os.getpid()
        assert self.watchdog.stdin is not None
        pipe = self.watchdog.stdin.fileno()

        def before_exec() -> None:
            # The child reports itself, so that there is no moment in which it runs unknown.
            with contextlib.suppress(BrokenPipeError):  # a killed watchdog is replaced, and told of all alive
                os.write(pipe, f"+{os.getpid()}\n".encode())
            if _libc:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != parent:
                    os._exit(1)

        return before_exec

    def ended(self, process: subprocess.Popen[bytes]) -> None:
        """To be called when a process was waited for."""
        if self.alive.pop(process.pid, None) and self.watchdog.poll() is None:
            self._tell(f"-{process.pid}")

    def stop(self, process: subprocess.Popen[bytes], how: signal.Signals, patience: float = 10) -> None:
        """Ask a process to end, wait, and end it when it does not (blocking: for tests and tools)."""
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.ended(process)

    def close(self) -> None:
        """Release the watchdog once everything is stopped; kill what is not."""
        left = watchdog.with_descendants(set(self.alive)) if self.alive else set()
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for process in list(self.alive.values()):
            process.wait()
            self.ended(process)
        if self.watchdog.poll() is None:
            self._tell("bye")
        assert self.watchdog.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.watchdog.stdin.close()
        self.watchdog.wait()

"""The data folder: ours alone (0700), used by one `kap up` at a time, with the clinic's key in it."""

import base64
import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kap_local.failure import Failure

LOCK = "lock"


def alive(pid: str) -> bool:
    """Whether it can still do anything: one that has ended, and that nobody has waited for yet, cannot."""
    try:
        os.kill(int(pid), 0)
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # where there is no /proc, the signal's word counts


def claim(folder: Path) -> None:
    """Make the folder, or see that it is one of ours; never close somebody else's."""
    try:
        if folder.exists() and not (folder / LOCK).exists() and any(folder.iterdir()):
            raise Failure(
                f"{folder} is not empty and is not a data folder of KAP: choose another with --data."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise Failure(f"The data folder {folder} cannot be used: {error.strerror}.") from error


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """The folder for this process alone; yields the lock's file descriptor."""
    claim(folder)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        patience = time.monotonic() + 30  # on a busy machine the end of everything takes its time
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                owner = os.pread(lock, 32, 0).decode().strip()
                # A killed `kap up` leaves its watchdog, which holds the lock until everything is gone.
                if alive(owner) or time.monotonic() > patience:
                    raise Failure(f"{folder} is in use by another kap up, process {owner}.") from None
                time.sleep(0.05)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
    finally:
        os.close(lock)


def write_secret(file: Path, text: str) -> None:
    """Whole or not at all, readable by its owner alone, and on disk when this returns."""
    making = file.with_name(file.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        making.unlink()
    with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    making.rename(file)


def clinic_key(folder: Path) -> Path:
    """The key that wraps every patient's key: made once; without it no name can be read again."""
    file = folder / "clinic.key"
    if not file.exists():
        write_secret(file, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    return file

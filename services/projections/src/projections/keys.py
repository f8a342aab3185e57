"""The patients' keys: each wrapped with the clinic's, in the bucket KEYS, gone for good once forgotten.

Key backups are a file apart from the log's, written anew at each new key and at each forgetting.
"""

import asyncio
import base64
import contextlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from kap import personal, service, settings, snapshot
from kap.decider import Unavailable
from prometheus_client import Gauge
from pydantic import AwareDatetime, BaseModel, TypeAdapter

from projections.bucket import Bucket

log = logging.getLogger("kap.keys")

BACKUP_WRITTEN = Gauge("kap_key_backup_timestamp_seconds", "When the key backup was last written whole.")
BACKUP_BEHIND = Gauge("kap_key_backup_behind", "1 while the key backup lacks a key or holds a forgotten one.")

FORGOTTEN = b"forgotten"  # stands where the key stood, so that nobody makes a new one
DEBOUNCE_S = 0.5


class Forgotten(Exception):
    """The person was forgotten: their key is gone."""


class Missing(Exception):
    """There is no key for this person and nobody forgot them: it was lost, or not restored."""


class Backup(BaseModel):
    version: Literal[1] = 1
    written_at: AwareDatetime
    keys: dict[UUID, str]
    forgotten: list[UUID]


_backup = TypeAdapter(Backup)


def clinic_key(path: Path) -> bytes:
    """The key in `KAP_CLINIC_KEY_FILE`."""
    try:
        key = base64.b64decode(path.read_text().strip(), validate=True)
    except (OSError, ValueError) as error:
        raise settings.SettingError(f"KAP_CLINIC_KEY_FILE: {KEY_FILE}") from error
    if len(key) != personal.KEY_BYTES:
        raise settings.SettingError(f"KAP_CLINIC_KEY_FILE holds {len(key)} bytes; {KEY_FILE}")
    return key


KEY_FILE = "it should name a file with 32 random bytes in base64"


class KeyRing:
    """Unwrapped keys stay in memory, at most `size` of them. Methods raise `Unavailable` without NATS."""

    def __init__(self, bucket: Bucket, clinic_key: bytes, backup: Path | None, size: int = 2000) -> None:
        self.bucket = bucket
        self.backup = backup
        self.size = size
        self._clinic_key = clinic_key
        self._cache: OrderedDict[UUID, bytes] = OrderedDict()
        self._writing = asyncio.Lock()
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Refuses a clinic key that does not open what is there, and keeps the backup up to date."""
        for patient_id, value in (await self.stored()).items():
            if value != FORGOTTEN:
                self._check(patient_id, value)
                break
        self._changed.set()
        try:
            async with service.in_background(self._keep_backup(), "the writing of the key backup"):
                yield
        finally:
            if self._changed.is_set():
                await self._try_to_write_backup()

    def _check(self, patient_id: UUID, value: bytes) -> None:
        try:
            self.unwrap(patient_id, value)
        except personal.Unreadable as error:
            raise settings.SettingError(
                "KAP_CLINIC_KEY_FILE holds another key than the one this clinic's patients are sealed with"
            ) from error

    async def stored(self) -> dict[UUID, bytes]:
        """Every wrapped key, and `FORGOTTEN` for those who were."""
        return {UUID(key): entry.value for key, entry in (await self.bucket.all()).items()}

    def unwrap(self, patient_id: UUID, value: bytes) -> bytes:
        if value == FORGOTTEN:
            raise Forgotten
        return personal.unwrap(value.decode(), self._clinic_key, patient_id)

    async def key(self, patient_id: UUID) -> bytes:
        """Raises `Forgotten` or `Missing`."""
        if key := self._cache.get(patient_id):
            self._cache.move_to_end(patient_id)
            return key
        entry = await self.bucket.get(str(patient_id))
        if entry is None:
            raise Missing
        return self._keep(patient_id, self.unwrap(patient_id, entry.value))

    async def make(self, patient_id: UUID) -> bytes:
        """The patient's key, made now unless there is one. Raises `Forgotten`."""
        try:
            return await self.key(patient_id)
        except Missing:
            key = personal.new_key()
            wrapped = personal.wrap(key, self._clinic_key, patient_id).encode()
        if await self.bucket.put(str(patient_id), wrapped, expected=0) is None:
            return await self.key(patient_id)  # another gateway was first
        self._backup_is_behind()
        return self._keep(patient_id, key)

    def _keep(self, patient_id: UUID, key: bytes) -> bytes:
        self._cache[patient_id] = key
        self._cache.move_to_end(patient_id)
        while len(self._cache) > self.size:
            self._cache.popitem(last=False)
        return key

    async def forget(self, patient_id: UUID) -> None:
        """Erase the key, here and in the backup. Harmless when repeated, also after being cut short."""
        async with self._writing:  # else a backup begun before could be written after
            self._cache.pop(patient_id, None)
            await self._erase(str(patient_id))
            self._backup_is_behind()
            await self._write_backup_now(shred=True)
            self._cache.pop(patient_id, None)  # in case it was being read meanwhile

    async def _erase(self, key: str) -> None:
        for _ in range(5):
            entry = await self.bucket.get(key)
            if entry is not None and entry.value == FORGOTTEN:
                return
            if entry is not None:
                await self.bucket.erase_revision(entry.revision)
            if await self.bucket.put(key, FORGOTTEN, expected=0) is not None:
                return
        raise Unavailable("The key could not be erased: somebody keeps writing it.")

    # ---- the backup

    def _backup_is_behind(self) -> None:
        BACKUP_BEHIND.set(1)
        self._changed.set()

    async def _keep_backup(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(DEBOUNCE_S)
            await self._try_to_write_backup()

    async def _try_to_write_backup(self) -> None:
        try:
            async with self._writing:
                await self._write_backup_now()
        except (OSError, Unavailable) as error:
            log.error("the key backup could not be written", extra={"reason": str(error)})

    async def _write_backup_now(self, *, shred: bool = False) -> None:
        self._changed.clear()
        if self.backup is not None:
            try:
                await self._replace_backup(self.backup, shred)
            except (OSError, Unavailable):
                self._backup_is_behind()
                raise
            BACKUP_WRITTEN.set(time.time())
        BACKUP_BEHIND.set(0)

    async def _replace_backup(self, path: Path, shred: bool) -> None:
        stored = await self.stored()
        content = Backup(
            written_at=datetime.now(UTC),
            keys={patient: value.decode() for patient, value in stored.items() if value != FORGOTTEN},
            forgotten=[patient for patient, value in stored.items() if value == FORGOTTEN],
        )
        await asyncio.to_thread(_replace, path, content, shred)


def _replace(path: Path, content: Backup, shred: bool) -> None:
    """Atomically; with `shred`, what stood in the file before is overwritten too."""
    before = os.open(path, os.O_RDWR) if shred and path.exists() else None
    snapshot.save(path, _backup, content)
    if before is not None:
        with os.fdopen(before, "r+b") as old:
            old.write(b"\0" * os.fstat(old.fileno()).st_size)
            old.flush()
            os.fsync(old.fileno())


async def restore(bucket: Bucket, path: Path) -> tuple[int, int]:
    """Put back the keys of a backup; whoever was forgotten, then or since, stays so. How many of each."""
    content = _backup.validate_json(await asyncio.to_thread(path.read_bytes))
    ring = KeyRing(bucket, b"", None)
    for patient_id in content.forgotten:
        await ring.forget(patient_id)
    for patient_id, wrapped in content.keys.items():
        await bucket.put(str(patient_id), wrapped.encode(), expected=0)
    return len(content.keys), len(content.forgotten)

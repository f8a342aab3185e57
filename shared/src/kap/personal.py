"""Names and free text, sealed with the patient's own key (decision 13). Only the staff gateway does either.

AES-256-GCM throughout. A token names the command and the field that it came with; both, and the patient, are
authenticated, so a token that was altered, or put on another patient, does not open. No I/O here.
"""

import base64
import binascii
import os
import re
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kap.events import CATALOGUE
from kap.events.fact import SEALED

PREFIX = "sealed:v1:"
MARK = "sealed:"  # what comes from outside must not even begin like one
TEXT_BYTES = 12_000  # UTF-8; sealed, it stays below the 16,384 characters of `Personal`
KEY_BYTES = 32

_NONCE_BYTES = 12
_WRAPPED = "wrapped:v1:"
_token = re.compile(SEALED)
_path = re.compile(r"^[a-z0-9_.]{1,120}$")


class Unreadable(Exception):
    """The token does not open with this key for this patient: altered, moved, or another key's."""


def new_key() -> bytes:
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def seal(plaintext: str, key: bytes, patient_id: UUID, command_id: UUID, path: str) -> str:
    """`path`: the names of the field and of what it stands in, joined with dots, as in `findings.note`."""
    body = plaintext.encode()
    if len(body) > TEXT_BYTES:
        raise ValueError(f"a personal text has at most {TEXT_BYTES} bytes")
    if not _path.match(path):
        raise ValueError("a field's path has at most 120 of a-z, 0-9, _ and .")
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, body, _about(patient_id, str(command_id), path))
    return f"{PREFIX}{command_id}:{path}:{_text(nonce + sealed)}"


def open(token: str, key: bytes, patient_id: UUID) -> str:
    """What was sealed. Raises `Unreadable`."""
    if not _token.match(token):
        raise Unreadable("not a sealed text")
    _, _, command_id, path, text = token.split(":")
    try:
        raw = _bytes(text)
        plain = AESGCM(key).decrypt(
            raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _about(patient_id, command_id, path)
        )
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unreadable("altered, moved, or sealed with another key") from error
    return plain.decode()


def wrap(key: bytes, clinic_key: bytes, patient_id: UUID) -> str:
    """The patient's key as it may be stored: sealed with the clinic's."""
    nonce = os.urandom(_NONCE_BYTES)
    return _WRAPPED + _text(nonce + AESGCM(clinic_key).encrypt(nonce, key, str(patient_id).encode()))


def unwrap(wrapped: str, clinic_key: bytes, patient_id: UUID) -> bytes:
    """The patient's key. Raises `Unreadable` when wrapped for another patient, or by another clinic."""
    try:
        raw = _bytes(wrapped.removeprefix(_WRAPPED))
        return AESGCM(clinic_key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], str(patient_id).encode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unreadable("the patient's key was not wrapped with this clinic's key") from error


def _about(patient_id: UUID, command_id: str, path: str) -> bytes:
    return f"{patient_id}|{command_id}|{path}".encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:  # the last character's spare bits must be zero: one token for one ciphertext
        raise ValueError("not canonical")
    return raw


def _is_personal(info: object) -> bool:
    return isinstance(info, FieldInfo) and info.json_schema_extra == {"personal": True}


def _paths(annotation: Any, at: str) -> set[str]:
    """Every Personal field in an annotation, by its path; list indexes are left out."""
    if get_origin(annotation) is Annotated:
        inner, *info = get_args(annotation)
        return {at} if any(map(_is_personal, info)) else _paths(inner, at)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        found: set[str] = set()
        for name, field in annotation.model_fields.items():
            path = f"{at}.{name}" if at else name
            found |= {path} if _is_personal(field) else _paths(field.annotation, path)
        return found
    return {path for part in get_args(annotation) for path in _paths(part, at)}


# Where the catalogue's events hold Personal values (`name`, `findings.note`, …), and those paths' last words.
PERSONAL_PATHS = frozenset(path for event in CATALOGUE.values() for path in _paths(event, ""))
PERSONAL_FIELDS = frozenset(path.rpartition(".")[2] for path in PERSONAL_PATHS)

"""A key-value bucket, read from its leader and really erased when erased.

nats-py's own KV reads from any replica (a ticket just made may not be there yet), lists with an ordered push
consumer (nats.md, trap 9), and deletes by writing a marker: the old value stays in the file (trap 27).
"""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from kap.decider import Unavailable
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

TIMEOUT_S = 2.0
PAGE = 1000
EXPECT = "Nats-Expected-Last-Subject-Sequence"
_WRONG_LAST_SEQUENCE = 10071
_NO_MESSAGE = (10037, 10043, 10057)  # not found; sequence not found; not found to delete


@dataclass(frozen=True)
class Entry:
    value: bytes
    revision: int


class Bucket:
    """The bucket `name`. Every method raises `Unavailable` when NATS does not answer."""

    def __init__(self, nats: Client, name: str) -> None:
        self.nats = nats
        self.name = name

    def _subject(self, key: str) -> str:
        return f"$KV.{self.name}.{key}"

    async def get(self, key: str) -> Entry | None:
        answer = await self._api(f"STREAM.MSG.GET.KV_{self.name}", {"last_by_subj": self._subject(key)})
        if "error" in answer:
            return None
        message = answer["message"]
        return Entry(base64.b64decode(message.get("data", "")), int(message["seq"]))

    async def put(
        self, key: str, value: bytes, *, expected: int | None = None, ttl_s: int | None = None
    ) -> int | None:
        """The revision stored; None when the key no longer stands at `expected` (0: is not there)."""
        headers = {} if expected is None else {EXPECT: str(expected)}
        if ttl_s is not None:
            headers["Nats-TTL"] = f"{ttl_s}s"
        answer = await self._ask(self._subject(key), value, headers or None)
        if error := answer.get("error"):
            if error.get("err_code") == _WRONG_LAST_SEQUENCE:
                return None
            raise Unavailable(f"The bucket {self.name} refused: {error.get('description')}")
        return int(answer["seq"])

    async def erase(self, key: str) -> bool:
        """Overwrites the value on disk, leaves no marker. Of several that erase one value, one hears True."""
        entry = await self.get(key)
        if entry is None:
            return False
        return await self.erase_revision(entry.revision)

    async def erase_revision(self, revision: int) -> bool:
        answer = await self._api(f"STREAM.MSG.DELETE.KV_{self.name}", {"seq": revision, "no_erase": False})
        return bool(answer.get("success"))

    async def all(self) -> dict[str, Entry]:
        """Everything in the bucket, in pages."""
        found: dict[str, Entry] = {}
        after = 0
        while True:
            more = 0
            async for message in self._page(after + 1):
                head = message.headers or {}
                after = int(head["Nats-Sequence"])
                key = head["Nats-Subject"].removeprefix(self._subject(""))
                found[key] = Entry(message.data, after)
                more = int(head.get("Nats-Num-Pending", 0))
            if not more:
                return found

    async def _page(self, start: int) -> AsyncIterator[Msg]:
        inbox = self.nats.new_inbox()
        query = {"seq": start, "next_by_subj": self._subject(">"), "batch": PAGE}
        try:
            answers = await self.nats.subscribe(inbox)
            try:
                await self.nats.publish(
                    f"$JS.API.DIRECT.GET.KV_{self.name}", json.dumps(query).encode(), inbox
                )
                while True:
                    message = await answers.next_msg(TIMEOUT_S)
                    status = (message.headers or {}).get("Status")
                    if status in ("204", "404"):  # the page's end; nothing there
                        return
                    if status:
                        raise Unavailable(f"The bucket {self.name} does not answer ({status}).")
                    yield message
            finally:
                if not self.nats.is_closed:  # else it ended with its connection
                    await answers.unsubscribe()
        except (NatsError, TimeoutError) as error:
            raise Unavailable(f"The bucket {self.name} does not answer.") from error

    async def _api(self, call: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._ask(f"$JS.API.{call}", json.dumps(body).encode())
        error = answer.get("error")
        if error and error.get("err_code") not in _NO_MESSAGE:
            raise Unavailable(f"The bucket {self.name} refused: {error.get('description')}")
        return answer

    async def _ask(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            reply = await self.nats.request(subject, body, timeout=TIMEOUT_S, headers=headers)
        except (TimeoutError, NatsError) as error:
            raise Unavailable(f"The bucket {self.name} does not answer.") from error
        answer: dict[str, Any] = json.loads(reply.data)
        return answer

"""Whatever a sender sends: nothing crashes, and every frame is answered."""

import asyncio
import re
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from kap.events import encode
from kap.events.vitals import VitalRecorded
from kap.testing import MemoryLog
from nats.aio.client import Client
from session_monitor import codes, hl7, mllp
from session_monitor.vitals import Vitals

from tests.hl7.messages import DIALECTS

NOW = datetime(2026, 1, 2, 15, 4, 11, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")
START, END = b"\x0b", b"\x1c\r"

dialects = st.sampled_from(list(DIALECTS.values()))
scraps = st.one_of(
    st.text(max_size=30).map(lambda s: s.encode()),
    st.binary(max_size=30),
    st.sampled_from(
        b" -999 8388607 DEMO X 1e308 99991231235959+0000 00010101000000 \x00 \r nan -inf \\X41\\ MSH| |||||| "
        b"^~\\& 150456^MDC_PULS_OXIM_SAT_O2^MDC".split(b" ")
    ),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real message with fields replaced, cut out, doubled or cut off."""
    data = draw(dialects)
    for _ in range(draw(st.integers(0, 5))):
        fields = data.split(b"|")
        n = draw(st.integers(0, len(fields) - 1))
        match draw(st.sampled_from(["replace", "remove", "double", "cut"])):
            case "replace":
                fields[n] = draw(scraps)
            case "remove":
                del fields[n]
            case "double":
                fields.insert(n, fields[n])
            case _:
                fields = fields[: n + 1]
        data = b"|".join(fields)
    return data


@settings(max_examples=600, deadline=None)
@given(damaged() | st.binary(max_size=300) | st.binary(max_size=100).map(lambda b: rb"MSH|^~\&|" + b))
def test_a_message_is_read_or_refused(data: bytes) -> None:
    header: hl7.Header | None
    try:
        message = hl7.read(data, VIENNA, NOW)
    except hl7.Unreadable as error:
        header = error.header
    else:
        header = message.header
        for device in message.devices:
            for observation in device.observations:
                for signal, sample in observation.signals.items():
                    assert codes.possible(signal, sample.value)
                reading = VitalRecorded(
                    id=UUID(int=1),
                    session_id=UUID(int=2),
                    device_id=device.device_id,
                    source="monitor",
                    device_time=observation.device_time,
                    observed_at=NOW,
                    received_at=NOW,
                    sent_id=observation.sent_id,
                    signals=observation.signals,
                )
                assert encode(reading)
    text = hl7.answer(header, "AR", "why", own_id="1", now=NOW)
    assert not set(text) & {0x0B, 0x1C}
    assert len(text.split(b"\r")) == 4


whole = damaged().map(lambda data: re.sub(rb"[\x0b\x1c]", b"", data))
noise = st.binary(max_size=40).map(lambda data: data.replace(START, b""))


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(st.tuples(noise, whole), max_size=6), sizes=st.lists(st.integers(1, 400), min_size=1)
)
def test_every_frame_is_answered_however_it_comes(
    messages: list[tuple[bytes, bytes]], sizes: list[int]
) -> None:
    stream = b"".join(before + START + data + END for before, data in messages)

    async def talk() -> list[bytes]:
        vitals = Vitals(MemoryLog(), Client(), "main", VIENNA)
        vitals.ready.set()
        async with mllp.listening("127.0.0.1", 0, vitals.frame) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            at, n = 0, 0
            while at < len(stream):
                size = sizes[n % len(sizes)]
                writer.write(stream[at : at + size])
                await asyncio.sleep(0)
                at, n = at + size, n + 1
            writer.write_eof()
            async with asyncio.timeout(20):
                found = await reader.read()
            writer.close()
        return found.split(END)[:-1]

    answers = asyncio.run(talk())
    assert len(answers) == len(messages)
    for answer, (_, data) in zip(answers, messages, strict=True):
        msa = answer.split(b"\r")[1]
        assert re.search(rb"^MSA.A[AER]", msa), (data, answer)

"""A simulated bedside monitor: speaks HL7 v2.6 ORU^R01 (IHE PCD-01) over MLLP, as real ones do."""

import asyncio
from datetime import UTC, datetime
from itertools import count

START, END = b"\x0b", b"\x1c\r"
CODES: dict[str, tuple[str, str, str]] = {
    "heart_rate": ("147842^MDC_ECG_HEART_RATE^MDC", "1.1.1.1", "264864^MDC_DIM_BEAT_PER_MIN^MDC"),
    "pulse_rate": ("149530^MDC_PULS_OXIM_PULS_RATE^MDC", "1.2.1.2", "264864^MDC_DIM_BEAT_PER_MIN^MDC"),
    "spo2": ("150456^MDC_PULS_OXIM_SAT_O2^MDC", "1.2.1.1", "262688^MDC_DIM_PERCENT^MDC"),
    "respiratory_rate": ("151578^MDC_TTHOR_RESP_RATE^MDC", "1.4.1.1", "264928^MDC_DIM_RESP_PER_MIN^MDC"),
    "systolic": ("150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "1.3.1.1", "266016^MDC_DIM_MMHG^MDC"),
    "diastolic": ("150022^MDC_PRESS_BLD_NONINV_DIA^MDC", "1.3.1.2", "266016^MDC_DIM_MMHG^MDC"),
    "mean_arterial": ("150023^MDC_PRESS_BLD_NONINV_MEAN^MDC", "1.3.1.3", "266016^MDC_DIM_MMHG^MDC"),
}
ANSWER_S = 5.0


def message(
    device: str,
    number: str,
    control: str,
    now: datetime,
    values: dict[str, float],
    cuff: tuple[datetime, dict[str, float]] | None,
) -> bytes:
    """One message with the values of this second, and the last cuff pressure with its own, older time."""
    eui = f"{device}^EUI-64"
    profile = "IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"
    lines = [
        rf"MSH|^~\&|KAPSIM^{eui}|KAP|KAP|KAP|{stamp(now)}||ORU^R01^ORU_R01|{control}|P|2.6|||NE|AL|||||{profile}",
        f"PID|||{number}^^^KAP^PI||Simulated^Patient^^^^^L",
        "PV1||O",
        f"OBR|1||{control}^KAPSIM^{eui}|182777000^monitoring of patient^SCT|||{stamp(now)}",
    ]
    shown = [(name, value, now) for name, value in values.items()]
    if cuff is not None:
        shown += [(name, value, cuff[0]) for name, value in cuff[1].items()]
    for n, (name, value, at) in enumerate(shown, start=1):
        code, channel, unit = CODES[name]
        lines.append(f"OBX|{n}|NM|{code}|{channel}|{value:g}|{unit}|||||R|||{stamp(at)}||||{eui}")
    return ("\r".join(lines) + "\r").encode()


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}.{at.microsecond // 1000:03d}+0000"


class BedsideMonitor:
    """Sends, waits for the answer, connects again when the line is lost; the newest second wins."""

    def __init__(self, host: str, port: int, device: str, number: str) -> None:
        self.host, self.port, self.device, self.number = host, port, device, number
        self.controls = count(1)
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.answers: dict[str, int] = {}

    async def send(
        self,
        now: datetime,
        values: dict[str, float],
        cuff: tuple[datetime, dict[str, float]] | None = None,
    ) -> str:
        """The acknowledgement code, or `lost` when there was none."""
        control = f"{self.device[-6:]}{next(self.controls):08d}"
        body = message(self.device, self.number, control, now, values, cuff)
        try:
            async with asyncio.timeout(ANSWER_S):  # not wait_for: before Python 3.12 it may lose a cancel
                if self.streams is None:
                    self.streams = await asyncio.open_connection(self.host, self.port)
                reader, writer = self.streams
                writer.write(START + body + END)
                await writer.drain()
                reply = await reader.readuntil(END)
            code = next(
                (line.split("|")[1] for line in reply.decode().split("\r") if line.startswith("MSA|")), "none"
            )
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            await self.close()
            code = "lost"
        self.answers[code] = self.answers.get(code, 0) + 1
        return code

    async def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None

"""One HL7 v2 message, from bytes to what it says of each device; and the answer to it. No I/O, no clock.

ORU^R01 as IHE PCD-01 has it and as real monitors send it: MDC or LOINC codes, CR, LF or CRLF, missing set
ids, times with or without zone or fraction. Names of persons are never read.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal

import hl7
from kap.events.vitals import Sample, Signal

from session_monitor import codes
from session_monitor.readings import Fault, FromDevice, Observation, device_id, plausible, printable

Answer = Literal["AA", "AE", "AR"]

# A message with 100 observations has about 3 thousand separators. Parsing takes some 5 µs for each, and the
# event loop waits meanwhile.
SEPARATORS = 20_000
WAVEFORM = 200  # separators in one OBX: samples of a waveform, which nobody here charts
UNKNOWN = 200  # unknown codes and faults told of one message


class Unreadable(Exception):
    """The message can never be read, however often it is sent (AR). `code` is of HL7 table 0357."""

    def __init__(self, text: str, code: str = "207", header: "Header | None" = None) -> None:
        super().__init__(text)
        self.code = code
        self.header = header


@dataclass(frozen=True, slots=True)
class Header:
    """What the answer repeats of the message's MSH, as it was sent."""

    separator: str = "|"
    encoding: str = "^~\\&"
    application: str = ""
    facility: str = ""
    control_id: str = ""
    trigger: str = "R01"
    version: str = "2.6"


@dataclass(frozen=True, slots=True)
class Message:
    header: Header
    devices: list[FromDevice]


# ---- reading


def read(data: bytes, zone: tzinfo, received_at: datetime) -> Message:
    """What the message says. `zone` is for times without one when the message's own time has none either.

    `received_at` settles only which of two hours is meant when clocks were put back, and stands in for the
    time of a message that has none at all. Raises `Unreadable`.
    """
    header, text = _header(data)
    try:
        segments = hl7.parse(text)
    except (hl7.ParseException, ValueError, IndexError, KeyError, AssertionError) as error:
        raise Unreadable("the message cannot be parsed", "100", header) from error
    msh = segments[0]
    kind = [_text(c) for c in _first(msh, 9)] + ["", ""]
    if kind[0].split("_")[0] != "ORU" or (kind[1] or "R01") != "R01":
        raise Unreadable(f"{printable('^'.join(kind[:2]), 20)} is not ORU^R01", "200", header)
    if not header.control_id:
        raise Unreadable("the message has no control id (MSH-10)", "101", header)
    return Message(header, _Reader(segments, header, zone, received_at).devices())


def peek(data: bytes) -> Header | None:
    """The header of a message that did not come whole, as far as there is one."""
    try:
        return _msh(_decoded(data).split("\r", 1)[0])
    except Unreadable:
        return None


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\r").replace("\n", "\r").strip(" \t\r\v\0")


def _msh(line: str) -> Header:
    if not line.startswith("MSH") or len(line) < 9:
        raise Unreadable("the message does not begin with MSH", "100")
    separator = line[3]
    encoding = line[4 : max(line.find(separator, 4), 4)]
    marks = separator + encoding
    if not 2 <= len(encoding) <= 5 or len(set(marks)) != len(marks) or any(map(_unusable, marks)):
        raise Unreadable("the separators in MSH-1 and MSH-2 cannot be used", "100")
    head = line.split(separator) + [""] * 12
    kind = head[8].split(encoding[0])
    return Header(
        separator,
        encoding,
        application=_echo(head[2]),
        facility=_echo(head[3]),
        control_id=_echo(head[9]),
        trigger=kind[1] if len(kind) > 1 and re.fullmatch(r"[A-Z][0-9]{2}", kind[1]) else "R01",
        version=head[11] if re.fullmatch(r"2(\.[0-9]){1,2}", head[11]) else "2.6",
    )


def _header(data: bytes) -> tuple[Header, str]:
    """The header, and the text as the library wants it: only the segments read here, ended by CR."""
    lines = _decoded(data).split("\r")
    header = _msh(lines[0])
    if any(line.startswith("MSH") for line in lines[1:]):
        raise Unreadable("there is more than one message in the frame", "100", header)
    marks = header.separator + header.encoding
    kept = [lines[0]] + [
        _without_waveform(line, header.separator, marks)
        for line in lines
        if line[:3] in ("PID", "OBR", "OBX")
    ]
    if sum(line.count(c) for line in kept for c in marks) > SEPARATORS:
        raise Unreadable(f"the message has more than {SEPARATORS} fields", "207", header)
    return header, "\r".join(kept)


def _unusable(character: str) -> bool:
    return character.isalnum() or character.isspace() or not character.isprintable()


def _without_waveform(line: str, separator: str, marks: str) -> str:
    if line.startswith("OBX") and sum(line.count(c) for c in marks) > WAVEFORM:
        return separator.join(line.split(separator, 5)[:5])
    return line


def _echo(field: str) -> str:
    """A field to repeat in the answer: nothing in it may end a segment or a frame."""
    return "".join(c for c in field if c.isprintable())[:199]


def _first(segment: hl7.Segment, n: int) -> list[object]:
    """The components of the field's first repetition."""
    found = _repetitions(segment, n)
    return found[0] if found else []


def _repetitions(segment: hl7.Segment, n: int) -> list[list[object]]:
    if len(segment) <= n:
        return []
    return [list(r) if isinstance(r, list) else [r] for r in segment[n]]


def _text(component: object) -> str:
    return str(component).strip()


def _component(segment: hl7.Segment, n: int, component: int = 1) -> str:
    components = _first(segment, n)
    return _text(components[component - 1]) if len(components) >= component else ""


# ---- times

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d{4})?", re.A)


class NoTime(ValueError):
    """The text is no time of day on a day."""


def time(text: str) -> datetime:
    """An HL7 time, to the minute at least; without a zone when none was sent."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise NoTime
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        moment = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
        )
        if offset is None:
            return moment
        if offset == "Z":
            return moment.replace(tzinfo=UTC)
        sign = -1 if offset[0] == "-" else 1
        shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
        if shift > timedelta(hours=14) or int(offset[3:]) > 59:
            raise NoTime
        moment = moment.replace(tzinfo=timezone(sign * shift))
        moment.astimezone(UTC)  # year 1 or 9999 may have no such moment
        return moment
    except (ValueError, OverflowError) as error:
        raise NoTime from error


def in_zone(moment: datetime, zone: tzinfo, latest: datetime) -> datetime:
    """A time without a zone in this one. Of an hour that came twice, the last that is not after `latest`."""
    if moment.tzinfo is not None:
        return moment
    try:
        candidates = sorted(
            {
                moment.replace(tzinfo=zone, fold=0).astimezone(UTC),
                moment.replace(tzinfo=zone, fold=1).astimezone(UTC),
            }
        )
    except OverflowError as error:
        raise NoTime from error
    past = [c for c in candidates if c <= latest]
    return past[-1] if past else candidates[0]


# ---- observations


@dataclass
class _Device:
    """What is gathered of one device while the message is read."""

    name: str
    charted: dict[datetime, dict[Signal, tuple[int, Sample]]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)
    missing: dict[Signal, str] = field(default_factory=dict)
    demo: bool = False

    def fault(self, fault: Fault) -> None:
        if len(self.faults) < UNKNOWN:
            self.faults.append(fault)


class _Reader:
    def __init__(self, segments: hl7.Message, header: Header, zone: tzinfo, received_at: datetime) -> None:
        self.segments = segments
        self.header = header
        self.received_at = received_at
        self.zone = zone
        self.found: dict[str, _Device] = {}
        msh = segments[0]
        self.production = _component(msh, 11) == "P"
        self.sent_at: datetime | None = None
        self.bad_time = False
        if sent := _component(msh, 7):
            try:
                moment = time(sent)
                self.zone = moment.tzinfo or zone
                self.sent_at = in_zone(moment, zone, received_at + timedelta(minutes=30))
            except NoTime:
                self.bad_time = True
        application, own, place = _component(msh, 3), _component(msh, 3, 2), _component(msh, 4)
        self.sender = device_id(own) or device_id(application, place)
        self.name = printable(application or place, 64)

    def devices(self) -> list[FromDevice]:
        numbers: set[str] = set()
        obr: hl7.Segment | None = None
        group: list[hl7.Segment] = []
        for segment in [*self.segments[1:], None]:
            kind = str(segment[0]) if segment is not None else "end"
            if kind != "OBX" and group:
                self._group(obr, group, numbers)
                group = []
            if kind == "PID" and segment is not None:
                numbers = {n for r in _repetitions(segment, 3) if r and (n := _text(r[0]))}
                obr = None
            elif kind == "OBR":
                obr = segment
            elif kind == "OBX":
                group.append(segment)
        if not self.found:  # a sign of life alone
            self._device(self.sender, self.name)
        return [self._result(id, device) for id, device in self.found.items()]

    def _device(self, id: str, name: str) -> _Device:
        if not id:
            raise Unreadable("the message names no device (OBX-18, MSH-3, MSH-4)", "101", self.header)
        if id not in self.found:
            self.found[id] = _Device(name or id, demo=not self.production)
        return self.found[id]

    def _group(self, obr: hl7.Segment | None, group: list[hl7.Segment], numbers: set[str]) -> None:
        """The OBX of one OBR: one that names no device is its system's (OBX-4), else the first named's."""
        named = [(_system(obx), *_equipment(obx)) for obx in group]
        by_system: dict[str, tuple[str, str]] = {}
        for system, id, name in named:
            if id:
                by_system.setdefault(system, (id, name))
        first = next(iter(by_system.values()), (self.sender, self.name))
        default = _component(obr, 7) if obr is not None else ""
        for obx, (system, id, name) in zip(group, named, strict=True):
            chosen = (id, name) if id else by_system.get(system, first)
            device = self._device(chosen[0], chosen[1] or self.name)
            device.numbers |= numbers
            self._observation(obx, device, default)

    def _observation(self, obx: hl7.Segment, device: _Device, default_time: str) -> None:
        flags = {_text(c).upper() for r in _repetitions(obx, 8) for c in r}
        if flags & {"DEMO", "TEST"}:
            device.demo = True
        status = _component(obx, 11).upper()
        known = self._meaning(obx, device, container=status == "X" and not _component(obx, 5))
        if known is None:
            return
        signal = known.signal
        absent = flags & {"INV", "NAV", "CAL", "BUSY"}
        if absent or status in ("X", "D", "N", "W", "I"):
            why = f"flagged {min(absent)}" if absent else f"result status {status}"
            device.missing.setdefault(signal, why)
            return
        value = self._value(obx, signal, device)
        if value is None:
            return
        try:
            at = self._time(_component(obx, 14) or default_time)
        except NoTime:
            device.fault(Fault("time not readable", signal, "the time of the observation cannot be read"))
            return
        quality: Literal["ok", "questionable"] = "questionable" if flags & {"QUES", "EARLY"} else "ok"
        channel = printable(_component(obx, 4) or _component(obx, 3), 32)
        sample = Sample(value=value, channel=channel, quality=quality)
        if not codes.possible(signal, value):
            plausible({signal: sample}, device.faults)
            return
        here = device.charted.setdefault(at, {})
        if signal not in here or known.rank < here[signal][0]:
            here[signal] = (known.rank, sample)

    def _meaning(self, obx: hl7.Segment, device: _Device, container: bool) -> codes.Meaning | None:
        """What OBX-3 means, by its own code or else its alternate one (components 4 to 6)."""
        parts = [_text(c) for c in _first(obx, 3)] + [""] * 6
        label = (printable(parts[0], 32), printable(parts[1], 64))
        try:
            known = codes.meaning(*parts[:3]) or codes.meaning(*parts[3:6])
        except codes.Disagrees:
            text = f"{label[0]} is named {label[1]}"
            device.fault(Fault("code and name differ", label[0], text))
            return None
        if known is None and not container and any(label) and len(device.unknown) < UNKNOWN:
            device.unknown.append(label)
        return known

    def _value(self, obx: hl7.Segment, signal: Signal, device: _Device) -> float | None:
        components = [_text(c) for c in _first(obx, 5)] or [""]
        if _component(obx, 2) == "SN":  # structured numeric: comparator, number, …
            if components[0] in ("", "=") and not any(components[2:]):
                components = components[1:] or [""]
        try:
            if len(components) > 1 and any(components[1:]):
                raise codes.NotANumber
            value = codes.number(components[0])
        except codes.NotANumber:
            device.fault(Fault("not a number", signal, f"{signal} was sent as something else than a number"))
            return None
        if value is None:
            device.missing.setdefault(signal, "no value was sent")
            return None
        unit = [_text(c) for c in _first(obx, 6)] + ["", ""]
        try:
            return codes.in_our_unit(signal, value, unit[0], unit[1])
        except codes.NotConvertible as error:
            device.fault(Fault("unit", signal, f"{signal}: {printable(str(error), 80)}"))
            return None

    def _time(self, text: str) -> datetime:
        if not text:
            return (self.sent_at or self.received_at).astimezone(UTC)
        latest = (self.sent_at or self.received_at) + timedelta(seconds=2)
        return in_zone(time(text), self.zone, latest).astimezone(UTC)

    def _result(self, id: str, device: _Device) -> FromDevice:
        observations = []
        for at, charted in device.charted.items():
            signals = plausible({signal: sample for signal, (_, sample) in charted.items()}, device.faults)
            if signals:
                observations.append(Observation(at, signals, printable(self.header.control_id, 64) or None))
        valued = {signal for o in observations for signal in o.signals}
        for signal, why in device.missing.items():
            if signal not in valued:
                device.fault(Fault("no value", signal, f"{signal}: {why}"))
        if self.sent_at is None:
            text = "MSH-7 cannot be read" if self.bad_time else "MSH-7 is empty"
            device.fault(Fault("no message time", "", text))
        return FromDevice(
            device_id=id,
            name=device.name,
            source="monitor",
            sent_at=self.sent_at.astimezone(UTC) if self.sent_at else None,
            observations=sorted(observations, key=lambda o: o.device_time),
            sent_id=printable(self.header.control_id, 64) or None,
            demo=device.demo,
            patient_numbers=frozenset(device.numbers),
            faults=device.faults,
            unknown=device.unknown,
        )


def _system(obx: hl7.Segment) -> str:
    """The device system that OBX-4 (MDS.VMD.channel.metric) places the observation in."""
    return _component(obx, 4).split(".")[0]


def _equipment(obx: hl7.Segment) -> tuple[str, str]:
    """The EUI-64 in OBX-18 and the name beside it; both empty when there is none."""
    for repetition in _repetitions(obx, 18):
        parts = [_text(c) for c in repetition]
        if "EUI-64" in parts[1:]:
            id = parts[parts.index("EUI-64", 1) - 1] or parts[0]
        elif re.fullmatch(r"[0-9A-Fa-f]{16}", parts[0]):
            id = parts[0]
        else:
            continue
        name = parts[1] if len(parts) > 2 and parts[1] not in ("EUI-64", id) else ""
        return device_id(id), printable(name, 64)
    return "", ""


# ---- answering


def answer(
    header: Header | None, code: Answer, text: str, *, own_id: str, now: datetime, error: str = "207"
) -> bytes:
    """The acknowledgement, in the sender's own separators: MSA-3 and, unless accepted, ERR say why."""
    head = header or Header()
    f, e = head.separator, head.encoding
    said = "".join(" " if c in f + e else c for c in printable(text, 200))
    component = e[0]
    lines = [
        f.join(
            [
                "MSH",
                e,
                "KAP",
                "",
                head.application,
                head.facility,
                f"{now.astimezone(UTC):%Y%m%d%H%M%S}+0000",
                "",
                component.join(("ACK", head.trigger, "ACK")),
                own_id,
                "P",
                head.version,
            ]
        ),
        f.join(["MSA", code, head.control_id] + ([said] if said else [])),
    ]
    if code != "AA":
        reason = component.join((error, "", "HL70357"))
        lines.append(f.join(["ERR", "", "", reason, "E", "", "", "", said]))
    return ("\r".join(lines) + "\r").encode()

"""What senders call things: MDC and LOINC codes, units, the makers' variants, and what is possible.

Sources: IEEE 11073-10101 (MDC numbers and names, as HL7's point-of-care-device and Danish core guides list
them), LOINC's vital-sign codes as FHIR R4 lists them, and messages of real monitors for the variants.
"""

import re
from dataclasses import dataclass
from typing import Literal

from kap.events.vitals import POSSIBLE, Signal

Kind = Literal["rate", "percent", "pressure", "temperature"]

KIND: dict[Signal, Kind] = {
    "heart_rate": "rate",
    "pulse_rate": "rate",
    "spo2": "percent",
    "respiratory_rate": "rate",
    "systolic": "pressure",
    "diastolic": "pressure",
    "mean_arterial": "pressure",
    "temperature": "temperature",
    "etco2": "pressure",
}


class Disagrees(Exception):
    """The number says one thing and the name another: nobody can know which is meant."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Of two codes for one signal at one time, the one of lower `rank` is charted."""

    signal: Signal
    rank: int


def _mdc() -> dict[str, tuple[Meaning, frozenset[str]]]:
    table: list[tuple[int, Signal, int, str]] = [
        (147842, "heart_rate", 0, "MDC_ECG_HEART_RATE MDC_ECG_CARD_BEAT_RATE"),  # the latter: Philips
        (149530, "pulse_rate", 0, "MDC_PULS_OXIM_PULS_RATE"),
        (149514, "pulse_rate", 1, "MDC_PULS_RATE"),
        (149522, "pulse_rate", 1, "MDC_BLD_PULS_RATE_INV MDC_PULS_RATE"),  # the latter: Comen, for any pulse
        (149546, "pulse_rate", 2, "MDC_PULS_RATE_NON_INV"),  # the cuff's
        (150456, "spo2", 0, "MDC_PULS_OXIM_SAT_O2"),
        (151594, "respiratory_rate", 0, "MDC_CO2_RESP_RATE MDC_RESP_RATE_CO2"),
        (151578, "respiratory_rate", 1, "MDC_TTHOR_RESP_RATE"),
        (151562, "respiratory_rate", 2, "MDC_RESP_RATE"),
        (151570, "respiratory_rate", 2, "MDC_AWAY_RESP_RATE"),
        (151650, "respiratory_rate", 3, "MDC_ACOUSTIC_RESP_RATE"),
        (151658, "respiratory_rate", 4, "MDC_PULS_OXIM_PLETH_RESP_RATE"),
        (150021, "systolic", 0, "MDC_PRESS_BLD_NONINV_SYS"),
        (150022, "diastolic", 0, "MDC_PRESS_BLD_NONINV_DIA"),
        (150023, "mean_arterial", 0, "MDC_PRESS_BLD_NONINV_MEAN"),
        (150301, "systolic", 1, "MDC_PRESS_CUFF_SYS"),
        (150302, "diastolic", 1, "MDC_PRESS_CUFF_DIA"),
        (150303, "mean_arterial", 1, "MDC_PRESS_CUFF_MEAN"),
        # Blood pressure of no stated kind; Comen sends its cuff with these numbers and the cuff's names
        (150017, "systolic", 2, "MDC_PRESS_BLD_SYS MDC_PRESS_BLD_NONINV_SYS"),
        (150018, "diastolic", 2, "MDC_PRESS_BLD_DIA MDC_PRESS_BLD_NONINV_DIA"),
        (150019, "mean_arterial", 2, "MDC_PRESS_BLD_MEAN MDC_PRESS_BLD_NONINV_MEAN"),
        (150368, "temperature", 0, "MDC_TEMP_CORE"),
        (150364, "temperature", 1, "MDC_TEMP_BODY"),
        (150344, "temperature", 2, "MDC_TEMP"),
        (150392, "temperature", 3, "MDC_TEMP_TYMP"),
        (188420, "temperature", 3, "MDC_TEMP_RECT"),
        (188424, "temperature", 3, "MDC_TEMP_ORAL"),
        (188428, "temperature", 3, "MDC_TEMP_EAR"),
        (188452, "temperature", 4, "MDC_TEMP_AXILLA"),
        (188496, "temperature", 4, "MDC_TEMP_AXIL MDC_TEMP_AXILLA"),
        (151708, "etco2", 0, "MDC_AWAY_CO2_ET MDC_CONC_AWAY_CO2_ET"),
    ]
    return {str(n): (Meaning(signal, rank), frozenset(names.split())) for n, signal, rank, names in table}


MDC = _mdc()
# A sender may give the name alone. The first number in the table that has it as its own says what it means.
MDC_NAMES = {name: MDC[number][0] for number in reversed(MDC) for name in MDC[number][1]}

LOINC: dict[str, Meaning] = {
    "8867-4": Meaning("heart_rate", 1),
    "76282-3": Meaning("heart_rate", 0),  # beat to beat, ECG
    "8889-8": Meaning("pulse_rate", 0),  # by pulse oximetry
    "59408-5": Meaning("spo2", 0),  # by pulse oximetry
    "2708-6": Meaning("spo2", 1),
    "9279-1": Meaning("respiratory_rate", 2),
    "76534-7": Meaning("systolic", 0),  # non-invasive
    "76535-4": Meaning("diastolic", 0),
    "76536-2": Meaning("mean_arterial", 0),
    "8480-6": Meaning("systolic", 1),
    "8462-4": Meaning("diastolic", 1),
    "8478-0": Meaning("mean_arterial", 1),
    "8310-5": Meaning("temperature", 1),
    "8329-5": Meaning("temperature", 0),  # core
    "8331-1": Meaning("temperature", 3),  # oral
    "8332-9": Meaning("temperature", 3),  # rectal
    "8333-7": Meaning("temperature", 3),  # tympanic
    "8328-7": Meaning("temperature", 4),  # axillary
    "19891-1": Meaning("etco2", 0),
}

# LOINC's texts are free: a name disagrees when it says another signal's word and none of its own.
_WORDS: dict[Signal, re.Pattern[str]] = {
    "heart_rate": re.compile(r"heart|puls|cardiac|\bhr\b|\bpr\b|ecg|ekg", re.I),
    "pulse_rate": re.compile(r"heart|puls|\bhr\b|\bpr\b", re.I),
    "spo2": re.compile(r"o2|oxygen|oxim|satur", re.I),
    "respiratory_rate": re.compile(r"resp|breath|\brr\b", re.I),
    "systolic": re.compile(r"sys|\bsbp\b", re.I),
    "diastolic": re.compile(r"dia|\bdbp\b", re.I),
    "mean_arterial": re.compile(r"mean|\bmap\b|\bmbp\b", re.I),
    "temperature": re.compile(r"temp", re.I),
    "etco2": re.compile(r"co2|carbon", re.I),
}


def meaning(code: str, name: str, system: str) -> Meaning | None:
    """What the sender's code means here; None when it is not known. Raises `Disagrees`."""
    system = system.upper()
    name = name.strip()
    if system in ("LN", "LOINC", "LNC") or (not system and re.fullmatch(r"[0-9]{3,5}-[0-9]", code)):
        return _loinc(code, name)
    if system not in ("", "MDC", "ISO/IEEE 11073", "11073"):
        return None
    if code.startswith("MDC_"):  # name first, or alone
        code, name = name, code
    upper = name.upper()
    if not code:
        return MDC_NAMES.get(upper)
    entry = MDC.get(code)
    if entry is not None and (not name or upper in entry[1]):
        return entry[0]
    if entry is not None or upper in MDC_NAMES:
        raise Disagrees
    return None


def _loinc(code: str, name: str) -> Meaning | None:
    found = LOINC.get(code)
    if found is None or not name or _WORDS[found.signal].search(name):
        return found
    if any(word.search(name) for word in _WORDS.values()):
        raise Disagrees
    return found


# unit → the signals it fits, factor, offset: value in our unit = (value − offset) × factor
Unit = tuple[Kind, float, float]
_RATE: Unit = ("rate", 1, 0)
_PERCENT: Unit = ("percent", 1, 0)
_MMHG: Unit = ("pressure", 1, 0)
_KPA: Unit = ("pressure", 7.50062, 0)
_CEL: Unit = ("temperature", 1, 0)
_FAHR: Unit = ("temperature", 5 / 9, 32)

MDC_UNITS: dict[str, tuple[Unit, frozenset[str]]] = {
    "264864": (_RATE, frozenset({"MDC_DIM_BEAT_PER_MIN"})),
    "264896": (_RATE, frozenset({"MDC_DIM_PULS_PER_MIN"})),
    "264928": (_RATE, frozenset({"MDC_DIM_RESP_PER_MIN"})),
    "262688": (_PERCENT, frozenset({"MDC_DIM_PERCENT"})),
    "266016": (_MMHG, frozenset({"MDC_DIM_MMHG"})),
    "265987": (_KPA, frozenset({"MDC_DIM_KILO_PASCAL"})),
    "268192": (_CEL, frozenset({"MDC_DIM_DEGC", "MDC_DIM_DEG_C"})),
    "266560": (_FAHR, frozenset({"MDC_DIM_FAHR", "MDC_DIM_DEGF"})),
    "268160": (_FAHR, frozenset({"MDC_DIM_FAHR"})),  # Comen's number for °F
}
MDC_UNIT_NAMES = {name: unit for unit, names in MDC_UNITS.values() for name in names}

TEXT_UNITS: dict[str, Unit] = {
    "bpm": _RATE,
    "/min": _RATE,
    "1/min": _RATE,
    "{beats}/min": _RATE,
    "{breaths}/min": _RATE,
    "beats/min": _RATE,
    "beats/minute": _RATE,
    "breaths/min": _RATE,
    "breaths/minute": _RATE,
    "rpm": _RATE,
    "brpm": _RATE,
    "%": _PERCENT,
    "percent": _PERCENT,
    "mmhg": _MMHG,
    "mm[hg]": _MMHG,
    "kpa": _KPA,
    "cel": _CEL,
    "degc": _CEL,
    "c": _CEL,
    "°c": _CEL,
    "degf": _FAHR,
    "[degf]": _FAHR,
    "f": _FAHR,
    "°f": _FAHR,
}


class NotConvertible(Exception):
    """The unit is unknown, contradicts itself or does not fit. The message says which, without the value."""


def in_our_unit(signal: Signal, value: float, code: str, name: str) -> float:
    """The value in the signal's own unit. A rate or a percentage needs no unit; anything else does."""
    unit = _unit(code.strip(), name.strip(), KIND[signal])
    if unit[0] != KIND[signal]:
        raise NotConvertible(f"unit {(name or code)[:32]} does not fit")
    _, factor, offset = unit
    return value if factor == 1 and not offset else round((value - offset) * factor, 2)


def _unit(code: str, name: str, kind: Kind) -> Unit:
    if not code and not name:
        if kind == "rate":
            return _RATE
        if kind == "percent":
            return _PERCENT
        raise NotConvertible("no unit")
    entry = MDC_UNITS.get(code)
    if entry is not None:
        if name and name.upper() not in entry[1]:
            raise NotConvertible(f"unit {code[:16]} is named {name[:32]}")
        return entry[0]
    if not code or code.upper() == name.upper() or code.startswith("MDC_"):
        found = MDC_UNIT_NAMES.get((name or code).upper()) or MDC_UNIT_NAMES.get(code.upper())
        if found is not None:
            return found
    if name.upper() in MDC_UNIT_NAMES:  # a known name with a number that is not its own
        raise NotConvertible(f"unit {code[:16]} is named {name[:32]}")
    text = TEXT_UNITS.get(code.casefold()) or TEXT_UNITS.get(name.casefold() if not code else "")
    if text is None:
        raise NotConvertible(f"unit {(code or name)[:32]} is not known")
    return text


_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})", re.A)
# 8388607 is "not a number" in IEEE 11073 floats; beside it are infinity and "not at this resolution"
_SENTINELS = frozenset({-999.0, -100.0, -99.9, 8388607.0, 8388606.0, 8388608.0, -8388608.0, -8388606.0})
_ABSENT = re.compile(r"[-–—?*. ]*|n/?a|nan|null|none|off|\"\"", re.I)


class NotANumber(Exception):
    """The value is neither a number nor a known way to say that there is none."""


def number(text: str) -> float | None:
    """The number that was sent; None for every way of sending no value."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        return None if value in _SENTINELS else value
    if _ABSENT.fullmatch(text):
        return None
    raise NotANumber


def possible(signal: Signal, value: float) -> bool:
    low, high = POSSIBLE[signal]
    return low <= value <= high

"""NEWS2, the National Early Warning Score of the Royal College of Physicians, 2017.

    points               3      2      1       0          1       2       3
    RR /min              ≤8            9–11    12–20              21–24   ≥25
    SpO2 scale 1 %       ≤91    92–93  94–95   ≥96
    SpO2 scale 2 %       ≤83    84–85  86–87   88–92      93–94   95–96   ≥97
                                               ≥93 air    on O2   on O2   on O2
    air or oxygen               O2             air
    systolic mm[Hg]      ≤90    91–100 101–110 111–219                    ≥220
    pulse /min           ≤40           41–50   51–90      91–110  111–130 ≥131
    consciousness                              A                          C V P U
    temperature Cel      ≤35.0         35.1–   36.1–      38.1–   ≥39.1
                                       36.0    38.0       39.0

    total 0–4 low; any one part 3, total under 5: low-medium; 5–6 medium; ≥7 high

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017, free to reproduce
with acknowledgement; scale 2 also at https://thorax.bmj.com/highwire/markup/192780/expansion, the bands at
https://www.rcpjournals.org/highwire/markup/14242/expansion. Scale 2 is for hypercapnic respiratory failure
alone (target 88–92 %), chosen by a prescriber.

[D] proposed default, to be signed off by the clinic: values are rounded half up before they are looked up,
temperature to one decimal, all others to whole numbers, since the table has no row between its steps.

NEWS2 is shown and never an alarm: whoever is dissociated scores 3 for consciousness, and a systolic
pressure under 220 scores nothing, which is ketamine's commonest risk.
"""

from decimal import ROUND_HALF_UP, Decimal
from math import inf
from typing import Literal

from pydantic import Field

from kap.scores.result import Given, Score, Whole, added, measured

Steps = tuple[tuple[float, int], ...]  # the highest value of each step, and its points

RESPIRATORY_RATE: Steps = ((8, 3), (11, 1), (20, 0), (24, 2), (inf, 3))
SPO2_SCALE_1: Steps = ((91, 3), (93, 2), (95, 1), (inf, 0))
SPO2_SCALE_2_ON_AIR: Steps = ((83, 3), (85, 2), (87, 1), (inf, 0))
SPO2_SCALE_2_ON_OXYGEN: Steps = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (inf, 3))
SYSTOLIC: Steps = ((90, 3), (100, 2), (110, 1), (219, 0), (inf, 3))
HEART_RATE: Steps = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (inf, 3))
TEMPERATURE: Steps = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (inf, 2))


class Parameters(Given):
    """What NEWS2 is made of; the ranges are what can be measured in a person."""

    respiratory_rate: float | None = measured(0, 80, "breaths a minute")
    spo2: float | None = measured(0, 100, "%")
    spo2_scale: Whole | None = Field(
        default=None,
        ge=1,
        le=2,
        description="1, or 2 where a prescriber chose it for hypercapnic respiratory failure",
    )
    on_oxygen: bool | None = Field(default=None, description="true or false")
    systolic: float | None = measured(0, 300, "mmHg")
    heart_rate: float | None = measured(0, 300, "beats a minute")
    consciousness: Literal["A", "C", "V", "P", "U"] | None = Field(
        default=None,
        description="A (alert), C (new confusion), V (responds to voice), P (to pain) or U (unresponsive)",
    )
    temperature: float | None = measured(20, 45, "°C")


def score(given: Parameters) -> Score:
    parts: dict[str, int] = {}
    if given.respiratory_rate is not None:
        parts["respiratory_rate"] = points(half_up(given.respiratory_rate), RESPIRATORY_RATE)
    steps = spo2_steps(given.spo2_scale, given.on_oxygen)
    if given.spo2 is not None and steps is not None:
        parts["spo2"] = points(half_up(given.spo2), steps)
    if given.on_oxygen is not None:
        parts["on_oxygen"] = 2 if given.on_oxygen else 0
    if given.systolic is not None:
        parts["systolic"] = points(half_up(given.systolic), SYSTOLIC)
    if given.heart_rate is not None:
        parts["heart_rate"] = points(half_up(given.heart_rate), HEART_RATE)
    if given.consciousness is not None:
        parts["consciousness"] = 0 if given.consciousness == "A" else 3
    if given.temperature is not None:
        parts["temperature"] = points(half_up(given.temperature, "0.1"), TEMPERATURE)
    return added(parts, given.missing(), lambda total: band(total, 3 in parts.values()))


def band(total: int, single_three: bool) -> str:
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    return "low-medium" if single_three else "low"


def spo2_steps(scale: int | None, on_oxygen: bool | None) -> Steps | None:
    """The saturation's row; None where what chooses it is missing."""
    match scale, on_oxygen:
        case 1, _:
            return SPO2_SCALE_1
        case 2, True:
            return SPO2_SCALE_2_ON_OXYGEN
        case 2, False:
            return SPO2_SCALE_2_ON_AIR
    return None


def points(value: float, steps: Steps) -> int:
    return next(points for highest, points in steps if value <= highest)


def half_up(value: float, to: str = "1") -> float:
    """Rounded as people round: by the decimal digits shown, not by the nearest binary fraction."""
    return float(Decimal(repr(value)).quantize(Decimal(to), ROUND_HALF_UP))

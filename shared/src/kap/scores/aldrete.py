"""The modified Aldrete score: recovery after sedation, five judgements.

                    2                          1                               0
    activity        moves four limbs           two limbs                       none
    respiration     breathes deeply, coughs    dyspnoea or limited breathing   apnoea
    circulation     within ±20 of pre-dose     ±20 to 50                       beyond ±50
    consciousness   fully awake                arousable to voice              not responding
    SpO2            over 92 % on room air      needs O2 to keep over 90 %      under 90 % with O2

    total 0–10; discharge at 9 or more

Source: http://wjgnet.com/1007-9327/full/v21/i12/3671-T2.htm (after Aldrete, J Clin Anesth 1995;7:89–91).
Circulation is the pressure's change in mm[Hg] in this source, in % in the original of 1970: the person who
judges goes by the clinic's own rule. It is one point of KAP's discharge gate, never the whole of it.
"""

from kap.scores.result import Given, Score, Whole, added, judged

DISCHARGE = 9


class Judgements(Given):
    """Each point as judged; `spo2` too is the points, not the saturation."""

    activity: Whole | None = judged(2, "2 moves four limbs, 1 two, 0 none")
    respiration: Whole | None = judged(2, "2 breathes deeply and coughs, 1 dyspnoea or limited, 0 apnoea")
    circulation: Whole | None = judged(2, "2 pressure within ±20 of pre-dose, 1 ±20 to 50, 0 beyond ±50")
    consciousness: Whole | None = judged(2, "2 fully awake, 1 arousable to voice, 0 not responding")
    spo2: Whole | None = judged(
        2, "2 over 92 % on air, 1 needs oxygen to keep over 90 %, 0 under 90 % with it"
    )


def score(given: Judgements) -> Score:
    return added(given.present(), given.missing(), band)


def band(total: int) -> str:
    return "discharge criterion met" if total >= DISCHARGE else "discharge criterion not met"

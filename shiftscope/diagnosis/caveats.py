"""What lowers the confidence in a diagnosis, in sentences."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis.verdicts import Limits, Verdict
from shiftscope.measures import AXES
from shiftscope.profiles import Profile

__all__ = ["caveats"]

UNLIKE = 10.0  # times the variance within another site
_COMPARED = 4  # leading coordinates, which every site has


def caveats(profiles: Sequence[Profile], verdicts: Sequence[Verdict], limits: Limits) -> list[str]:
    """Sentences, the sites that are left out first."""
    out = []
    for profile in profiles:
        needed = limits.needed(profile.patient_source)
        if profile.patients < needed:
            assumed = ", each file counted as one" if profile.patient_source == "file" else ""
            out.append(
                f"'{profile.site}' is left out: {needed} patients are needed, it has {profile.patients}{assumed}"
            )
        elif profile.patients < limits.comfortable:
            out.append(
                f"'{profile.site}' has {profile.patients} patients, fewer than {limits.comfortable}: low confidence"
            )
    guessed = [
        profile.site
        for profile in profiles
        if profile.patient_source == "file" and profile.patients >= limits.needed(profile.patient_source)
    ]
    if guessed:
        sites = ", ".join(f"'{site}'" for site in guessed)
        out.append(
            f"each file counts as a patient at {sites}: several images of one person make the intervals too narrow"
        )
    blind = sum(
        verdict.axes["structure"].axis == "layout" and not verdict.axes["annotation"].axis for verdict in verdicts
    )
    if blind:
        out.append(
            f"{blind} of {len(verdicts)} pairs have no masks at both sites: structure is judged from the layout of the"
            " images alone; lesions do not show, and larger ones may pass for another appearance"
        )
    out.extend(_unlike([profile for profile in profiles if profile.patients >= limits.needed(profile.patient_source)]))
    return out


def _unlike(profiles: Sequence[Profile]) -> list[str]:
    """Sites that vary so differently within that one unit does not do for both."""
    widest = []
    for axis, known in AXES.items():
        spreads = [
            (float(np.trace(sketch.moments.leading(_COMPARED).cov)), profile.site)
            for profile in profiles
            if known.question != "features" and (sketch := profile.sketches.get(axis)) is not None
        ]
        if len(spreads) > 2 and max(spreads)[0] > UNLIKE * min(spreads)[0]:
            widest.append((max(spreads)[0] / max(min(spreads)[0], 1e-9), axis, max(spreads)[1], min(spreads)[1]))
    if not widest:
        return []
    ratio, axis, most, least = max(widest)
    return [
        f"patients of '{most}' vary {ratio:.0f} times as much as those of '{least}' (variance of {axis}): effects are"
        " told in their mean spread, which can hide shifts between the others; compare those without it too"
    ]

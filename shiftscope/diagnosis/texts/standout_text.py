"""Sites that stand out from all others, and sites that cannot be held against others, in sentences.

The limits are larger than at any honest site that was measured, but for one (docs/diagnosis.md).
"""

from collections.abc import Mapping, Sequence

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures import AXES
from shiftscope.measures.plain_names import plain_name
from shiftscope.profiles import Profile
from shiftscope.shifts import UNLIKE, Influence, Outlyingness

__all__ = ["standouts", "unchecked"]

CHANGED = 2.0  # times that the effect between two others is larger, or smaller, because a site is there
DISTANT = 150.0  # effect between a site and the nearest other: twelve deviations


def standouts(outlyingness: Mapping[str, Sequence[Outlyingness]]) -> list[str]:
    """A sentence for each site that stands out, and for each that has more patients than count.

    Args:
        outlyingness: site -> how far it lies from all others, on every axis where it has two of them.
    """
    out = []
    for site, found in outlyingness.items():
        if not found:
            continue
        reasons = [*_varied(found), *_changed(found), *_distant(found)]
        if reasons:
            out.append(
                f"'{site}' stands out from all other sites: {'; '.join(reasons)}. Look at its profile: another scanner"
                " can do this, a wrong export or other images would; compare the others without it too"
            )
        largest = max(found, key=lambda one: one.n / max(one.counted, 1))
        if largest.n > largest.counted:
            out.append(
                f"'{site}' has {largest.n} patients, far more than the others: effects are computed as if it had"
                f" {largest.counted}, so that it does not outweigh them"
            )
    return out


def _varied(found: Sequence[Outlyingness]) -> list[str]:
    most = max(found, key=lambda one: one.spread)
    least = min(found, key=lambda one: one.spread)
    unlike = [one for one in (most, least) if max(one.spread, 1 / one.spread) > UNLIKE]
    return [
        f"its patients vary {number(one.spread)} times as much as at the most similar site (variance of"
        f" {plain_name(one.axis)})"
        for one in unlike
    ]


def _changed(found: Sequence[Outlyingness]) -> list[str]:
    known: list[tuple[Influence, str]] = [(one.influence, one.axis) for one in found if one.influence is not None]
    if not known:
        return []
    largest, axis = max(known, key=lambda item: item[0].factor)
    if largest.factor < CHANGED:
        return []
    one, two = largest.pair
    return [
        f"because of its patients' spread the effect between '{one}' and '{two}' is {number(largest.among)},"
        f" without them it would be {number(largest.without)} ({plain_name(axis)})"
    ]


def _distant(found: Sequence[Outlyingness]) -> list[str]:
    farthest = max(found, key=lambda one: one.distance)
    if farthest.distance <= DISTANT:
        return []
    distance = number(farthest.distance)
    return [
        f"the nearest other site, '{farthest.nearest}', lies at an effect of {distance} ({plain_name(farthest.axis)})"
    ]


def unchecked(profiles: Sequence[Profile], called: str = "sites") -> list[str]:
    """What only two of the sites that are compared have: there neither can be held against others."""
    if len(profiles) == 2:
        return [
            f"with two {called} neither can be checked against others: the numbers of each are believed as they are"
        ]
    of_two: dict[str, list[str]] = {}
    for axis, known in AXES.items():
        having = [profile.site for profile in profiles if profile.sketches.get(axis) is not None]
        if known.question != "features" and len(having) == 2:
            of_two.setdefault(f"'{having[0]}' and '{having[1]}'", []).append(axis)
    return [
        f"only {pair} have {', '.join(axes)}: there neither can be checked against others"
        for pair, axes in of_two.items()
    ]

"""Which slices of several volumes in one place make the first of them: time points, phases, echoes, gradients, kernels.

Slices that lie in one place belong to different volumes. What distinguishes the volumes is looked for mark by mark, in
the order in which the standard makes it dependable: the number of the acquisition, the place in a temporal series, echo
and gradient, the kind of image, times, and last the number of the image. Where no mark parts them, nobody knows.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np

__all__ = ["MARKS", "TagValues", "first_volume", "steps_between"]

MARKS = (
    *("acquisition", "temporal position", "echo", "b-value", "inversion", "cardiac phase", "trigger"),
    *("image type", "kernel", "reference", "acquired", "made"),
)
"""What may distinguish volumes, in the order it is tried; "number", the number of the image, is tried last."""

TagValues = Callable[[str], Sequence[float | str | None]]
"""A mark -> its value for each slice, None where the slice does not say."""

_SAME_PLACE_MM = 0.01
_UNEVEN = 0.1
"""Steps that differ by this share of the usual one are not even."""
_FEWEST = 3
"""The fewest slices of a volume that is distinguished from another without lying in the same places."""
_OF_A_VOLUME = ("temporal position", "echo", "b-value", "image type", "kernel")
"""Marks that do not change within a volume, even where all slices together are evenly spaced."""


def first_volume(depths: Sequence[float], values_of: TagValues) -> list[int] | None:
    """Choose one slice in each place.

    Args:
        depths: of each slice along the normal, in millimetres.
        values_of: gives each mark of the slices.

    Returns:
        Indices of the slices, by depth; fewer than were given where several volumes lie there. None where nothing says
        which slices belong together.
    """
    places = _places(depths)
    if len(set(places)) == len(places):
        return sorted(_interleaved(depths, values_of), key=lambda n: (depths[n], n))
    for values in _tried(values_of):
        chosen = _parted(places, values)
        if chosen is not None:
            return sorted(chosen, key=lambda n: (depths[n], n))
        inner = _with_the_lowest(places, values)
        if inner is not None:
            found = first_volume([depths[n] for n in inner], _of(inner, values_of))
            return None if found is None else [inner[n] for n in found]
    return None


def steps_between(depths: Sequence[float] | np.ndarray) -> np.ndarray:
    """Distances of neighbouring slices, (n - 1,) millimetres."""
    return np.diff(np.sort(np.asarray(depths, np.float64)))


def _places(depths: Sequence[float]) -> list[int]:
    """The rank of each slice's place: slices at one depth share it."""
    order = sorted(range(len(depths)), key=lambda n: depths[n])
    places, place = [0] * len(depths), 0
    for before, n in pairwise(order):
        place += depths[n] - depths[before] > _SAME_PLACE_MM
        places[n] = place
    return places


def _tried(values_of: TagValues) -> Iterator[Sequence[Hashable]]:
    """Marks one by one, then all labels together (an echo of a time point), then the image's number."""
    labels = []
    for mark in MARKS:
        values = values_of(mark)
        if None not in values:
            yield values
            if len(set(values)) <= len(values) // 2:
                labels.append(values)
    if len(labels) > 1:
        yield [tuple(each) for each in zip(*labels, strict=True)]
    yield values_of("number")


def _parted(places: Sequence[int], values: Sequence[Hashable]) -> list[int] | None:
    """The first volume by one mark; None where the mark does not part the slices of any place."""
    everywhere = len(set(places))
    volumes: dict[Hashable, list[int]] = defaultdict(list)
    for n, value in enumerate(values):
        volumes[value].append(n)
    groups = list(volumes.values())
    if all(len({places[n] for n in group}) == len(group) for group in groups):
        most = max(map(len, groups))
        if 2 * most > everywhere:  # values of their own for each slice say nothing of volumes
            return min((group for group in groups if len(group) == most), key=lambda group: _rank(values[group[0]]))
    if any(isinstance(value, str | tuple) for value in values):
        return None
    return _ranked(places, values, everywhere) or _counted_off(places, values, everywhere)


def _of(slices: Sequence[int], values_of: TagValues) -> TagValues:
    """The same marks, of some of the slices."""

    def some(mark: str) -> list[float | str | None]:
        values = values_of(mark)
        return [values[n] for n in slices]

    return some


def _with_the_lowest(places: Sequence[int], values: Sequence[Hashable]) -> list[int] | None:
    """The slices with the lowest number, where they lie in all places and are not all: the unweighted volumes of a
    diffusion series, which has many gradients of one b-value."""
    if any(not isinstance(value, int | float) for value in values):
        return None
    lowest = min(values, key=_rank)
    inner = [n for n, value in enumerate(values) if value == lowest]
    everywhere = {places[n] for n in inner} == set(places)
    return inner if everywhere and len(inner) < len(values) else None


def _ranked(places: Sequence[int], values: Sequence[Hashable], everywhere: int) -> list[int] | None:
    """The lowest value in each place, where all places have equally many slices and no two of them the same value."""
    if len(set(Counter(places).values())) > 1 or len(set(zip(places, values, strict=True))) < len(places):
        return None
    order = sorted(range(len(places)), key=lambda n: _rank(values[n]))
    lowest = {places[n]: n for n in reversed(order)}
    return list(lowest.values()) if len(lowest) == everywhere else None


def _counted_off(places: Sequence[int], values: Sequence[Hashable], everywhere: int) -> list[int] | None:
    """The first run through all places in the order of the values: a series whose last volume was broken off."""
    if len(set(values)) < len(values):
        return None
    run: dict[int, int] = {}
    for n in sorted(range(len(places)), key=lambda n: _rank(values[n])):
        if places[n] in run:
            break
        run[places[n]] = n
    return list(run.values()) if len(run) == everywhere else None


def _interleaved(depths: Sequence[float], values_of: TagValues) -> list[int]:
    """The first of several volumes whose slices lie between one another's: each even, although all together are not."""
    even = _even(depths)
    for mark in _OF_A_VOLUME if even else MARKS:
        values = values_of(mark)
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for n, value in enumerate(values):
            groups[value].append(n)
        several = len(groups) > 1 and all(len(group) >= _FEWEST for group in groups.values())
        if several and all(_even([depths[n] for n in group]) for group in groups.values()) and _overlap(depths, groups):
            return groups[min(groups, key=_rank)]
    return list(range(len(depths)))


def _even(depths: Sequence[float]) -> bool:
    steps = steps_between(depths)
    return bool(len(steps) < 2 or steps.max() - steps.min() <= _UNEVEN * float(np.median(steps)))


def _overlap(depths: Sequence[float], groups: Mapping[Hashable, Sequence[int]]) -> bool:
    """Whether the groups lie in the same part of the body, rather than one after another."""
    lows = [min(depths[n] for n in group) for group in groups.values()]
    highs = [max(depths[n] for n in group) for group in groups.values()]
    return max(lows) < min(highs)


def _rank(value: Hashable) -> tuple[float, ...]:
    """Numbers in their order; texts have none, and the first that is met stands."""
    if isinstance(value, tuple):
        return tuple(part for each in value for part in _rank(each))
    return (float(value),) if isinstance(value, int | float) else (0.0,)

"""Months of one site as one profile, for sentences about them: means and counts add up, cells where they agree."""

from collections.abc import Mapping, Sequence
from functools import reduce
from math import sqrt

import numpy as np

from shiftscope.profiles import Profile
from shiftscope.profiles.profile_document import Count, Summary
from shiftscope.shifts.label_counts import LabelCounts

__all__ = ["together"]

_TIME = "month"
"""The tag that differs between any two blocks of a series."""


def together(name: str, profiles: Sequence[Profile], labels: LabelCounts) -> Profile:
    """The profiles under one name, for sentences about them; not to be compared.

    Args:
        name: how sentences call them.
        profiles: one at least, with no patient in common.
        labels: of all their patients; a count that is not known becomes a range.
    """
    measures = dict.fromkeys(measure for profile in profiles for measure in profile.measures)
    tags = sorted({tag for profile in profiles for tag in profile.acquisition} - {_TIME})
    return profiles[0].model_copy(
        update={
            "site": name,
            "patients": sum(profile.patients for profile in profiles),
            "labelled": labels.total,
            "labels": {label: _count(low, labels.high[label]) for label, low in labels.low.items()},
            "acquisition": {tag: _tag([profile.acquisition.get(tag, {}) for profile in profiles]) for tag in tags},
            "measures": {
                measure: reduce(_merged, (one.measures[measure] for one in profiles if measure in one.measures))
                for measure in measures
            },
        }
    )


def _count(low: int, high: int) -> Count:
    return low if low == high else f"{low} to {high}"


def _tag(profiles: Sequence[Mapping[str, Count]]) -> dict[str, Count]:
    """Patients by value; hidden in all where it is hidden in one."""
    out: dict[str, Count] = {}
    for value in sorted({value for counts in profiles for value in counts}):
        found = [counts[value] for counts in profiles if value in counts]
        known = [count for count in found if isinstance(count, int)]
        out[value] = sum(known) if len(known) == len(found) else "hidden"
    return out


def _merged(one: Summary, other: Summary) -> Summary:
    """Exact: cells of both are runs of cells of one public grid, so edges that both have divide all patients."""
    n = one.n + other.n
    mean = (one.n * one.mean + other.n * other.mean) / n
    squares = sum((item.n - 1) * item.sd**2 + item.n * (item.mean - mean) ** 2 for item in (one, other))
    edges = np.array([edge for edge in one.edges if np.any(np.isclose(edge, other.edges, atol=0.0, rtol=1e-5))])
    counts = np.sum([np.histogram(_middles(item), edges, weights=item.counts)[0] for item in (one, other)], axis=0)
    return Summary(
        unit=one.unit,
        n=n,
        mean=mean,
        sd=sqrt(squares / max(n - 1, 1)),
        edges=tuple(edges.tolist()),
        counts=tuple(int(count) for count in counts),
    )


def _middles(item: Summary) -> np.ndarray:
    edges = np.array(item.edges)
    return np.asarray((edges[1:] + edges[:-1]) / 2)

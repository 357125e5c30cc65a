"""`watch`: a site's months against its baseline."""

from collections.abc import Iterable
from pathlib import Path

from shiftscope.api.documents import AnyPath, profile_of
from shiftscope.profiles import Profile
from shiftscope.series import Watch
from shiftscope.series import watch as watch_series

__all__ = ["watch"]

_SUFFIX = ".profile.json"

Labelled = tuple[str, Profile]
"""A month's label and its profile."""


def watch(baseline: Labelled | AnyPath, months: Iterable[Labelled | AnyPath], *, alpha: float = 0.05) -> Watch:
    """What changed at a site, since when, and what to do; limits hold over any number of analyses.

    Args:
        baseline: label and profile of what the site was like, or the profile's path, whose name is the label.
        months: the same for its profiles since, the oldest first; no patient is in two of them.
        alpha: chance of any false alarm, over all months and axes.

    Raises:
        ProfileError: a file that is no profile, or months that make no series.
        NotComparable: profiles measured in different ways.
    """
    first, *rest = (_labelled(item) for item in (baseline, *months))
    return watch_series(first, rest, alpha)


def _labelled(item: Labelled | AnyPath) -> Labelled:
    if isinstance(item, tuple):
        return item
    name = Path(item).name
    return (name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else Path(item).stem), profile_of(item)

"""`watch`: a site's months against its baseline."""

from collections.abc import Iterable

from shiftscope.api.documents import AnyPath, profile_of
from shiftscope.errors import UsageError
from shiftscope.option_values import as_list, as_number, as_path
from shiftscope.profiles import Profile
from shiftscope.series import Watch
from shiftscope.series import watch as watch_series

__all__ = ["watch"]

_SUFFIX = ".profile.json"

Labelled = tuple[str, Profile | AnyPath]
"""A month's label, and its profile or the profile's path."""


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
    first, *rest = (_labelled(item) for item in (baseline, *as_list("months", months)))
    return watch_series(first, rest, as_number("alpha", alpha, 0.0001, 0.5))


def _labelled(item: Labelled | AnyPath) -> tuple[str, Profile]:
    if isinstance(item, tuple):
        label, source = item
        return label, profile_of(source)
    if isinstance(item, Profile):
        raise UsageError("watch: a profile alone has no label; give (label, profile), such as ('2026-01', profile)")
    path = as_path("a month", item)
    return (path.name.removesuffix(_SUFFIX) if path.name.endswith(_SUFFIX) else path.stem), profile_of(path)

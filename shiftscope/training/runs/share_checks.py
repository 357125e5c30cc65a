"""Whether statistics of harmonizers can be what they are called: a site's share, and what shares were made into."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from shiftscope.disclosure.array_rules import SHARED
from shiftscope.errors import EngineError
from shiftscope.harmonizers import Statistics
from shiftscope.printable_text import shown

__all__ = ["alike", "require_quantiles", "require_share"]

_QUANTILE_FUNCTIONS = ("quantiles", "filtered")
"""Statistics that are quantile functions, a row for each channel."""

_LEAST: Mapping[str, float] = {"patients": 1, "squares": 0, "sd": 0}
"""Statistics that no site has less of."""

_LARGEST = 1e12

_ROUNDING = 1e-6


def require_share(harmonizer: str, share: Statistics) -> None:
    """Known names, each with its number of axes, finite numbers within what they can be.

    Raises:
        EngineError: naming the first array that is something else.
    """
    known = SHARED.get(harmonizer)
    for name, array in share.items():
        what = f"it sent {shown(name)} of {shown(harmonizer)}"
        if known is not None and known.get(name) != array.ndim:
            raise EngineError(f"{what} with {array.ndim} axes, expected {_listed(known)}")
        if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
            raise EngineError(f"{what}, expected finite numbers")
        if not array.size or (np.abs(array) > _LARGEST).any() or (array < _LEAST.get(name, -_LARGEST)).any():
            raise EngineError(f"{what} with numbers that it cannot have")
        try:
            require_quantiles(name, array)
        except ValueError as problem:
            raise EngineError(f"{what}: {problem}") from None


def require_quantiles(name: str, array: np.ndarray) -> None:
    """Of statistics that are quantile functions: each channel's rise, and grey values lie from 0 to 1.

    Raises:
        ValueError: they do not.
    """
    if name not in _QUANTILE_FUNCTIONS:
        return
    if array.ndim != 2 or np.any(np.diff(array, axis=1) < -_ROUNDING):
        raise ValueError(f"{name}: expected quantiles of each channel, which rise")
    if name == "quantiles" and not (array.min(initial=0) >= -_ROUNDING and array.max(initial=1) <= 1 + _ROUNDING):
        raise ValueError(f"{name}: expected grey values from 0 to 1")


def alike(shares: Mapping[str, Statistics]) -> set[str]:
    """The sites whose statistics have the names and shapes that most have; none where two forms are equally frequent.

    A site that has nothing to share is not asked.
    """
    forms = {
        site: str(sorted((name, array.shape) for name, array in share.items()))
        for site, share in shares.items()
        if share
    }
    ranked = Counter(forms.values()).most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return set()
    return {site for site, form in forms.items() if form == ranked[0][0]}


def _listed(known: Mapping[str, int]) -> str:
    return ", ".join(f"{name} of {axes}" for name, axes in known.items())

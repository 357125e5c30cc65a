"""Which harmonizer, what it takes off, and what it costs."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis import Removal
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.harmonizers import HARMONIZERS, MIN_PATIENTS, fit
from shiftscope.profiles import Profile

__all__ = ["choose", "name_of", "removal_text", "sent_by"]

_CHEAPEST = next(name for name, harmonizer in HARMONIZERS.items() if not harmonizer.shares)

_WORTH = 0.2
"""Share of the difference in features that a harmonizer must remove to be a rival of the one that removes most."""


def choose(removed: Sequence[Removal]) -> tuple[Removal | None, tuple[Removal, ...]]:
    """The harmonizer that removes most of those one can train with, or one that shares less and may remove as much; and
    its rivals."""
    usable = sorted((item for item in removed if item.harmonizer in HARMONIZERS), key=lambda item: -item.share)
    if not usable:
        return None, ()
    best = usable[0]
    as_good = [item for item in usable if item is best or (item.high >= best.low and item.share >= _WORTH)]
    chosen = min(as_good, key=lambda item: (HARMONIZERS[item.harmonizer].shares, -item.share))
    return chosen, tuple(item for item in as_good if item is not chosen)


def name_of(chosen: Removal | None) -> str:
    """The harmonizer's name; the cheapest where nothing is measured."""
    return _CHEAPEST if chosen is None else chosen.harmonizer


def removal_text(item: Removal) -> str:
    """What it takes off, or adds, and what is left."""
    if item.share < 0:
        ends = f"95 % [{-item.high:.0%}, {-item.low:.0%}]"
        return (
            f"{item.harmonizer} adds {-item.share:.0%} to the difference in features, {ends}: {number(item.before)}"
            f" before it, {number(item.remains)} after"
        )
    ends = f"95 % [{item.low:.0%}, {item.high:.0%}]"
    return (
        f"{item.harmonizer} removes {item.share:.0%} of the difference in features, {ends}, and leaves"
        f" {number(item.remains)} of {number(item.before)}"
    )


def sent_by(harmonizer: str | None, profiles: Sequence[Profile]) -> int:
    """Bytes that leave a site for it, beside the model's: harmonizers share arrays whose shape does not depend on the
    site."""
    if harmonizer is None:
        return 0
    channels = 3 if any(profile.colour for profile in profiles) else 1
    case = np.random.default_rng(0).uniform(0.1, 0.9, (1, channels, 64, 64)).astype(np.float32)
    owns, _ = fit(HARMONIZERS[harmonizer], {"any": [[case]] * MIN_PATIENTS})
    return sum(array.nbytes for array in owns["any"].values())

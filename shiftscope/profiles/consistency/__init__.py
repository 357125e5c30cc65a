"""What the numbers of a profile say of one another: every honest profile keeps it, so nothing later has to check it.

Limits are exact but for the six digits of a published number, and for what a private profile says of its own noise.

In: a profile as it is built. Out: nothing, or `Misfit`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from shiftscope.profiles.consistency.count_rules import (
    MARKS,
    require_classes,
    require_counts,
    require_privacy,
    require_tags,
)
from shiftscope.profiles.consistency.sketch_rules import require_classes_within, require_known_axes, require_sketches
from shiftscope.profiles.consistency.summary_rules import require_curves, require_summaries

if TYPE_CHECKING:
    from shiftscope.profiles.profile_document import Profile

__all__ = ["MARKS", "require_consistent"]


def require_consistent(profile: "Profile") -> None:
    """Check the parts of a profile against each other.

    Raises:
        Misfit: naming the key, what it holds and what was expected.
    """
    for rule in _RULES:
        rule(profile)


_RULES: tuple[Callable[["Profile"], None], ...] = (
    require_privacy,
    require_counts,
    require_classes,
    require_tags,
    require_known_axes,
    require_sketches,
    require_classes_within,
    require_summaries,
    require_curves,
)

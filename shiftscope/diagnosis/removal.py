"""What a map to one public look would remove of a shift in appearance, and what would remain."""

from collections.abc import Sequence

from shiftscope.records import Real, Record
from shiftscope.shifts import Shift

__all__ = ["Removed", "removed_by_maps"]


class Removed(Record):
    """What a map to one public look removes of the difference in features, over the pairs with an appearance shift.

    Attributes:
        share: of the effect on fine structure and layout together; below 0 where the map adds to it.
        low: if every effect that is left were at the upper end of its interval.
        high: if every one were at the lower end.
    """

    share: Real
    low: Real
    high: Real


def removed_by_maps(shifts: Sequence[Shift]) -> Removed | None:
    """Effects before and after the public look, both told in the variance before it, summed over layers and pairs."""
    raw = left = lowest = highest = 0.0
    for shift in shifts:
        for layer in ("shallow", "deep"):
            before, after = shift.on(f"features_{layer}"), shift.on(f"canonical_{layer}")
            if before is None or after is None or before.interval[0] <= 0:
                continue
            difference = after.difference.on_scale_of(before.difference)
            low, high = difference.interval()
            raw, left = raw + before.value, left + difference.effect
            lowest, highest = lowest + low, highest + high
    if raw == 0:
        return None
    return Removed(share=1 - left / raw, low=1 - highest / raw, high=1 - lowest / raw)

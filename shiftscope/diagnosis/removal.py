"""What each harmonizer would remove of a shift in appearance, and what would remain, from profiles alone.

Every site measured its features as they are and after each harmonizer, all in one yardstick (`measures.harmonized`).
Of each pair of sites with an appearance shift, the effect on the harmonized features is set against the raw one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.records import Real, Record
from shiftscope.shifts import Effect, Shift, intervals

__all__ = ["MEASURED", "Removal", "removals", "without_each"]

MEASURED = {
    "zscore": "zscore",
    "quantile_map": "quantile_map",
    "polarity": "polarity",
    "quantile_spectrum": "canonical",
}
"""Harmonizer -> what its axes are called before `_shallow` and `_deep`; the cheapest first."""

_LAYERS = ("shallow", "deep")


class Removal(Record):
    """What one harmonizer removes of the difference in features, over the pairs with an appearance shift.

    Attributes:
        harmonizer: `zscore`, `quantile_map`, `polarity` (the quantile map, after sites that are inverted have been
            turned back) or `quantile_spectrum` (the full public look).
        share: of the effects on fine structure and layout, over all pairs; below 0 where the harmonizer adds to them.
        low: lower end of its 95 % interval.
        high: upper end.
        before: the effect as it is, per pair and coordinate of fine structure and layout: 1 is one within-site standard
            deviation in every direction.
        remains: what is left of it.
        pairs: how many pairs it is measured on.
    """

    harmonizer: str
    share: Real
    low: Real
    high: Real
    before: Real
    remains: Real
    pairs: int


@dataclass(frozen=True, slots=True)
class _Sized:
    """Effects of k pairs per coordinate, with the distances to the ends of their intervals, (k,) each."""

    value: np.ndarray
    down: np.ndarray
    up: np.ndarray

    def where(self, rows: np.ndarray, other: "_Sized") -> "_Sized":
        """Another's in some rows."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return _Sized(*(np.where(rows, theirs, mine) for mine, theirs in pairs))


def removals(shifts: Mapping[tuple[str, str], Shift]) -> tuple[Removal, ...]:
    """What each harmonizer removes, the most first; nothing where the features do not differ.

    `polarity` is listed only where turning a site back is clearly better than not to, because the better of two is
    always a little better.

    Args:
        shifts: (a, b) -> their comparison, for the pairs with an appearance shift.
    """
    axes = {f"{prefix}_{layer}" for prefix in ("features", *MEASURED.values()) for layer in _LAYERS}
    found = {pair: {item.axis: item for item in shift.effects if item.axis in axes} for pair, shift in shifts.items()}
    whole = {pair: effects for pair, effects in found.items() if effects.keys() == axes}
    if not whole:
        return ()
    sized = {name: _sized(list(whole.values()), prefix) for name, prefix in {"raw": "features", **MEASURED}.items()}
    raw = sized.pop("raw")
    seen = raw.value - raw.down > 0
    if not seen.any():
        return ()
    upright, turned = sized["quantile_map"], sized["polarity"]
    inverted = seen & (turned.value + turned.up < upright.value - upright.down)
    sized["polarity"] = upright.where(inverted, turned)
    if not inverted.any():
        del sized["polarity"]
    sites = [pair for pair, counts in zip(whole, seen, strict=True) if counts]
    told = [_removal(name, raw, left, seen, sites) for name, left in sized.items()]
    return tuple(sorted(told, key=lambda item: -item.share))


def without_each(shifts: Mapping[tuple[str, str], Shift]) -> dict[str, tuple[Removal, ...]]:
    """Site -> what each harmonizer removes between all others; nothing of a site without which no pair is left.

    The effects of a site's pairs are added to those of all others, so one profile with wrong features after a
    harmonizer changes the sum for everybody.
    """
    sites = dict.fromkeys(site for pair in shifts for site in pair)
    left = {site: removals({pair: shift for pair, shift in shifts.items() if site not in pair}) for site in sites}
    return {site: removed for site, removed in left.items() if removed}


def _sized(pairs: Sequence[Mapping[str, Effect]], prefix: str) -> _Sized:
    """Small sites publish fewer coordinates, so effects are told per coordinate. Both layers are of the same patients:
    their errors are added as if they always went the same way."""
    parts = []
    for layer in _LAYERS:
        effects = [effects[f"{prefix}_{layer}"] for effects in pairs]
        value, (low, high) = np.array([effect.value for effect in effects]), intervals(effects).T
        width = np.array([effect.width for effect in effects]) * len(_LAYERS)
        parts.append(np.stack([value, value - low, high - value]) / width)
    return _Sized(*np.sum(parts, axis=0))


def _removal(name: str, raw: _Sized, left: _Sized, seen: np.ndarray, sites: Sequence[tuple[str, str]]) -> Removal:
    """The share over the pairs that are `seen`, its interval from those of the parts: distances to the ends are
    squared and added (Zou and Donner 2008, doi:10.1002/sim.3095), before and after counting as independent, which
    they are not: the interval is rather too wide."""
    before, after = float(raw.value[seen].sum()), float(left.value[seen].sum())
    rest = after / before
    down, up = (_together(width[seen], sites) / before for width in (left.down, left.up))
    raw_down, raw_up = (rest * _together(width[seen], sites) / before for width in (raw.down, raw.up))
    return Removal(
        harmonizer=name,
        share=1 - rest,
        low=1 - rest - float(np.hypot(up, raw_down)),
        high=min(1.0, 1 - rest + float(np.hypot(down, raw_up))),
        before=before / int(seen.sum()),
        remains=after / int(seen.sum()),
        pairs=int(seen.sum()),
    )


def _together(widths: np.ndarray, sites: Sequence[tuple[str, str]]) -> float:
    """Width of a sum over pairs, as if each site pulled all its pairs the same way: half of a pair's variance is of
    either site."""
    of_site: dict[str, float] = {}
    for width, pair in zip(widths.tolist(), sites, strict=True):
        for site in pair:
            of_site[site] = of_site.get(site, 0.0) + width / np.sqrt(2)
    return float(np.sqrt(sum(total**2 for total in of_site.values())))

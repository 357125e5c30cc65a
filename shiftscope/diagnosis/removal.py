"""What each harmonizer would remove of a shift in appearance, and what would remain, from profiles alone.

Every site measured its features as they are and after each harmonizer in its one-sided form
(`measures.one_sided_maps`). Of each pair of sites with an appearance shift, the effect on the harmonized features is
compared with the raw one, both in the unit of the raw features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.records import Real, Record
from shiftscope.shifts import Effect, EffectBatch, Shift

__all__ = ["MEASURED", "FeatureEffects", "Removal", "removals", "without_each"]

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
            turned back) or `quantile_spectrum` (the map to the public reference).
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
class _PerCoordinate:
    """Effects of k pairs per coordinate, with the distances to the ends of their intervals, (k,) each."""

    value: np.ndarray
    down: np.ndarray
    up: np.ndarray

    @classmethod
    def of(cls, pairs: Sequence[Mapping[str, Effect]], prefix: str) -> "_PerCoordinate":
        """Small sites publish fewer coordinates, so effects are divided by their number. Both layers are of the same
        patients: their errors are added as if they always went the same way."""
        parts = []
        for layer in _LAYERS:
            effects = [effects[f"{prefix}_{layer}"] for effects in pairs]
            value, batch = np.array([effect.value for effect in effects]), EffectBatch.of(effects)
            width = np.array([effect.width for effect in effects]) * len(_LAYERS)
            parts.append(np.stack([value, value - batch.low, batch.high - value]) / width)
        return cls(*np.sum(parts, axis=0))

    def at(self, rows: np.ndarray) -> "_PerCoordinate":
        """Some of the pairs."""
        return _PerCoordinate(*(getattr(self, name)[rows] for name in self.__slots__))

    def where(self, rows: np.ndarray, other: "_PerCoordinate") -> "_PerCoordinate":
        """Another's in some rows."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return _PerCoordinate(*(np.where(rows, theirs, mine) for mine, theirs in pairs))


@dataclass(frozen=True, slots=True)
class FeatureEffects:
    """The effects on features of the pairs that have them all, as they are and after each harmonizer.

    Attributes:
        sites: of all pairs that were given.
        pairs: (a, b), k of them.
        raw: as they are.
        left: harmonizer -> after it.
    """

    sites: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    raw: _PerCoordinate
    left: Mapping[str, _PerCoordinate]

    @classmethod
    def of(cls, shifts: Mapping[tuple[str, str], Shift]) -> "FeatureEffects":
        """From comparisons, (a, b) -> shift, of the pairs with an appearance shift."""
        axes = {f"{prefix}_{layer}" for prefix in ("features", *MEASURED.values()) for layer in _LAYERS}
        found = {pair: {one.axis: one for one in shift.effects if one.axis in axes} for pair, shift in shifts.items()}
        whole = {pair: effects for pair, effects in found.items() if effects.keys() == axes}
        effects = [*whole.values()]
        return cls(
            sites=tuple(dict.fromkeys(site for pair in shifts for site in pair)),
            pairs=tuple(whole),
            raw=_PerCoordinate.of(effects, "features"),
            left={name: _PerCoordinate.of(effects, prefix) for name, prefix in MEASURED.items()},
        )

    def without(self, site: str) -> "FeatureEffects":
        """Of the pairs that a site is not in."""
        rows = np.array([site not in pair for pair in self.pairs], dtype=bool)
        return FeatureEffects(
            sites=tuple(other for other in self.sites if other != site),
            pairs=tuple(pair for pair in self.pairs if site not in pair),
            raw=self.raw.at(rows),
            left={name: effects.at(rows) for name, effects in self.left.items()},
        )


def removals(effects: FeatureEffects) -> tuple[Removal, ...]:
    """What each harmonizer removes, the most first; nothing where the features do not differ.

    `polarity` is listed only where turning a site back is clearly better than not to, because the better of two is
    always a little better.
    """
    raw, left = effects.raw, {**effects.left}
    clear = raw.value - raw.down > 0
    if not clear.any():
        return ()
    upright, turned = left["quantile_map"], left["polarity"]
    inverted = clear & (turned.value + turned.up < upright.value - upright.down)
    left["polarity"] = upright.where(inverted, turned)
    if not inverted.any():
        del left["polarity"]
    pairs = [pair for pair, counts in zip(effects.pairs, clear, strict=True) if counts]
    found = [_removal(name, raw.at(clear), after.at(clear), pairs) for name, after in left.items()]
    return tuple(sorted(found, key=lambda item: -item.share))


def without_each(effects: FeatureEffects) -> dict[str, tuple[Removal, ...]]:
    """Site -> what each harmonizer removes between all others; nothing of a site without which no pair is left.

    The effects of a site's pairs are added to those of all others, so one profile with wrong features after a
    harmonizer changes the sum for everybody.
    """
    found = {site: removals(effects.without(site)) for site in effects.sites}
    return {site: removed for site, removed in found.items() if removed}


def _removal(name: str, raw: _PerCoordinate, left: _PerCoordinate, pairs: Sequence[tuple[str, str]]) -> Removal:
    """The share over all `pairs` (k,), its interval from those of the parts: distances to the ends are squared and
    added (Zou and Donner 2008, doi:10.1002/sim.3095), before and after counting as independent, which they are not: the
    interval is rather too wide."""
    before, after = float(raw.value.sum()), float(left.value.sum())
    rest = after / before
    down, up = (_of_sum(width, pairs) / before for width in (left.down, left.up))
    raw_down, raw_up = (rest * _of_sum(width, pairs) / before for width in (raw.down, raw.up))
    return Removal(
        harmonizer=name,
        share=1 - rest,
        low=1 - rest - float(np.hypot(up, raw_down)),
        high=min(1.0, 1 - rest + float(np.hypot(down, raw_up))),
        before=before / len(pairs),
        remains=after / len(pairs),
        pairs=len(pairs),
    )


def _of_sum(widths: np.ndarray, pairs: Sequence[tuple[str, str]]) -> float:
    """Width of a sum over pairs, as if each site pulled all its pairs the same way: half of a pair's variance is of
    either site."""
    of_site: dict[str, float] = {}
    for width, pair in zip(widths.tolist(), pairs, strict=True):
        for site in pair:
            of_site[site] = of_site.get(site, 0.0) + width / np.sqrt(2)
    return float(np.sqrt(sum(total**2 for total in of_site.values())))

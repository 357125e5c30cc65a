"""What each harmonizer would remove of a shift in appearance, and what would remain, from profiles alone.

Every site measured its features as they are and after each harmonizer in its one-sided form
(`measures.one_sided_maps`). Of each pair of sites with an appearance shift, the effect on the harmonized features is
compared with the raw one, both in the unit of the raw features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftscope.records import Real, Record
from shiftscope.shifts import Effect, EffectBatch, Shift

__all__ = ["FEATURES", "MEASURED", "FeatureEffects", "FeatureLayer", "Removal", "removals", "without_each"]

MEASURED = {
    "zscore": "zscore",
    "quantile_map": "quantile_map",
    "polarity": "polarity",
    "quantile_spectrum": "canonical",
}
"""Harmonizer -> what its axes are called before `_shallow` and `_deep`; the cheapest first."""

_LAYERS = ("shallow", "deep")

FEATURES = tuple(f"{prefix}_{layer}" for prefix in ("features", *MEASURED.values()) for layer in _LAYERS)
"""Axes of features as they are and after each harmonizer."""

FeatureLayer = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Of k pairs on one axis the effects, the ends of their 95 % intervals, and the coordinates compared."""

_MOSTLY = 1e-3  # share of a sum below which what is left of it is not had by taking off the rest


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
    def of(cls, layers: Sequence[FeatureLayer]) -> "_PerCoordinate":
        """Small sites publish fewer coordinates, so effects are divided by their number. Both layers are of the same
        patients: their errors are added as if they always went the same way."""
        parts = [
            np.stack([value, value - low, high - value]) / (width * len(layers)) for value, low, high, width in layers
        ]
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
        first, second: (k,) the two sites of each pair, by their places in `sites`.
        raw: as they are.
        left: harmonizer -> after it.
    """

    sites: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray
    raw: _PerCoordinate
    left: Mapping[str, _PerCoordinate]

    @classmethod
    def of(cls, shifts: Mapping[tuple[str, str], Shift]) -> "FeatureEffects":
        """From comparisons, (a, b) -> shift, of the pairs with an appearance shift."""
        axes = dict.fromkeys(FEATURES)
        found = {pair: {one.axis: one for one in shift.effects if one.axis in axes} for pair, shift in shifts.items()}
        whole = {pair: effects for pair, effects in found.items() if effects.keys() == axes.keys()}
        return cls.joined(
            tuple(dict.fromkeys(site for pair in shifts for site in pair)),
            [*whole],
            {axis: _layer_of([effects[axis] for effects in whole.values()]) for axis in axes},
        )

    @classmethod
    def joined(
        cls, sites: tuple[str, ...], pairs: Sequence[tuple[str, str]], layers: Mapping[str, FeatureLayer]
    ) -> "FeatureEffects":
        """From the effects of k pairs on every axis of `FEATURES`.

        Args:
            sites: of these pairs and of all others that were given.
            pairs: (a, b).
            layers: axis -> their effects.
        """
        place = {site: index for index, site in enumerate(sites)}
        first, second = (np.array([place[pair[end]] for pair in pairs], dtype=int) for end in (0, 1))
        raw, *left = (
            _PerCoordinate.of([layers[f"{prefix}_{layer}"] for layer in _LAYERS])
            for prefix in ("features", *MEASURED.values())
        )
        return cls(sites, first, second, raw, dict(zip(MEASURED, left, strict=True)))

    def at(self, rows: np.ndarray) -> "FeatureEffects":
        """Some of the pairs."""
        left = {name: effects.at(rows) for name, effects in self.left.items()}
        return FeatureEffects(self.sites, self.first[rows], self.second[rows], self.raw.at(rows), left)


def removals(effects: FeatureEffects) -> tuple[Removal, ...]:
    """What each harmonizer removes, the most first; nothing where the features do not differ.

    `polarity` is listed only where turning a site back is clearly better than not to, because the better of two is
    always a little better.
    """
    clear, inverted = _clear(effects)
    return _listed(_sums_of(clear), len(clear.first), bool(inverted.any()))


def without_each(effects: FeatureEffects) -> dict[str, tuple[Removal, ...]]:
    """Site -> what each harmonizer removes between all others; nothing of a site without which no pair is left.

    The effects of a site's pairs are added to those of all others, so one profile with wrong features after a
    harmonizer changes the sum for everybody.
    """
    clear, inverted = _clear(effects)
    count = len(effects.sites)
    left, turned = (
        len(rows) - np.bincount(np.concatenate([clear.first[rows], clear.second[rows]]), minlength=count)
        for rows in (np.arange(len(clear.first)), np.flatnonzero(inverted))
    )
    sums = {name: _sums_without(one, clear, count) for name, one in _summands(clear).items()}
    found = {}
    for place, site in enumerate(effects.sites):
        own = {name: _Sum(*columns[:, place].tolist()) for name, columns in sums.items()}
        if left[place]:
            found[site] = _listed(own, int(left[place]), bool(turned[place]))
    return found


def _clear(effects: FeatureEffects) -> tuple[FeatureEffects, np.ndarray]:
    """The pairs whose features surely differ, `polarity` being the better of both ways there, and for which of them
    turning is clearly better."""
    raw = effects.raw
    clear = effects.at(np.flatnonzero(raw.value - raw.down > 0))
    upright, turned = clear.left["quantile_map"], clear.left["polarity"]
    inverted = turned.value + turned.up < upright.value - upright.down
    return replace(clear, left={**clear.left, "polarity": upright.where(inverted, turned)}), inverted


@dataclass(frozen=True, slots=True)
class _Sum:
    """An effect summed over pairs, and the distances to the ends of its interval."""

    value: float
    down: float
    up: float


_RAW = "features"


def _summands(clear: FeatureEffects) -> dict[str, _PerCoordinate]:
    return {_RAW: clear.raw, **clear.left}


def _sums_of(clear: FeatureEffects) -> dict[str, _Sum]:
    """Name -> the sum over all pairs, as if each site pulled all its pairs the same way: half of a pair's variance is
    of either site."""
    return {
        name: _Sum(
            float(one.value.sum()),
            *(float(np.sqrt(np.sum(_by_site(width, clear) ** 2))) for width in (one.down, one.up)),
        )
        for name, one in _summands(clear).items()
    }


def _by_site(width: np.ndarray, clear: FeatureEffects) -> np.ndarray:
    """Sum of each site's half of the widths (k,) of its pairs."""
    both = np.stack([clear.first, clear.second], axis=1).reshape(-1)
    return np.bincount(both, np.repeat(width / np.sqrt(2), 2), len(clear.sites))


def _sums_without(one: _PerCoordinate, clear: FeatureEffects, count: int) -> np.ndarray:
    """(3, N) the sum, and the distances to its ends, over the pairs that each of N sites is not in.

    What a site has in the sum is taken off it. Where that is most of it rounding would show, and the rest is added up.
    """
    both, other = np.stack([clear.first, clear.second], axis=1), np.stack([clear.second, clear.first], axis=1)
    own = np.bincount(both.reshape(-1), np.repeat(one.value, 2), count)
    columns = [one.value.sum() - own]
    kept = [np.abs(columns[0]) > _MOSTLY * np.abs(one.value).sum()]
    for width in (one.down, one.up):
        totals, half = _by_site(width, clear), np.repeat(width / np.sqrt(2), 2)
        of_others = np.bincount(both.reshape(-1), half**2 - 2 * half * totals[other.reshape(-1)], count)
        squares = np.sum(totals**2) - totals**2 + of_others
        kept.append(squares > _MOSTLY * np.sum(totals**2))
        columns.append(np.sqrt(np.maximum(squares, 0.0)))
    out = np.stack(columns)
    for place in np.flatnonzero(~np.all(kept, axis=0)).tolist():
        rest = clear.at(np.flatnonzero((clear.first != place) & (clear.second != place)))
        less = one.at(np.flatnonzero((clear.first != place) & (clear.second != place)))
        ends = (np.sqrt(np.sum(_by_site(width, rest) ** 2)) for width in (less.down, less.up))
        out[:, place] = less.value.sum(), *ends
    return out


def _listed(sums: Mapping[str, _Sum], pairs: int, turned: bool) -> tuple[Removal, ...]:
    """The harmonizers, the most first; none where there is no pair."""
    if not pairs:
        return ()
    found = [_removal(name, sums[_RAW], sums[name], pairs) for name in MEASURED if name != "polarity" or turned]
    return tuple(sorted(found, key=lambda item: -item.share))


def _removal(name: str, raw: _Sum, left: _Sum, pairs: int) -> Removal:
    """The share over all pairs, its interval from those of the parts: distances to the ends are squared and added (Zou
    and Donner 2008, doi:10.1002/sim.3095), before and after counting as independent, which they are not: the interval
    is rather too wide."""
    before, rest = raw.value, left.value / raw.value
    return Removal(
        harmonizer=name,
        share=1 - rest,
        low=1 - rest - float(np.hypot(left.up / before, rest * raw.down / before)),
        high=min(1.0, 1 - rest + float(np.hypot(left.down / before, rest * raw.up / before))),
        before=before / pairs,
        remains=left.value / pairs,
        pairs=pairs,
    )


def _layer_of(effects: Sequence[Effect]) -> FeatureLayer:
    batch = EffectBatch.of(effects)
    value, width = (np.array([getattr(effect, name) for effect in effects]) for name in ("value", "width"))
    return value, batch.low, batch.high, width

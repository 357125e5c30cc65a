"""Do the same labels mean the same, for very many pairs: `concept_verdicts` with an object only for what is said.

Of each pair two contrasts may be said: that with the smallest p, where it is called, and else that on which
meaningless labels would have been seen most easily. While pairs are compared, a block at a time, it is only found
whether they would have been seen; contrasts are made again for the pairs of which something is said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.diagnosis.axis_verdicts import Limits
from shiftscope.measures.question_names import CONCEPT
from shiftscope.shifts.contrasts.compared_classes import ContrastEffects
from shiftscope.shifts.effect_distributions import SMALLEST_P, EffectDistribution
from shiftscope.stats import holm

__all__ = ["ContrastBlock", "JudgedContrasts", "easiest_contrasts"]

_LEAST_COMMON = 1e-9


@dataclass(frozen=True)
class ContrastBlock:
    """The contrasts of a block of m pairs.

    Attributes:
        rows: (k,) which pair each is of.
        p: (k,) of no effect beyond its margin.
        detected: (m,) whether meaningless labels would have been seen on any of them.
    """

    rows: np.ndarray
    p: np.ndarray
    detected: np.ndarray

    @classmethod
    def of(cls, contrasts: Iterable[ContrastEffects], pairs: int, limits: Limits) -> "ContrastBlock":
        """Of a block of so many pairs."""
        rows, tests = [np.zeros(0, dtype=int)], [np.zeros(0)]
        detected = np.zeros(pairs, dtype=bool)
        for one in contrasts:
            enough = np.flatnonzero(one.n.min(axis=1) >= limits.enough)
            here, found, margin, common = _numbers(one, enough, limits)
            rows.append(here)
            tests.append(np.maximum(1 - found.exceeds(margin), SMALLEST_P))
            undetected = np.flatnonzero(
                ~detected[here] & (margin < common)
            )  # what is detected is larger than its margin
            detected[here[undetected]] = found.at_rows(undetected).near_detected(common[undetected], margin[undetected])
        return cls(np.concatenate(rows), np.concatenate(tests), detected)


def _numbers(
    one: ContrastEffects, places: np.ndarray, limits: Limits
) -> tuple[np.ndarray, EffectDistribution, np.ndarray, np.ndarray]:
    """Of some contrasts the pairs, the distributions, the margins and what they have in common."""
    margin = one.margin[places] + limits.margin[CONCEPT]
    return one.rows[places], one.distributions.at_rows(places), margin, np.maximum(one.common[places], _LEAST_COMMON)


@dataclass(frozen=True)
class JudgedContrasts:
    """What is said of all pairs, judged together.

    Attributes:
        asked: (k,) pairs that know two classes, each on enough patients, rising.
        called: (k,) whether labels mean something else.
        hidden: (k,) whether nothing can be said.
        rows, p: of every contrast the pair and the corrected p; of a pair in the order of comparison.
    """

    asked: np.ndarray
    called: np.ndarray
    hidden: np.ndarray
    rows: np.ndarray
    p: np.ndarray

    @classmethod
    def of(cls, blocks: Sequence[tuple[int, ContrastBlock]], limits: Limits) -> "JudgedContrasts":
        """Holm over all contrasts of all pairs; the blocks in order, each with the row of its first pair."""
        rows = np.concatenate([block.rows + start for start, block in blocks])
        p = holm(np.concatenate([block.p for _, block in blocks]))
        detected = np.concatenate([block.detected for _, block in blocks])
        asked, least = np.unique(rows), np.ones(len(detected))
        np.minimum.at(least, rows, p)
        called = least[asked] < limits.alpha
        order = np.argsort(rows, kind="stable")
        return cls(asked, called, ~called & ~detected[asked], rows[order], p[order])

    def likeliest(
        self, contrasts: Iterable[ContrastEffects], pairs: np.ndarray, limits: Limits
    ) -> tuple[np.ndarray, np.ndarray]:
        """The effects (m,) and the axes (m,) of the contrasts with the smallest p, of some pairs that are called.

        Args:
            contrasts: of these pairs.
            pairs: (m,) their rows among all.
            limits: what counts.
        """
        following, least = np.searchsorted(self.rows, pairs), np.full(len(pairs), np.inf)
        effect, axis = np.zeros(len(pairs)), np.full(len(pairs), "", dtype=object)
        for one in contrasts:
            enough = np.flatnonzero(one.n.min(axis=1) >= limits.enough)
            here = one.rows[enough]
            p = self.p[following[here]]
            following[here] += 1
            less = p < least[here]
            least[here[less]], axis[here[less]] = p[less], one.axis
            effect[here[less]] = one.distributions.at_rows(enough[less]).value
        return effect, axis

    def corrected(self, pair: int) -> np.ndarray:
        """(c,) corrected p of the contrasts of a pair."""
        return self.p[slice(*np.searchsorted(self.rows, [pair, pair + 1]))]


def easiest_contrasts(
    contrasts: Iterable[ContrastEffects], pairs: int, limits: Limits
) -> tuple[np.ndarray, np.ndarray]:
    """The effects (m,), and the upper ends of their intervals (m,), of the contrasts on which meaningless labels would
    have been seen most easily, of m pairs; 0 where none was asked."""
    needed, effect, high = np.full(pairs, np.inf), np.zeros(pairs), np.zeros(pairs)
    fields = np.zeros((len(EffectDistribution._fields), pairs))
    for one in contrasts:
        here, found, margin, common = _numbers(one, np.flatnonzero(one.n.min(axis=1) >= limits.enough), limits)
        possible = np.flatnonzero(margin / common < needed[here])
        ratio = found.at_rows(possible).near_detectable(margin[possible]) / common[possible]
        better = ratio < needed[here[possible]]
        places = possible[better]
        needed[here[places]], effect[here[places]] = ratio[better], found.value[places]
        fields[:, here[places]] = np.array(found.at_rows(places))
    asked = np.flatnonzero(np.isfinite(needed))
    high[asked] = np.maximum(EffectDistribution(*fields[:, asked]).near_upper_end(), effect[asked])
    return effect, high

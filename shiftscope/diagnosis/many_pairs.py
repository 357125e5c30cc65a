"""All pairs of many sites, judged together; an object for a pair only where something is said of it.

A thousand sites are half a million pairs. What all of them together decide (corrected p values, the strongest answers,
whom sites are like) is kept as arrays; answers with intervals and power are made for the pairs that are listed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from shiftscope.diagnosis.axis_verdicts import AxisVerdict, Limits
from shiftscope.diagnosis.calibration import MODELLED, load_calibration
from shiftscope.diagnosis.concept_verdicts import concepts_said, judge_concepts
from shiftscope.diagnosis.many_contrasts import ContrastBlock, JudgedContrasts, easiest_contrasts
from shiftscope.diagnosis.strongest_effects import (
    JudgedEffects,
    StrongestEffects,
    judged_together,
    strongest_effects,
)
from shiftscope.diagnosis.verdicts import Verdict, joined_verdicts, sum_up
from shiftscope.measures.question_names import CONCEPT, QUESTIONS
from shiftscope.shifts import ClassContrast, Shift, SiteStatistics
from shiftscope.shifts.adjustments.adjusted_axes import AdjustedAxes, Pairs
from shiftscope.shifts.axis_differences import AxisDifferences
from shiftscope.shifts.contrasts.compared_classes import ComparedClasses, contrasts_of_sites
from shiftscope.shifts.effect_distributions import EffectDistribution
from shiftscope.shifts.many_sites.axis_effects import AxisEffects
from shiftscope.shifts.many_sites.pair_blocks import SiteSums, by_site_effects, in_order, pair_blocks
from shiftscope.shifts.units import capped

__all__ = ["ManyPairs"]

_BLOCK = 4000  # pairs at a time

_JudgedBlock = tuple[int, Pairs, dict[str, AxisDifferences], dict[str, StrongestEffects], ContrastBlock]
"""The row of the first pair, the pairs, their differences, their strongest cases and their contrasts."""


@dataclass(frozen=True)
class ManyPairs:
    """All pairs of N sites.

    Attributes:
        compared: the sites, ready to be compared.
        classes: likewise.
        judged: question -> the strongest cases of all pairs.
        contrasts: of what labels mean.
        by_site: the verdict on each site against all others.
        limits: what counts.
    """

    compared: AdjustedAxes
    classes: ComparedClasses
    judged: dict[str, JudgedEffects]
    contrasts: JudgedContrasts
    by_site: tuple[Verdict, ...]
    limits: Limits

    @classmethod
    def of(cls, sites: Sequence[SiteStatistics], limits: Limits) -> "ManyPairs":
        """Compare two sites or more, of different names, in their order."""
        compared, classes = AdjustedAxes(sites, capped(sites)), ComparedClasses(sites)
        model, count = load_calibration(), len(sites)
        sums: dict[str, SiteSums] = {}
        starts, strongest, contrasts = [], list[dict[str, StrongestEffects]](), list[tuple[int, ContrastBlock]]()

        def of_block(block: tuple[int, Pairs]) -> _JudgedBlock:
            start, pairs = block
            axes = _judged_axes(compared, pairs, limits)
            effects = [AxisEffects.of_pairs(found, pairs) for found in axes.values() if len(found.rows)]
            best = strongest_effects(effects, len(pairs[0]), limits, model, near=True)
            return start, pairs, axes, best, ContrastBlock.of(classes.effects(*pairs), len(pairs[0]), limits)

        for start, pairs, axes, best, block in in_order(of_block, pair_blocks(count)):
            for axis, found in axes.items():
                sums.setdefault(axis, SiteSums(count)).add(found, pairs)
            starts.append(start)
            strongest.append(best)
            contrasts.append((start, block))
        judged = judged_together(
            {
                question: StrongestEffects.joined([one[question] for one in strongest], starts)
                for question in strongest[0]
            },
            limits,
        )
        of_sites = contrasts_of_sites(sites)
        concepts = judge_concepts([Shift((), of_sites.get(site.site, ())) for site in sites], limits)
        by_site = joined_verdicts(
            strongest_effects(by_site_effects([*sums.values()]), count, limits, model), concepts, limits
        )
        return cls(compared, classes, judged, JudgedContrasts.of(contrasts, limits), tuple(by_site), limits)

    @property
    def sites(self) -> Sequence[SiteStatistics]:
        """The sites."""
        return self.compared.sites

    def places(self, rows: np.ndarray) -> Pairs:
        """Places of the first and of the second site of some pairs, by their rows among all."""
        i, j = self._all_places
        return i[rows], j[rows]

    @cached_property
    def _all_places(self) -> Pairs:
        return np.triu_indices(len(self.sites), k=1)

    def asked(self, question: str) -> np.ndarray:
        """(k,) pairs of which a question could be asked."""
        if question == CONCEPT:
            return self.contrasts.asked
        return self.judged[question].found.rows

    def called(self, question: str) -> np.ndarray:
        """(k,) pairs whose answer to a question counts as a shift."""
        if question == CONCEPT:
            return np.asarray(self.contrasts.asked[self.contrasts.called])
        return np.asarray(self.judged[question].found.rows[self.judged[question].called])

    def answers(self, question: str, rows: np.ndarray) -> list[AxisVerdict]:
        """The answers to a question about some pairs, by their rows among all (r,)."""
        if question == CONCEPT:
            return self._concepts(rows)
        known = self.judged[question].found.rows
        places = np.minimum(np.searchsorted(known, rows), max(len(known) - 1, 0))
        there = np.flatnonzero(known[places] == rows) if len(known) else np.zeros(0, dtype=int)
        out = [AxisVerdict() for _ in rows]
        for row, answer in zip(there.tolist(), self.judged[question].verdicts(places[there]), strict=True):
            out[row] = answer
        return out

    def axes(self, question: str, rows: np.ndarray) -> list[str]:
        """The axis that each answer about some pairs that are called rests on."""
        if question == CONCEPT:
            return list(self._called_contrasts[1][np.searchsorted(self.called(question), rows)].tolist())
        found = self.judged[question].found
        return list(found.axis[np.searchsorted(found.rows, rows)].tolist())

    def held(self, question: str, rows: np.ndarray) -> list[str]:
        """What was held equal in each answer about some pairs that are called."""
        found = self.judged[question].found
        return list(found.held[np.searchsorted(found.rows, rows)].tolist())

    def patients(self, question: str, rows: np.ndarray) -> list[tuple[int, int]]:
        """Patients behind these answers, of the first site and of the second; none where they were not asked."""
        if question == CONCEPT:
            answers, found = self._concepts(rows), self.contrasts_of(rows)
            contrasts = [
                Shift((), own).contrast(answer.axis or "", answer.classes)
                for answer, own in zip(answers, found, strict=True)
            ]
            return [(0, 0) if contrast is None else contrast.effect.n for contrast in contrasts]
        known = dict(zip(rows.tolist(), [(0, 0)] * len(rows), strict=True))
        judged = self.judged[question].found
        places = np.flatnonzero(np.isin(judged.rows, rows))
        known |= {
            row: (a, b) for row, (a, b) in zip(judged.rows[places].tolist(), judged.n[places].tolist(), strict=True)
        }
        return [known[row] for row in rows.tolist()]

    def contrasts_of(self, rows: np.ndarray) -> list[tuple[ClassContrast, ...]]:
        """How classes lie apart between the sites of some pairs."""
        return self.classes.contrasts(*self.places(rows))

    def _concepts(self, rows: np.ndarray) -> list[AxisVerdict]:
        p = [self.contrasts.corrected(row) for row in rows.tolist()]
        return concepts_said(self.contrasts_of(rows), np.concatenate([np.zeros(0), *p]), self.limits)

    @cached_property
    def _called_contrasts(self) -> tuple[np.ndarray, np.ndarray]:
        """Effects and axes of the contrasts that are called, in the order of `called`."""
        rows = self.called(CONCEPT)
        parts = [(np.zeros(0), np.zeros(0, dtype=object))]
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            parts.append(self.contrasts.likeliest(self.classes.effects(*self.places(block)), block, self.limits))
        effect, axis = (np.concatenate(column) for column in zip(*parts, strict=True))
        return effect, axis

    @cached_property
    def _easiest_contrasts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where none is called, of the pairs of which nothing can be said, or of all where there is none, the rows and
        what `easiest_contrasts` says."""
        found = self.contrasts
        rows = found.asked[found.hidden] if found.hidden.any() else found.asked
        parts = [(np.zeros(0), np.zeros(0))]
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            parts.append(easiest_contrasts(self.classes.effects(*self.places(block)), len(block), self.limits))
        effect, high = (np.concatenate(column) for column in zip(*parts, strict=True))
        return rows, effect, high

    def effects(self, question: str) -> np.ndarray:
        """(k,) the effects of the pairs of which a question could be asked; of what labels mean, where it is called."""
        if question == CONCEPT:
            return self._called_contrasts[0]
        return self.judged[question].found.values

    def verdicts(self, rows: np.ndarray) -> list[Verdict]:
        """All that is said of some pairs."""
        columns = {question: self.answers(question, rows) for question in QUESTIONS}
        axes = [dict(zip(columns, answers, strict=True)) for answers in zip(*columns.values(), strict=True)]
        return [Verdict(kind=sum_up(answers), axes=answers) for answers in axes]

    def called_effects(self) -> tuple[np.ndarray, np.ndarray]:
        """(k,) pairs of which a shift is called, rising, and the sums of their called effects."""
        total, any_ = np.zeros((2, len(self._all_places[0])))
        for question in QUESTIONS:
            rows = self.called(question)
            any_[rows] = 1
            total[rows] += self.effects(question)[slice(None) if question == CONCEPT else self.judged[question].called]
        found = np.flatnonzero(any_)
        return found, total[found]

    def blind(self) -> int:
        """Pairs of which structure was judged without masks."""
        structure = self.judged["structure"].found
        return len(np.setdiff1d(structure.rows[structure.axis == "layout"], self.asked("annotation")))

    def strongest(self, question: str) -> int | None:
        """The row of the pair with the best case: one that is called, else one of which nothing can be said, else the
        most probable; None where no pair was asked."""
        if not len(self.asked(question)):
            return None
        if question != CONCEPT:
            judged = self.judged[question]
            return _first(
                judged.found.rows, judged.found.values, judged.found.probability, judged.disputed, judged.called
            )
        called = self.called(question)
        return _first(called, self.effects(question)) if len(called) else _first(*self._easiest_contrasts[:2])

    def least_certain(self, question: str) -> int:
        """Of the pairs that were asked, none of them called, the row of one of which nothing can be said, and whose
        interval reaches highest."""
        if question == CONCEPT:
            rows, _, high = self._easiest_contrasts
            return _first(rows, high)
        judged = self.judged[question]
        ends = _by_block(judged.found.distributions, EffectDistribution.near_upper_end)
        high = np.maximum(ends, judged.found.values)
        return _first(judged.found.rows, high, judged.disputed)

    def most_detectable(self, question: str) -> float | None:
        """The largest of the smallest effects that would have been detected; None where no pair was asked."""
        found = self.judged[question].found.distributions
        return float(_by_block(found, EffectDistribution.near_detectable).max()) if np.size(found.noise) else None


def _first(rows: np.ndarray, *keys: np.ndarray) -> int:
    """The row with the largest keys (k,), the last of which counts first; of equals the first."""
    return int(rows[np.lexsort((-np.arange(len(rows)), *keys))[-1]])


def _by_block(found: EffectDistribution, work: Callable[[EffectDistribution], np.ndarray]) -> np.ndarray:
    """(k,) what is asked of each of k distributions."""
    size = np.size(found.noise)
    blocks = (found.at_rows(rows) for rows in np.array_split(np.arange(size), -(-size // _BLOCK)))
    return np.concatenate([*in_order(work, blocks)])


def _judged_axes(compared: AdjustedAxes, pairs: Pairs, limits: Limits) -> dict[str, AxisDifferences]:
    """The axes that are judged. The brightness of the whole image is one of them only where that away from the masks is
    not known of enough patients."""
    axes = compared.of_pairs(pairs, [axis for axis in MODELLED if axis != "intensity"])
    outside = axes["intensity_outside"]
    n = np.minimum(*(outside.n[places[outside.rows]] for places in pairs))
    rest = np.setdiff1d(np.arange(len(pairs[0])), outside.rows[n >= limits.enough])
    if not len(rest):
        return axes
    found = compared.of_pairs((pairs[0][rest], pairs[1][rest]), ["intensity"])["intensity"]
    return {"labels": axes.pop("labels"), "intensity": replace(found, rows=rest[found.rows]), **axes}

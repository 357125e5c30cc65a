"""Why a verdict: what differs, each cause once, and what can be ruled out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest

import numpy as np

from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.causes.measure_differences import MeasureDifference, MeasureTable
from shiftscope.diagnosis.causes.outlying_sites import Differing, Key, SiteGroup, SiteGroups
from shiftscope.diagnosis.causes.scanners import separating_tags
from shiftscope.diagnosis.judged_pairs import JudgedPairs, Pair
from shiftscope.diagnosis.texts.answer_text import axis_differs, classes_differ, no_shift, unanswerable
from shiftscope.diagnosis.texts.concept_text import labels_alike, labels_differ
from shiftscope.diagnosis.texts.difference_text import describe_difference
from shiftscope.diagnosis.texts.phrases import others as whom
from shiftscope.diagnosis.verdicts import QUESTIONS
from shiftscope.measures import MEASURES
from shiftscope.measures.measure_groups import CAUSES
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles.profile_document import Summary
from shiftscope.stats import cliffs_delta

__all__ = ["evidence_of"]

Direction = tuple[str, bool]
"""A measure, and whether it is higher at the site that stands out."""

_ANSWERED_BY = {
    "appearance": "intensity",
    "structure": "morphology",
    "label": "labels",
    "annotation": "boundary",
    CONCEPT: "labels",
}


def evidence_of(made: JudgedPairs, most: int | None = None) -> tuple[Evidence, ...]:
    """First why shifts were called, the clearest finding on each question, then the second of each, and so on; last,
    for every question that was called of no pair, how large a shift is left possible.

    Args:
        made: what was compared.
        most: findings of each kind, the clearest; None for all.
    """
    if not made.pairs:
        return ()
    names = sorted(made.profiles)
    sites = _Sites(made, names, MeasureTable.of([made.profiles[name] for name in names]))
    columns: list[list[Evidence]] = []
    rest = []
    for question in QUESTIONS:
        pairs = made.called(question)
        columns.append([*_of_question(question, pairs, sites, most)])
        if question == "appearance":
            columns.append([*_of_tags(pairs, made, most)])
        if not pairs:
            rest.append(_not_called(question, made))
    return (*(item for item in chain.from_iterable(zip_longest(*columns)) if item is not None), *rest)


@dataclass(frozen=True)
class _Sites:
    """The sites that were compared.

    Attributes:
        made: what came of it.
        names: in alphabetical order.
        measures: theirs.
    """

    made: JudgedPairs
    names: list[str]
    measures: MeasureTable

    @cached_property
    def places(self) -> dict[str, int]:
        """By name."""
        return {name: place for place, name in enumerate(self.names)}

    def of(self, names: Sequence[str]) -> np.ndarray:
        """Places of several."""
        return np.array([self.places[name] for name in names], dtype=int)


def _of_question(question: str, pairs: Sequence[Pair], sites: _Sites, most: int | None) -> Iterator[Evidence]:
    """The causes, the heaviest first; then pairs of which no cause is known, by axis."""
    i, j = sites.of([a for a, _ in pairs]), sites.of([b for _, b in pairs])
    silent = np.ones(len(pairs), dtype=bool)
    groups: list[tuple[str, SiteGroup[Direction]]] = []
    for cause, measures in CAUSES.get(question, {}).items() if pairs else ():
        sizes = [*sites.measures.differing(question, cause, i, j).values()]
        silent &= ~np.any(sizes, axis=0)
        found = SiteGroups.of(_differing(sizes, i, j), len(sites.names)).heaviest(most)
        groups.extend(
            (cause, _upright(_named(site, (measures[key // 2], bool(key % 2)), others, weight, sites)))
            for site, key, others, weight in found
        )
    groups = sorted(groups, key=lambda item: -item[1].weight)[:most]
    for cause, group in groups:
        yield _of_cause(question, cause, group, sites)
    rest = np.flatnonzero(silent)
    axes = sites.made.axes(question, [pairs[row] for row in rest.tolist()])
    keys = [*dict.fromkeys(axes)]
    number = {axis: key for key, axis in enumerate(keys)}
    codes, one = np.array([number[axis] for axis in axes], dtype=int), np.ones(len(rest))
    both = Differing(
        *(np.concatenate(ends) for ends in ((i[rest], j[rest]), (j[rest], i[rest]), (codes, codes), (one, one)))
    )
    left = None if most is None else most - len(groups)
    for site, key, others, weight in SiteGroups.of(both, len(sites.names)).heaviest(left):
        yield _of_axis(question, _named(site, keys[key], others, weight, sites), sites.made)


def _differing(sizes: Sequence[np.ndarray], i: np.ndarray, j: np.ndarray) -> Differing:
    """Measures that differ between pairs of sites from the view of either, those that differ most first; the key of a
    measure is twice its number, and one more where it is higher at the site.

    Args:
        sizes: (m,) of each measure, as `MeasureTable.differing` has them.
        i, j: (m,) the sites.
    """
    parts = []
    for number, size in enumerate(sizes):
        rows = np.flatnonzero(size)
        strength = np.abs(size[rows])
        parts.append((j[rows], i[rows], 2 * number + (size[rows] > 0), strength))
        parts.append((i[rows], j[rows], 2 * number + (size[rows] < 0), strength))
    site, other, key, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-weight, kind="stable")
    return Differing(site[order], other[order], key[order], weight[order])


def _named(site: int, key: Key, others: Sequence[int], weight: float, sites: _Sites) -> SiteGroup[Key]:
    return SiteGroup(sites.names[site], key, tuple(sites.names[other] for other in others), weight)


def _upright(group: SiteGroup[Direction]) -> SiteGroup[Direction]:
    """A ratio of two sites is stated as that of the larger to the smaller."""
    (measure, up), others = group.key, group.others
    if up or len(others) > 1 or not MEASURES[measure].unit.startswith("log"):
        return group
    return SiteGroup(others[0], (measure, True), (group.site,), group.weight)


def _of_cause(question: str, cause: str, group: SiteGroup[Direction], sites: _Sites) -> Evidence:
    """One cause at one site: the measure that stands for it, and those that differ with it against every other site."""
    site, (measure, _), made = group.site, group.key, sites.made
    others = sites.of(group.others)
    found = sites.measures.between(question, cause, others, np.full(len(others), sites.places[site]))
    tables = [{one.measure: one for one in differing} for differing in found]
    leading = [table[measure] for table in tables]
    also = [
        [table[name] for table in tables]
        for name in tables[0]
        if name != measure and all(name in table and table[name].up == tables[0][name].up for table in tables)
    ]
    here = made.profiles[site].measures[measure]
    ends = {min(leading, key=_strength).sites[0], max(leading, key=_strength).sites[0]}
    deltas = [_delta(here, made.profiles[other].measures[measure]) for other in sorted(ends)]
    says = describe_difference(leading, deltas, also, len(made.profiles) - 1)
    if cause == "lesion size" and any("habit" in held for held in made.held(question, site, group.others)):
        says += "; as drawn, the contours' habit not taken off"
    return Evidence(
        question=question,
        cause=cause,
        measure=measure,
        sites=(*group.others, site),
        effect=sum(one.gap for one in leading) / len(leading),
        low=min(one.low for one in leading),
        high=max(one.high for one in leading),
        n=(sum(one.n[0] for one in leading), leading[0].n[1]),
        delta=min(deltas, key=abs),
        also=tuple(item[0].measure for item in also),
        says=says,
    )


def _delta(here: Summary, there: Summary) -> float:
    """Cliff's delta, above 0 where values are higher here."""
    return cliffs_delta(
        here.counts, here.edges, there.counts, there.edges, (here.mean, here.sd), (there.mean, there.sd)
    )


def _strength(difference: MeasureDifference) -> float:
    return difference.strength


def _of_axis(question: str, group: SiteGroup[str], made: JudgedPairs) -> Evidence:
    """Classes, or a whole axis that no single measure stands for."""
    site, others = group.site, group.others
    answers, n = made.answers(question, site, others), made.patients(question, site, others)
    patients = (sum(there for _, there in n), n[0][0])
    if question == "label":
        says = classes_differ([made.profiles[name] for name in (site, *others)], answers, patients)
    elif question == CONCEPT:
        says = labels_differ(site, whom(others, len(made.profiles) - 1), answers, patients)
    else:
        says = axis_differs(group.key, site, whom(others, len(made.profiles) - 1), answers, patients)
    effects = [answer.effect or 0.0 for answer in answers]
    return Evidence(
        question=question,
        measure=group.key,
        sites=(*others, site),
        effect=sum(effects) / len(effects),
        low=min(answer.low or 0.0 for answer in answers),
        high=max(answer.high or 0.0 for answer in answers),
        n=patients,
        says=says,
    )


def _of_tags(pairs: Sequence[Pair], made: JudgedPairs, most: int | None) -> Iterator[Evidence]:
    """Acquisition tags that go with a difference of appearance."""
    known = made.profiles
    for item in separating_tags([(known[a], known[b]) for a, b in pairs], len(known), most):
        tag, *rest = item.tags
        low, effect, high = item.shares
        yield Evidence(
            question="appearance",
            cause="acquisition",
            measure=tag,
            sites=(*item.others, item.site),
            effect=effect,
            low=low,
            high=high,
            n=item.n,
            also=tuple(rest),
            says=item.says,
        )


def _not_called(question: str, made: JudgedPairs) -> Evidence:
    """How large a shift is left possible where none was called, or that nothing can be said."""
    found = made.uncalled(question)
    if found is None:
        return Evidence(
            question=question, measure=_ANSWERED_BY[question], sites=(), n=(0, 0), says=unanswerable(question)
        )
    unasked = made.pairs - found.asked
    if found.contrast is not None:
        says = labels_alike(found.pair, found.contrast, found.answer, found.n, (found.hidden, found.asked), unasked)
    else:
        says = no_shift(question, found.pair, found.answer, found.n, found.detectable, (found.asked, unasked))
    return Evidence(
        question=question,
        measure=found.answer.axis or _ANSWERED_BY[question],
        sites=found.pair,
        effect=found.answer.effect,
        low=found.answer.low,
        high=found.answer.high,
        n=found.n,
        says=says,
    )

"""Why a verdict: what differs, each cause once, and what can be ruled out."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest

from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.causes.measure_differences import MeasureDifference, measure_differences
from shiftscope.diagnosis.causes.outlying_sites import SiteGroup, outlying_sites
from shiftscope.diagnosis.causes.scanners import separating_tags
from shiftscope.diagnosis.judged_pairs import Comparisons, Pair
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


def evidence_of(made: Comparisons) -> tuple[Evidence, ...]:
    """First why shifts were called, the clearest finding on each question, then the second of each, and so on; last,
    for every question that was called of no pair, how large a shift is left possible."""
    if not made.verdicts:
        return ()
    columns: list[list[Evidence]] = []
    for question in QUESTIONS:
        pairs = made.called(question)
        columns.append([*_of_question(question, pairs, made)])
        if question == "appearance":
            columns.append([*_of_tags(pairs, made)])
    rest = [_not_called(question, made) for question in QUESTIONS if not made.called(question)]
    return (*(item for item in chain.from_iterable(zip_longest(*columns)) if item is not None), *rest)


def _of_question(question: str, pairs: Sequence[Pair], made: Comparisons) -> Iterator[Evidence]:
    """The causes, the heaviest first; then pairs of which no cause is known, by axis."""
    known = made.profiles
    found = {(a, b): measure_differences(question, known[a], known[b]) if question in CAUSES else {} for a, b in pairs}
    groups: list[tuple[str, SiteGroup[Direction]]] = []
    for cause in CAUSES.get(question, ()):
        differing: dict[Pair, dict[Direction, float]] = {}
        for pair, by_cause in found.items():
            for site, other in (pair, pair[::-1]):
                own = [one.with_last(site) for one in by_cause.get(cause, ())]
                differing[site, other] = {(one.measure, one.up): one.strength for one in own}
        groups.extend((cause, _upright(group)) for group in outlying_sites(differing, len(known)))
    for cause, group in sorted(groups, key=lambda item: -item[1].weight):
        yield _of_cause(question, cause, group, found, made)
    silent = [pair for pair, by_cause in found.items() if not by_cause]
    axes = {(a, b): {made.answer(question, a, b).axis or "": 1.0} for a, b in silent}
    for whole in outlying_sites(axes | {pair[::-1]: axis for pair, axis in axes.items()}, len(known)):
        yield _of_axis(question, whole, made)


def _upright(group: SiteGroup[Direction]) -> SiteGroup[Direction]:
    """A ratio of two sites is stated as that of the larger to the smaller."""
    (measure, up), others = group.key, group.others
    if up or len(others) > 1 or not MEASURES[measure].unit.startswith("log"):
        return group
    return SiteGroup(others[0], (measure, True), (group.site,), group.weight)


def _of_cause(
    question: str,
    cause: str,
    group: SiteGroup[Direction],
    found: Mapping[Pair, Mapping[str, Sequence[MeasureDifference]]],
    made: Comparisons,
) -> Evidence:
    """One cause at one site: the measure that stands for it, and those that differ with it against every other site."""
    site, (measure, _) = group.site, group.key
    tables = [
        {one.measure: one.with_last(site) for one in found[made.pair(site, other)][cause]} for other in group.others
    ]
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
    if cause == "lesion size" and any("habit" in made.answer(question, site, other).held for other in group.others):
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


def _of_axis(question: str, group: SiteGroup[str], made: Comparisons) -> Evidence:
    """Classes, or a whole axis that no single measure stands for."""
    site, others = group.site, group.others
    answers = [made.answer(question, site, other) for other in others]
    n = [made.patients(question, site, other) for other in others]
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


def _of_tags(pairs: Sequence[Pair], made: Comparisons) -> Iterator[Evidence]:
    """Acquisition tags that go with a difference of appearance."""
    known = made.profiles
    for item in separating_tags([(known[a], known[b]) for a, b in pairs], len(known)):
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


def _not_called(question: str, made: Comparisons) -> Evidence:
    """How large a shift is left possible where none was called, or that nothing can be said."""
    asked = made.asked(question)
    if not asked:
        return Evidence(
            question=question, measure=_ANSWERED_BY[question], sites=(), n=(0, 0), says=unanswerable(question)
        )
    answers = {pair: made.answer(question, *pair) for pair in asked}
    a, b = max(asked, key=lambda pair: (answers[pair].disputed or answers[pair].hidden, answers[pair].high or 0.0))
    answer, unasked = answers[a, b], len(made.verdicts) - len(asked)
    here, there = made.patients(question, b, a)
    if (contrast := made.shifts[a, b].contrast(answer.axis or "", answer.classes)) is not None:
        says = labels_alike((a, b), contrast, answers, (there, here), unasked)
    else:
        says = no_shift(question, (a, b), answers, (there, here), unasked)
    return Evidence(
        question=question,
        measure=answer.axis or _ANSWERED_BY[question],
        sites=(a, b),
        effect=answer.effect,
        low=answer.low,
        high=answer.high,
        n=(there, here),
        says=says,
    )

"""Sites judged: every pair by itself where they are few, and as arrays where they are many, with one outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.diagnosis.axis_verdicts import AxisVerdict, Limits
from shiftscope.diagnosis.causes.attribution import evidence_of
from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.judged_pairs import Comparisons, ManyComparisons, Pair
from shiftscope.diagnosis.listed_pairs import MOST_FINDINGS, MOST_SITES, Listing, listed_rows
from shiftscope.diagnosis.many_pairs import ManyPairs
from shiftscope.diagnosis.removal import FEATURES, FeatureEffects, FeatureLayer
from shiftscope.diagnosis.site_distances import SiteDistances
from shiftscope.diagnosis.texts.caveats import is_blind
from shiftscope.diagnosis.texts.standout_text import CHANGED, DISTANT
from shiftscope.diagnosis.verdicts import Verdict, judge
from shiftscope.errors import ProfileError
from shiftscope.measures.question_names import QUESTIONS
from shiftscope.profiles import Profile
from shiftscope.shifts import Outlyingness, SiteStatistics, compare_all
from shiftscope.shifts.effect_distributions import joined
from shiftscope.shifts.many_sites.many_deletions import outlyingness_of_many
from shiftscope.shifts.many_sites.pair_blocks import in_order

__all__ = ["UNASKED", "JudgedSites", "judged_few", "judged_many"]

UNASKED = Verdict(kind="insufficient", axes={question: AxisVerdict() for question in QUESTIONS})

_BLOCK = 4000  # pairs whose features are compared at a time


@dataclass(frozen=True)
class JudgedSites:
    """Sites that were compared, and what came of it.

    Attributes:
        pairs: how many pairs there are.
        axes: question -> the strongest answer over all of them.
        listed: the pairs of which all is said.
        by_site: site -> the verdict on it against all others.
        evidence: findings.
        features: the effects on features of the pairs with an appearance shift.
        blind: pairs without masks at both sites.
        outlyingness: site -> how far it lies from all others.
        distances: how far sites lie apart.
        listing: how much is listed; None where that is all.
    """

    pairs: int
    axes: dict[str, AxisVerdict]
    listed: Mapping[Pair, Verdict]
    by_site: dict[str, Verdict]
    evidence: tuple[Evidence, ...]
    features: FeatureEffects
    blind: int
    outlyingness: Mapping[str, Sequence[Outlyingness]]
    distances: SiteDistances
    listing: Listing | None


@dataclass(frozen=True, slots=True)
class _NamedVerdict:
    """A pair and what is said of it."""

    a: str
    b: str
    distances: tuple[AxisVerdict, ...]


def judged_few(profiles: Sequence[Profile], limits: Limits) -> JudgedSites:
    """Every pair of profiles, sorted by site, each of enough patients."""
    found = compare_all([SiteStatistics.of(profile) for profile in profiles])
    shifts = found.pairs
    verdicts = dict(zip(shifts, judge(list(shifts.values()), limits), strict=True))
    sites = dict(zip(found.by_site, judge(list(found.by_site.values()), limits), strict=True))
    known = {profile.site: profile for profile in profiles}
    appearance = {pair: shifts[pair] for pair in shifts if verdicts[pair].axes["appearance"].called}
    named = [_NamedVerdict(a, b, verdict.distances) for (a, b), verdict in verdicts.items()]
    return JudgedSites(
        pairs=len(shifts),
        axes={
            question: _strongest([verdict.axes[question] for verdict in verdicts.values()])
            for question in (QUESTIONS if shifts else ())
        },
        listed=verdicts,
        by_site=sites,
        evidence=evidence_of(Comparisons(shifts, verdicts, known)),
        features=FeatureEffects.of(appearance),
        blind=sum(map(is_blind, verdicts.values())),
        outlyingness=found.outlyingness,
        distances=SiteDistances.of([*known], named),
        listing=None,
    )


def judged_many(profiles: Sequence[Profile], limits: Limits) -> JudgedSites:
    """The same of more profiles than there can be objects of pairs.

    Raises:
        ProfileError: more than can be compared.
    """
    if len(profiles) > MOST_SITES:
        raise ProfileError(
            f"got {len(profiles)} profiles of enough patients, expected {MOST_SITES} at the most: the pairs of more"
            " would not fit into the memory of a workstation; compare parts of the federation"
        )
    if len(profiles) < 2:
        return judged_few(profiles, limits)
    many = ManyPairs.of([SiteStatistics.of(profile) for profile in profiles], limits)
    made = ManyComparisons(many, {profile.site: profile for profile in profiles})
    best = {question: many.strongest(question) for question in QUESTIONS}
    strongest = np.unique([row for row in best.values() if row is not None]).astype(int)
    called, effects = many.called_effects()
    rows = listed_rows(called, effects, strongest.tolist())
    listed = dict(zip(made.named(rows), many.verdicts(rows), strict=True))
    by_row = dict(zip(rows.tolist(), listed.values(), strict=True))
    sites = dict(zip((site.site for site in many.sites), many.by_site, strict=True))
    return JudgedSites(
        pairs=made.pairs,
        axes={
            question: AxisVerdict() if (row := best[question]) is None else by_row[row].axes[question]
            for question in QUESTIONS
        },
        listed=listed,
        by_site=sites,
        evidence=evidence_of(made, MOST_FINDINGS),
        features=_features(many, made),
        blind=many.blind(),
        outlyingness=outlyingness_of_many(many.compared, CHANGED, DISTANT),
        distances=SiteDistances.of_many(many),
        listing=Listing.of(made.pairs, len(called), len(rows)),
    )


def _features(many: ManyPairs, made: ManyComparisons) -> FeatureEffects:
    """Of the pairs with an appearance shift that have all features."""
    rows = many.called("appearance")
    starts = range(0, len(rows), _BLOCK)
    kept, layers = [np.zeros(0, dtype=int)], {axis: [np.zeros((4, 0))] for axis in FEATURES}
    for block, found in in_order(lambda start: _features_of(many, rows[start : start + _BLOCK]), starts):
        kept.append(block)
        for axis, layer in found.items():
            layers[axis].append(layer)
    effects: dict[str, FeatureLayer] = {}
    for axis, parts in layers.items():
        value, low, high, width = np.concatenate(parts, axis=1)
        effects[axis] = value, low, high, width
    sites = tuple(dict.fromkeys(site for pair in made.named(rows) for site in pair))
    return FeatureEffects.joined(sites, made.named(np.concatenate(kept)), effects)


def _features_of(many: ManyPairs, rows: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Of a block of pairs those that have all features, k of them; axis -> (4, k) their effects, the ends of the
    intervals and the coordinates compared."""
    axes = many.compared.of_pairs(many.places(rows), FEATURES)
    found = {axis: axes[axis] for axis in FEATURES}
    whole = np.flatnonzero(np.all([np.isin(np.arange(len(rows)), one.rows) for one in found.values()], axis=0))
    places = {axis: np.searchsorted(one.rows, whole) for axis, one in found.items()}
    distributions = joined([one.distributions.at_rows(places[axis]) for axis, one in found.items()])
    value = distributions.value
    low, high = distributions.near_lower_end(), distributions.near_upper_end()
    width = np.concatenate([one.differences.width[places[axis]] for axis, one in found.items()])
    columns = np.stack([value, np.minimum(low, value), np.maximum(high, value), width])
    return rows[whole], dict(zip(found, np.split(columns, len(found), axis=1), strict=True))


def _strongest(answers: Sequence[AxisVerdict]) -> AxisVerdict:
    """The answer of the pair with the best case; of those that were asked, those first of which nothing can be said."""
    return max(
        answers,
        key=lambda answer: (
            answer.called,
            answer.disputed or answer.hidden,
            answer.effect is not None,
            answer.probability or 0.0,
            answer.effect or 0.0,
        ),
    )

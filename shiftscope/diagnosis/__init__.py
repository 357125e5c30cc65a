"""What kind of shift, how sure, between whom, because of what.

For: one answer to each of five questions about any two sites, and the reasons. In: profiles. Out: a `Diagnosis`.
`calibration` turns effects into probabilities, `verdicts` calls a shift, `causes` name what differs and where,
`removal` says what each harmonizer would take off, `texts` put it into sentences; `question_names` holds what the
questions are called, here and in the literature.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from pydantic import Field

from shiftscope.dataframes import Tabular
from shiftscope.diagnosis.axis_verdicts import LIMITS, AxisVerdict, Limits, QuestionVerdicts
from shiftscope.diagnosis.causes.attribution import evidence_of
from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.judged_pairs import Comparisons
from shiftscope.diagnosis.removal import FeatureEffects, Removal, removals, without_each
from shiftscope.diagnosis.texts.caveats import caveats
from shiftscope.diagnosis.texts.standout_text import unchecked
from shiftscope.diagnosis.verdicts import Kind, Verdict, judge, sum_up
from shiftscope.errors import ProfileError
from shiftscope.measures.question_names import CONCEPT, QUESTIONS
from shiftscope.profiles import Profile
from shiftscope.records import Document
from shiftscope.shifts import Shift, SiteStatistics, compare_all

__all__ = [
    "LIMITS",
    "AxisVerdict",
    "Diagnosis",
    "Evidence",
    "Kind",
    "Limits",
    "PairVerdict",
    "Removal",
    "Verdict",
    "diagnose",
]


class PairVerdict(Verdict):
    """The verdict on two sites."""

    a: str
    b: str


class Diagnosis(Document, Tabular):
    """The diagnosis of a federation.

    Attributes:
        kind: sums up appearance and structure over the sites.
        axes: question -> the strongest answer over the pairs.
        pairs: every pair.
        by_site: every site against all others together.
        evidence: findings in sentences, the clearest first, each cause once.
        removed: what each harmonizer would remove of the shift in appearance, the most first; empty without one.
        removed_without: site -> the same between all others; of no site without which no such pair is left.
        caveats: what lowers the confidence, in sentences.
    """

    kind: Kind
    axes: QuestionVerdicts
    pairs: tuple[PairVerdict, ...]
    by_site: dict[str, Verdict]
    evidence: tuple[Evidence, ...]
    removed: tuple[Removal, ...]
    removed_without: dict[str, tuple[Removal, ...]] = Field(default_factory=dict)
    caveats: tuple[str, ...]

    def headline(self) -> str:
        """The kind, of how many sites, and whether the same labels mean something else."""
        pairs = f"{len(self.pairs)} pair{'s' * (len(self.pairs) != 1)}"
        other = "; the same labels mean something else" * self.axes[CONCEPT].called
        return f"{self.kind}: {len(self.by_site)} sites, {pairs}{other}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each pair of sites and question."""
        keys = (
            "effect",
            "low",
            "high",
            "probability",
            "p",
            "detectable",
            "called",
            "disputed",
            "axis",
            "held",
            "hidden",
        )
        return [
            {"a": pair.a, "b": pair.b, "question": question, **{key: getattr(answer, key) for key in keys}}
            for pair in self.pairs
            for question, answer in pair.axes.items()
        ]


_UNASKED = Verdict(kind="insufficient", axes={question: AxisVerdict() for question in QUESTIONS})


def diagnose(profiles: Sequence[Profile], limits: Limits = LIMITS) -> Diagnosis:
    """Diagnose a federation from its profiles; the order of the profiles does not matter.

    Raises:
        ProfileError: fewer than two profiles, or two of one site.
        NotComparable: profiles measured in different ways.
    """
    profiles = sorted(profiles, key=lambda profile: profile.site)
    _require_usable(profiles)
    large = [profile for profile in profiles if profile.patients >= limits.needed(profile.patient_source)]
    known = {profile.site: profile for profile in large}
    found = compare_all([SiteStatistics.of(profile) for profile in large])
    shifts = found.pairs
    verdicts = dict(zip(shifts, judge(list(shifts.values()), limits), strict=True))
    pairs = [
        PairVerdict(a=a.site, b=b.site, **dict(verdicts.get((a.site, b.site), _UNASKED)))
        for a, b in combinations(profiles, 2)
    ]
    if not shifts:
        kind: Kind = "insufficient"
        axes = _UNASKED.axes
    else:
        axes = {
            question: _strongest([verdict.axes[question] for verdict in verdicts.values()]) for question in QUESTIONS
        }
        kind = sum_up(axes)
    features = FeatureEffects.of({pair: shifts[pair] for pair in shifts if verdicts[pair].axes["appearance"].called})
    return Diagnosis(
        kind=kind,
        axes=axes,
        pairs=tuple(pairs),
        by_site=_by_site(profiles, found.by_site, limits),
        evidence=evidence_of(Comparisons(shifts, verdicts, known)),
        removed=removals(features),
        removed_without=without_each(features),
        caveats=(*caveats(profiles, list(verdicts.values()), limits, found.outlyingness), *unchecked(large)),
    )


def _require_usable(profiles: Sequence[Profile]) -> None:
    if len(profiles) < 2:
        raise ProfileError(f"got {len(profiles)} profile, expected two or more: a shift is a difference between sites")
    for one, two in pairwise(profiles):
        if one.site == two.site:
            raise ProfileError(f"two profiles are of a site named '{one.site}'; profile one again with --site NAME")
        one.require_comparable(two)


def _by_site(profiles: Sequence[Profile], shifts: Mapping[str, Shift], limits: Limits) -> dict[str, Verdict]:
    """Every site against all others, each of them counted alike."""
    verdicts = dict(zip(shifts, judge(list(shifts.values()), limits), strict=True))
    return {profile.site: verdicts.get(profile.site, _UNASKED) for profile in profiles}


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

"""What to do about a shift: what each action is expected to gain over FedAvg, and how sure that is.

In: a diagnosis and its profiles. Out: `recommend -> Recommendation`; `advise` diagnoses first and returns `Advice`.
`prediction/` holds the model and its choice, learned from a benchmark of federations (docs/advice.md); what the
study's rule (arXiv:2605.00892) and the project's own came to there is why it is a prediction.
"""

from collections.abc import Sequence
from typing import Any

from shiftscope.dataframes import Tabular
from shiftscope.diagnosis import Diagnosis, SiteDistances, diagnosed
from shiftscope.diagnosis.listed_pairs import WHOLE
from shiftscope.profiles import Profile, require_different_sites
from shiftscope.recommendation.advice_documents import (
    RULES,
    AdvisedCost,
    Alternative,
    ExpectedGain,
    PredictedGain,
    Recommendation,
    Rules,
)
from shiftscope.recommendation.drafts import AdviceBasis, draft_of
from shiftscope.recommendation.harmonizing import sent_by
from shiftscope.recommendation.one_site import rests_on_one
from shiftscope.recommendation.open_questions import open_questions
from shiftscope.recommendation.prediction.advice_policy import AdvicePolicy, Network, load_policy
from shiftscope.recommendation.prediction.candidates import Candidate
from shiftscope.recommendation.prediction.policy_inputs import taking_part
from shiftscope.recommendation.prediction.rehearsed_gains import MeasuredGain
from shiftscope.recommendation.reasons import reasons
from shiftscope.recommendation.runners_up import runners_up
from shiftscope.recommendation.site_clusters import clusters_of
from shiftscope.records import Document, Record

__all__ = [
    "RULES",
    "Advice",
    "AdviceBasis",
    "AdvicePolicy",
    "AdvisedCost",
    "Alternative",
    "ExpectedGain",
    "MeasuredGain",
    "Network",
    "PredictedGain",
    "Recommendation",
    "Rules",
    "SiteSize",
    "advise",
    "load_policy",
    "recommend",
]


class SiteSize(Record):
    """How much a site brings."""

    site: str
    patients: int
    cases: int


class Advice(Document, Tabular):
    """All that `shiftscope recommend` says."""

    sites: tuple[SiteSize, ...]
    diagnosis: Diagnosis
    recommendation: Recommendation

    def headline(self) -> str:
        """The kind of shift, and what to do."""
        names = " and ".join(filter(None, (self.recommendation.harmonizer, self.recommendation.personalizer)))
        return f"{self.diagnosis.headline()}; {self.recommendation.action}{f' ({names})' if names else ''}"

    def to_rows(self) -> list[dict[str, Any]]:
        """The diagnosis: a row for each pair of sites and question."""
        return self.diagnosis.to_rows()


def advise(profiles: Sequence[Profile], basis: AdviceBasis | None = None, whole: int = WHOLE) -> Advice:
    """Diagnose a federation and recommend what to do.

    Args:
        profiles: of two sites or more.
        basis: what else it rests on; None for the policy that comes with the package, and a pretrained network.
        whole: sites up to which every pair is listed.

    Raises:
        ProfileError: fewer than two profiles, two of one site, too many classes, or more sites than can be compared.
        NotComparable: profiles measured in different ways.
    """
    basis = AdviceBasis(load_policy()) if basis is None else basis
    profiles = sorted(profiles, key=lambda profile: profile.site)
    require_different_sites(profiles)
    diagnosis, distances = diagnosed(profiles, whole=whole)
    sizes = tuple(SiteSize(site=item.site, patients=item.patients, cases=item.cases) for item in profiles)
    doubts = rests_on_one(diagnosis, profiles, basis)
    with_caveats = diagnosis.model_copy(update={"caveats": (*diagnosis.caveats, *doubts)})
    recommendation = recommend(diagnosis, profiles, basis, distances)
    return Advice(sites=sizes, diagnosis=with_caveats, recommendation=recommendation)


def recommend(
    diagnosis: Diagnosis,
    profiles: Sequence[Profile],
    basis: AdviceBasis | None = None,
    distances: SiteDistances | None = None,
) -> Recommendation:
    """The advice for a diagnosed federation.

    Args:
        diagnosis: of the profiles.
        profiles: of two sites or more.
        basis: what else it rests on; None for the policy that comes with the package, and a pretrained network.
        distances: between the sites that were compared; None where the diagnosis lists all pairs.
    """
    basis = AdviceBasis(load_policy()) if basis is None else basis
    if diagnosis.kind == "insufficient":
        return _without_comparison(basis)
    draft = draft_of(diagnosis, profiles, diagnosis.removed, basis)
    undecided, advised = open_questions(diagnosis, draft), draft.advised
    harmonizer, personalizer = (None, None) if advised is None else (advised.harmonizer, advised.personalizer)
    sent = sent_by(harmonizer, taking_part(diagnosis, profiles))
    return Recommendation(
        action=draft.action,
        harmonizer=harmonizer,
        personalizer=personalizer,
        because=tuple(reasons(draft, diagnosis)),
        undecided=tuple(item.says for item in undecided),
        alternatives=runners_up(draft, [item.other for item in undecided if item.other is not None]),
        cost=AdvisedCost(bytes=sent, compute=1.0 if advised is None else advised.compute),
        clusters=clusters_of(diagnosis, distances),
        network=basis.network,
        predicted=tuple(_predicted(each, basis.rules.margin) for each in draft.candidates),
        certainty=draft.decision.certainty,
    )


def _predicted(candidate: Candidate, margin: float) -> PredictedGain:
    gain = candidate.gain
    return PredictedGain(
        action=candidate.action,
        harmonizer=candidate.harmonizer,
        personalizer=candidate.personalizer,
        gain=ExpectedGain(mean=gain.mean, low=gain.mean - gain.half, high=gain.mean + gain.half),
        harm=candidate.harm(margin),
        cost=candidate.compute,
    )


def _without_comparison(basis: AdviceBasis) -> Recommendation:
    return Recommendation(
        action="collect_more",
        harmonizer=None,
        personalizer=None,
        because=("fewer than two sites have enough patients to be compared",),
        undecided=(),
        alternatives=(),
        cost=AdvisedCost(bytes=0, compute=1.0),
        network=basis.network,
    )

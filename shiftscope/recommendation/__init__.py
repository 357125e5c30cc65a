"""What to do about a shift: from what a harmonizer removes and what remains, from task conflict, and from size.

The study's rule is the prior (arXiv:2605.00892): harmonize where appearance differs, personalize where structure
differs, neither where hardly anything does. This project's own trials say what the name of the shift does not
(docs/decisions.md): a harmonizer is worth it only if it removes something; a model has to adapt to what remains only if
that is far more than real scanners leave; sites that draw their masks differently each need a head of their own; and
with few patients personalization costs more than it gives.

In: a diagnosis and the profiles. Out: `recommend -> Recommendation`; `advise` diagnoses first and returns `Advice`.
"""

from collections.abc import Sequence

from shiftscope.diagnosis import AxisVerdict, Diagnosis, diagnose
from shiftscope.profiles import Profile, require_different_sites
from shiftscope.recommendation.advice_documents import RULES, AdvisedCost, Alternative, Recommendation, Rules
from shiftscope.recommendation.deciding import decide, taking_part
from shiftscope.recommendation.drafts import NOUNS, PERSONALIZER
from shiftscope.recommendation.harmonizing import cost_of, name_of
from shiftscope.recommendation.one_site import rests_on_one
from shiftscope.recommendation.open_questions import open_questions
from shiftscope.recommendation.runners_up import runners_up
from shiftscope.recommendation.site_clusters import clusters_of
from shiftscope.records import Document, Record

__all__ = [
    "RULES",
    "Advice",
    "AdvisedCost",
    "Alternative",
    "Recommendation",
    "Rules",
    "SiteSize",
    "advise",
    "recommend",
]


class SiteSize(Record):
    """How much a site brings."""

    site: str
    patients: int
    cases: int


class Advice(Document):
    """All that `shiftscope recommend` says."""

    sites: tuple[SiteSize, ...]
    diagnosis: Diagnosis
    recommendation: Recommendation


def advise(profiles: Sequence[Profile]) -> Advice:
    """Diagnose a federation and recommend what to do.

    Raises:
        ProfileError: fewer than two profiles, two of one site, or too many classes.
        NotComparable: profiles measured in different ways.
    """
    profiles = sorted(profiles, key=lambda profile: profile.site)
    require_different_sites(profiles)
    diagnosis = diagnose(profiles)
    sizes = tuple(SiteSize(site=item.site, patients=item.patients, cases=item.cases) for item in profiles)
    with_caveats = diagnosis.model_copy(update={"caveats": (*diagnosis.caveats, *rests_on_one(diagnosis, profiles))})
    return Advice(sites=sizes, diagnosis=with_caveats, recommendation=recommend(diagnosis, profiles))


def recommend(diagnosis: Diagnosis, profiles: Sequence[Profile], rules: Rules = RULES) -> Recommendation:
    """The advice for a diagnosed federation."""
    if diagnosis.kind == "insufficient":
        return _without_comparison()
    case, reasons = decide(diagnosis, profiles, diagnosis.removed, rules)
    because = [*(_reason(diagnosis.axes[question], question) for question in case.called), *reasons]
    if not case.called:
        because.append("no shift in appearance, structure, class prevalence or annotation that counts was found")
    if case.called == ("label",):
        because.append("plain FedAvg copes with different prevalence; judge each site by balanced metrics")
    harmonizer = name_of(case.chosen) if case.map else None
    undecided = open_questions(diagnosis, case, rules)
    return Recommendation(
        action=case.action,
        harmonizer=harmonizer,
        personalizer=PERSONALIZER if case.own else None,
        because=tuple(because),
        undecided=tuple(item.says for item in undecided),
        alternatives=runners_up(case, [item.other for item in undecided if item.other is not None], rules),
        cost=cost_of(harmonizer, taking_part(diagnosis, profiles)),
        clusters=clusters_of(diagnosis),
    )


def _without_comparison() -> Recommendation:
    return Recommendation(
        action="collect_more",
        harmonizer=None,
        personalizer=None,
        because=("fewer than two sites have enough patients to be compared",),
        undecided=(),
        alternatives=(),
        cost=AdvisedCost(bytes=0, compute=1.0),
    )


def _reason(answer: AxisVerdict, question: str) -> str:
    """The answer to one question with its interval and how sure it is."""
    low, high, probability = answer.low or 0.0, answer.high or 0.0, answer.probability or 0.0
    return (
        f"sites differ in {NOUNS.get(question, question)}: effect {answer.effect or 0.0:.2f},"
        f" 95 % [{low:.2f}, {high:.2f}], confidence {min(probability, 0.999):.3g}"
    )

"""What to do about a shift: from what a harmonizer removes, what remains, from task conflict, and from size.

In: a diagnosis and its profiles. Out: `recommend -> Recommendation`; `advise` diagnoses first and returns `Advice`.
The study's rule is the prior (arXiv:2605.00892): harmonize where appearance differs, personalize where structure does.
What the project's own trials say against it stands in docs/decisions.md, and each rule here in `deciding`.
"""

from collections.abc import Sequence
from typing import Any

from shiftscope.dataframes import Tabular
from shiftscope.diagnosis import AxisVerdict, Diagnosis, diagnose
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.profiles import Profile, require_different_sites
from shiftscope.recommendation.advice_documents import RULES, AdvisedCost, Alternative, Recommendation, Rules
from shiftscope.recommendation.deciding import decide, taking_part
from shiftscope.recommendation.drafts import PERSONALIZER
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
        if (concept := diagnosis.axes[CONCEPT]).effect is not None and not concept.hidden:
            because.append("the same labels mean the same, as far as profiles show")
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
    low, high, probability = answer.low or 0.0, answer.high or 0.0, answer.probability
    sure = f"p {answer.p or 0.0:.1g}" if probability is None else f"confidence {min(probability, 0.999):.3g}"
    return (
        f"sites differ in {SUBJECTS[question]}: effect {number(answer.effect or 0.0)},"
        f" 95 % [{number(low)}, {number(high)}], {sure}"
    )

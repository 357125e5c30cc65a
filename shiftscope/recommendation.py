"""What to do about a shift: the study's rule as the prior, bent by what a map removes, by task conflict and by size.

The rule (arXiv:2605.00892): harmonize where appearance differs, personalize where structure differs, neither where
hardly anything does. It is bent where this project's own trials contradict it (docs/decisions.md): a map that cannot
undo an appearance shift is not recommended, sites that draw their masks differently each need a head of their own, and
with few patients personalization costs more than it gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shiftscope.diagnosis import Diagnosis, diagnose
from shiftscope.profiles import Profile
from shiftscope.records import Document, Real, Record

__all__ = ["RULES", "Advice", "Alternative", "Cost", "Recommendation", "Rules", "SiteSize", "advise", "recommend"]

Action = Literal["pool", "harmonize", "personalize", "both", "collect_more"]

HARMONIZER = "zscore"
PERSONALIZER = "fedper"


@dataclass(frozen=True, slots=True)
class Rules:
    """Where the rule bends; first values, from the trials named in docs/decisions.md.

    Attributes:
        removable: share of the feature difference a map must remove for harmonization to be worth it.
        few: patients at the smallest site below which personalization is not recommended.
    """

    removable: float = 0.5
    few: int = 50


RULES = Rules()


class Alternative(Record):
    """What else could be done, and what would make it the better choice."""

    action: Action
    harmonizer: str | None
    personalizer: str | None
    when: str


class Cost(Record):
    """What the advice costs beyond FedAvg.

    Attributes:
        bytes: more (or, below 0, fewer) bytes that leave a site over the whole job, beside the model's.
        compute: factor on the optimizer steps of FedAvg.
    """

    bytes: int
    compute: Real


class Recommendation(Record):
    """The advice.

    Attributes:
        action: what to do.
        harmonizer: a key of `HARMONIZERS`, None for nothing.
        personalizer: a key of `PERSONALIZERS`, None for nothing.
        because: reasons, in sentences with their numbers.
        alternatives: runners-up, the nearest first.
        cost: beyond FedAvg.
    """

    action: Action
    harmonizer: str | None
    personalizer: str | None
    because: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    cost: Cost


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
        ProfileError: fewer than two profiles, or two of one site.
        NotComparable: profiles measured in different ways.
    """
    profiles = sorted(profiles, key=lambda profile: profile.site)
    diagnosis = diagnose(profiles)
    sizes = tuple(SiteSize(site=item.site, patients=item.patients, cases=item.cases) for item in profiles)
    return Advice(sites=sizes, diagnosis=diagnosis, recommendation=recommend(diagnosis, profiles))


def _option(action: Action, when: str, harmonizer: str = HARMONIZER) -> Alternative:
    """A runner-up with this action."""
    return Alternative(
        action=action,
        harmonizer=harmonizer if action in ("harmonize", "both") else None,
        personalizer=PERSONALIZER if action in ("personalize", "both") else None,
        when=when,
    )


_CHEAPER = _option("pool", "the run shows no difference to FedAvg: the cheaper answer wins")

_ALTERNATIVES: dict[Action, tuple[Alternative, ...]] = {
    "pool": (_option("harmonize", "a later delivery changes appearance"),),
    "harmonize": (
        _option("harmonize", "sites differ in more of the histogram than brightness and contrast", "quantile_map"),
        _CHEAPER,
    ),
    "personalize": (_option("both", "appearance still differs where it matters to the model"), _CHEAPER),
    "both": (
        _option("personalize", "harmonized images do no better than raw ones on the validation cases"),
        _option("harmonize", "all sites must share one model"),
    ),
    "collect_more": (),
}


def recommend(diagnosis: Diagnosis, profiles: Sequence[Profile], rules: Rules = RULES) -> Recommendation:
    """The advice for a diagnosed federation."""
    if diagnosis.kind == "insufficient":
        return _advice("collect_more", ["fewer than two sites have enough patients to be compared"])
    called = [question for question, answer in diagnosis.axes.items() if answer.called]
    reasons = [_reason(diagnosis, question) for question in called]
    removable, told = _removable(diagnosis, rules)
    if "appearance" in called:
        reasons.append(told)
    wants_map = "appearance" in called and removable
    wants_own = bool({"structure", "annotation"} & {*called}) or ("appearance" in called and not removable)
    left_out = {site for site, verdict in diagnosis.by_site.items() if verdict.kind == "insufficient"}
    smallest = min(profile.patients for profile in profiles if profile.site not in left_out)
    withheld: tuple[Alternative, ...] = ()
    if wants_own and smallest < rules.few:
        wants_own = False
        reasons.append(
            f"a model of its own for each site costs more than it gives below {rules.few} patients: {smallest} here"
        )
        withheld = (_option("both" if wants_map else "personalize", f"every site has {rules.few} patients or more"),)
    if not reasons:
        reasons.append("no shift in appearance, structure, labels or annotation that counts was found")
    if called == ["label"]:
        reasons.append("plain FedAvg copes with different prevalence; judge each site by balanced metrics")
    choices: dict[tuple[bool, bool], Action] = {
        (False, False): "pool",
        (True, False): "harmonize",
        (False, True): "personalize",
        (True, True): "both",
    }
    return _advice(choices[wants_map, wants_own], reasons, withheld)


def _advice(action: Action, because: Sequence[str], first: tuple[Alternative, ...] = ()) -> Recommendation:
    return Recommendation(
        action=action,
        harmonizer=HARMONIZER if action in ("harmonize", "both") else None,
        personalizer=PERSONALIZER if action in ("personalize", "both") else None,
        because=tuple(because),
        alternatives=first + _ALTERNATIVES[action],
        cost=Cost(bytes=0, compute=1.0),  # z-score shares nothing, FedPer sends no more and takes the same steps
    )


def _reason(diagnosis: Diagnosis, question: str) -> str:
    """The answer to one question with its interval and how sure it is."""
    answer = diagnosis.axes[question]
    nouns = {"label": "class prevalence", "annotation": "the way masks are drawn"}
    low, high, probability = answer.low or 0.0, answer.high or 0.0, answer.probability or 0.0
    return (
        f"sites differ in {nouns.get(question, question)}: effect {answer.effect or 0.0:.2f},"
        f" 95 % [{low:.2f}, {high:.2f}], confidence {min(probability, 0.999):.3g}"
    )


def _removable(diagnosis: Diagnosis, rules: Rules) -> tuple[bool, str]:
    """Whether a map undoes enough of the appearance shift, and a sentence that says so."""
    removed = diagnosis.removed
    if removed is None:
        return (
            True,
            "the shift is too small in the features to tell what a map removes: the cheapest harmonizer will do",
        )
    low, high = (f"{max(end, 0.0):.0%}" for end in (removed.low, removed.high))
    share = f"{max(removed.share, 0.0):.0%} (between {low} and {high})"
    if removed.share >= rules.removable:
        return True, f"mapping each site to one look removes {share} of the difference in features"
    return (
        False,
        f"mapping each site to one look removes only {share} of the difference in features: the model must adapt",
    )

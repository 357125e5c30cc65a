"""The first lines of a report: the verdict in one sentence, and what it rests on."""

from dataclasses import dataclass

from shiftscope.plans import RunResult
from shiftscope.recommendation import Advice, AdvisedCost
from shiftscope.reports.html.material import Material
from shiftscope.reports.kept_wording import case_words
from shiftscope.reports.prediction_wording import kept_promise
from shiftscope.reports.run_recommendations import recommended
from shiftscope.reports.run_wording import (
    advice_of,
    compared_words,
    has_local,
    judged,
    needed_words,
    participation_words,
    seeds_words,
    verdict_words,
    worst_words,
)
from shiftscope.reports.wording import advised, called

__all__ = ["Opening", "opening"]


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands at the top.

    Attributes:
        title: the page's name.
        verdict: one sentence.
        cost: what the advice costs beyond plain FedAvg; "" for a single site.
        size: sites, patients, images.
        trained: what the run gave, "" before it.
    """

    title: str
    verdict: str
    cost: str
    size: str
    trained: str


def opening(material: Material) -> Opening:
    """The verdict first."""
    profiles, advice, result = material.profiles, material.advice, material.result
    many = len(profiles) > 1
    patients, cases = sum(item.patients for item in profiles), sum(item.cases for item in profiles)
    return Opening(
        title=f"How the images of {len(profiles)} hospitals differ" if many else f"The images of {profiles[0].site}",
        verdict=_capital(_verdict(advice, result)),
        cost="" if advice is None else _cost(advice.recommendation.cost),
        size=f"{len(profiles)} {'sites' if many else 'site'}, {patients:,} patients, {cases:,} images",
        trained="" if result is None else _trained(result),
    )


def _verdict(advice: Advice | None, result: RunResult | None) -> str:
    if advice is None:
        sentence = "one site alone: there is nobody to compare it with"
    else:
        sentence = f"{called(advice.diagnosis)}; the advice is to {advised(advice.recommendation)}"
    if result is None or not judged(result):
        return f"{sentence}."
    plan = result.plan
    recommendation = None if advice is None else advice.recommendation
    as_advised = recommendation is None or (plan.harmonizer, plan.personalizer) == (
        recommendation.harmonizer,
        recommendation.personalizer,
    )
    other = "" if as_advised else f"; the plan's was {advice_of(plan)}"
    return f"{sentence}{other}; in training: {verdict_words(result)}."


def _cost(cost: AdvisedCost) -> str:
    sent = f"{cost.bytes:,} bytes more leave each site over the whole job" if cost.bytes else "no site sends more"
    compute = f"computing takes {cost.compute:g} times as long" if cost.compute != 1 else "computing takes no longer"
    return _capital(f"{sent} than with plain FedAvg, and {compute}.")


def _trained(result: RunResult) -> str:
    """The difference with its interval, the worst site and the harmed ones, whether taking part pays, what to do."""
    cases, parts = case_words(result), []
    if judged(result):
        parts.append(f"In training, {compared_words(result)}, {cases}, {seeds_words(result)}")
        parts += filter(None, [kept_promise(result), needed_words(result)])
        worst = result.worst.get("adapted")
        if result.worst_site is not None:
            parts.append(f"worst site {worst_words(result)}")
        elif worst:
            parts.append(f"worst site {worst.site} ({worst.score:.3f})")
        parts.append(f"sites harmed: {', '.join(result.harmed) or 'none is shown to be'}")
    else:
        baseline = result.plan.baseline
        parts.append(f"In training, {baseline} without advice, {cases}, {seeds_words(result)}")
    if has_local(result):
        parts.append(f"does taking part pay: {participation_words(result)}")
    if says := recommended(result):
        parts.append(f"so {says}")
    return ". ".join(map(_capital, parts)) + "."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]

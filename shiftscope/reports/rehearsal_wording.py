"""What a rehearsal found, in the words that its sheet and its details share."""

from collections.abc import Iterable, Mapping

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import RehearsalResult, RehearsedStrategy
from shiftscope.reports.run_wording import counted
from shiftscope.reports.score_texts import change, gain
from shiftscope.reports.wrapping import elided

__all__ = [
    "account_words",
    "by_reason",
    "equal_words",
    "expected_gain",
    "frozen_words",
    "harm_text",
    "harmed_words",
    "headline_words",
    "left_out_words",
    "others_words",
    "own_model_of",
    "ranked",
    "sets_apart",
    "withheld_words",
]

_UNKNOWN = -2.0
"""Below every gain: what is expected of a strategy of which nothing is known."""


def expected_gain(result: RehearsalResult, strategy: RehearsedStrategy) -> float:
    """What is expected of a strategy over FedAvg, which gains nothing over itself."""
    if strategy.name == result.strategies[0].name:
        return 0.0
    known = (value for value in (strategy.expected, strategy.gain.mean) if value is not None)
    return next(known, _UNKNOWN)


def ranked(result: RehearsalResult) -> list[RehearsedStrategy]:
    """The best first, then the others by what is expected of them."""
    return sorted(
        result.strategies, key=lambda strategy: (strategy.name != result.best, -expected_gain(result, strategy))
    )


def sets_apart(result: RehearsalResult) -> bool:
    """Whether the best is another than FedAvg, and the rehearsal can tell the two apart."""
    first = result.strategies[0].name
    return result.best != first and first not in result.equal


def own_model_of(result: RehearsalResult) -> RehearsedStrategy | None:
    """Each site's own model on its images as they are, None where it was not rehearsed."""
    found = (item for item in result.strategies if item.method == "local" and item.harmonizer is None)
    return next(found, None)


def headline_words(result: RehearsalResult) -> str:
    """What to take, or to try where the rehearsal cannot tell it from FedAvg."""
    best = result.strategy(result.best)
    if best.name == result.strategies[0].name:
        return f"take {elided(best.name)}: nothing is expected to gain more than {result.plan.margin:g} over it"
    verb = "take" if sets_apart(result) else "try"
    return f"{verb} {elided(best.name)}: {result.metric} {change(best.gain)} over FedAvg"


def equal_words(result: RehearsalResult) -> str:
    """How many strategies cannot be told from the best, and which, FedAvg first; "" where there is no other."""
    others = len(result.strategies) - 1
    if not others:
        return ""
    if not result.equal:
        return "all others can be told from it"
    first = result.strategies[0].name
    names = sorted(result.equal, key=lambda name: name != first)
    return f"{len(names)} of {others} others cannot be told from it: {', '.join(map(elided, names))}"


def frozen_words(result: RehearsalResult) -> str:
    """How far it can be believed, and why."""
    return f"a prediction, not a promise: {elided(result.encoder.model)} stayed frozen"


def account_words(result: RehearsalResult) -> str:
    """The budget of a strategy, and what all of them took."""
    budget, cost = result.budget, result.cost
    return (
        f"{counted(budget.folds, 'fold')}, {counted(budget.rounds, 'round')} of"
        f" {counted(budget.local_steps, 'step')} each; {number(cost.bytes / 1e6)} MB, {number(cost.seconds)} s, engine"
        f" {result.engine}"
    )


def harm_text(strategy: RehearsedStrategy) -> str:
    """The chance that a site loses more than the margin, in percent; "" where it is not known."""
    return "" if strategy.harm is None else f"{100 * strategy.harm:.0f} %"


def harmed_words(strategy: RehearsedStrategy) -> str:
    """Whom a strategy is shown to harm; "" for nobody."""
    sites = ", ".join(f"'{site}'" for site in strategy.harmed)
    return f"{sites} by {elided(strategy.name)}" if sites else ""


def left_out_words(result: RehearsalResult) -> str:
    """What was not rehearsed, and what another strategy stands for; "" for nothing."""
    said = [", ".join(map(elided, result.left_out))] if result.left_out else []
    for item in result.strategies:
        if item.stands_for:
            verb = "is" if len(item.stands_for) == 1 else "are"
            said.append(f"{', '.join(map(elided, item.stands_for))} {verb} as {elided(item.name)}")
    return "; ".join(said)


def others_words(result: RehearsalResult, shown: Iterable[RehearsedStrategy]) -> str:
    """What the strategies beside those that are shown gain; "" where all are."""
    names = {item.name for item in shown}
    rest = [item for item in ranked(result) if item.name not in names]
    return ", ".join(f"{elided(item.name)} {gain(item.gain) or '-'}" for item in rest)


def withheld_words(result: RehearsalResult) -> str:
    """Sites whose scores stay with them and why, each reason once; "" for none."""
    reasons = {f"'{site}'": item.withheld for site, item in result.sites.items() if item.withheld}
    return "; ".join(f"{', '.join(sites)}: {reason}" for reason, sites in by_reason(reasons).items())


def by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Name -> reason, turned about."""
    found: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        found.setdefault(reason, []).append(name)
    return found

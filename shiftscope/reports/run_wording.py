"""What a run found, in the words that its sheet and the report share."""

from collections import Counter
from collections.abc import Mapping, Sequence

from shiftscope.plans import Answer, Difference, Plan, RunResult, schedule
from shiftscope.reports.score_texts import change

__all__ = [
    "ANSWERS",
    "LOCAL",
    "advice_of",
    "answers_of",
    "answers_words",
    "budget_words",
    "compared_words",
    "counted",
    "gain_of_sharing",
    "has_local",
    "judged",
    "needed_words",
    "participation_words",
    "seeds_words",
    "verdict_words",
    "worst_words",
]

LOCAL = "local"
"""How a result calls each site's own model."""

ANSWERS: Mapping[Answer, str] = {
    "alone": "stay alone",
    "take_part": "take part",
    "own_model": "take part with an own model",
    "undecided": "undecided",
}

_MOST_LISTED = 40
"""Letters of a list of seeds; of a longer one, the number of seeds says enough."""

_ORDINALS = ("first", "second", "third")


def verdict_words(result: RunResult) -> str:
    """The verdict as a person would say it."""
    return {
        "helped": "the advice paid",
        "harmed": "the advice did harm",
        "no_difference": f"the advice makes no difference of more than {result.margin:g}, which is shown",
        "undecided": "whether the advice pays is not decided",
    }[result.verdict]


def needed_words(result: RunResult) -> str:
    """What would decide an undecided verdict; "" where nothing of it is known."""
    seeds, patients = result.needed.seeds, result.needed.patients
    if seeds is not None and patients is not None:
        return f"about {seeds} seeds and {patients} patients at all sites would decide it, both together"
    if seeds is not None:
        return f"about {seeds} seeds would decide it"
    if patients is not None:
        limit = "; more seeds alone cannot" if len(result.seeds) > 1 else ", as far as one seed can tell"
        return f"about {patients} patients at all sites would decide it{limit}"
    return ""


def judged(result: RunResult) -> bool:
    """Whether there is advice, and a difference from its baseline."""
    return bool(advice_of(result.plan)) and result.difference.mean is not None


def advice_of(plan: Plan) -> str:
    """The methods that are compared with the baseline; "" for none."""
    return " + ".join(name for name in (plan.harmonizer, plan.personalizer) if name)


def compared_words(result: RunResult) -> str:
    """What the verdict is about, and its difference."""
    plan, count = result.plan, len(result.sites)
    known = sum(scores.difference.mean is not None for scores in result.sites.values()) or count
    over = f"mean over {count if known == count else f'{known} of {count}'} sites" if count > 1 else "one site"
    return f"{advice_of(plan)} against {plan.baseline}, {result.metric}, {over}: {change(result.difference)}"


def worst_words(result: RunResult) -> str:
    """The site that is worst under the baseline, and what the advice does to it."""
    if result.worst_site is None:
        return ""
    at, found = result.worst_site.site, result.worst_site.difference
    gains = f": {change(found)} with the advice;" if found.mean is not None else ","
    return f"'{at}'{gains} lowest under {result.plan.baseline} on validation cases"


def has_local(result: RunResult) -> bool:
    """Whether each site's own model was trained beside the others, to answer whether taking part pays.

    Runs of many strategies had one in schema 1, too, but nobody asked.
    """
    asked = "baseline" in result.arms or any(scores.answer != "undecided" for scores in result.sites.values())
    return asked and any(LOCAL in scores.scores for scores in result.sites.values())


def answers_of(result: RunResult) -> dict[Answer, list[str]]:
    """Answer -> the sites it is given to, in the order of the result."""
    return {answer: [site for site, scores in result.sites.items() if scores.answer == answer] for answer in ANSWERS}


def participation_words(result: RunResult) -> str:
    """At how many sites taking part pays; "" where no site trained alone beside it."""
    return answers_words([scores.answer for scores in result.sites.values()]) if has_local(result) else ""


def answers_words(answers: Sequence[Answer]) -> str:
    """At how many sites taking part pays, from an answer for each."""
    count = Counter(answers)
    total, own = len(answers), count["own_model"]
    gains = own + count["take_part"]
    if total == 1:
        return {
            "alone": "no, the site does better alone",
            "take_part": "yes, the site gains by it",
            "own_model": "yes, the site gains by it, with an own model",
            "undecided": "not decided",
        }[answers[0]]
    if count["undecided"] == total:
        return f"not decided at any of {total} sites"
    parts = [f"{gains or 'none'} of {total} sites {'gains' if gains < 2 else 'gain'} by it"]
    if own:
        parts[0] += f" ({own} with an own model)"
    if count["alone"]:
        parts.append(f"{count['alone']} {'does' if count['alone'] == 1 else 'do'} better alone")
    if count["undecided"]:
        parts.append(f"{count['undecided']} undecided")
    return ", ".join(parts)


def gain_of_sharing(difference: Difference) -> Difference:
    """The shared model minus the site's own, where the own one minus the shared one is given."""
    mean, low, high = (None if end is None else 0.0 - end for end in (difference.mean, difference.low, difference.high))
    return difference.model_copy(update={"mean": mean, "low": high, "high": low})


def seeds_words(result: RunResult) -> str:
    """The seeds that were trained, and why no more of them; then the folds."""
    plan, seeds = result.plan, result.seeds
    listed = f"seeds {', '.join(map(str, seeds))}"
    if len(listed) > _MOST_LISTED:
        listed = f"{len(seeds)} seeds"
    parts = [_until_decided(result) if plan.seeds == "auto" else listed]
    if plan.folds > 1:
        times = len(seeds) // plan.folds
        parts.append(f"{plan.folds} folds: every patient is tested {'once' if times == 1 else f'{times} times'}")
    return "; ".join(parts)


def _until_decided(result: RunResult) -> str:
    most, analyses = schedule(result.plan.folds)[-1].seeds, len(result.analyses)
    used = f"{len(result.seeds)} of at most {most} seeds"
    if not analyses or not judged(result):
        return used
    place = f"the {_ORDINALS[analyses - 1]} analysis" if analyses <= len(_ORDINALS) else f"analysis {analyses}"
    if result.verdict != "undecided":
        return f"{used}: decided at {place}"
    if len(result.seeds) < most:
        return f"{used}: stopped undecided at {place}"
    return f"{used}: not decided at {place}, the last one"


def budget_words(plan: Plan) -> str:
    """Rounds and steps."""
    return f"{counted(plan.rounds, 'round')} of {counted(plan.local_steps, 'step')}"


def counted(count: int, one: str) -> str:
    """1 site; 2 sites."""
    return f"{count} {one if count == 1 else f'{one}s'}"

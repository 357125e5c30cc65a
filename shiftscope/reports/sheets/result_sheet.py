"""A run's result as a sheet: did the advice pay, for whom, and what to do?"""

from collections.abc import Iterator

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import RunResult, SiteScores
from shiftscope.reports.details.result_details import (
    EQUAL,
    failures,
    kept_models,
    result_details,
    strategies,
    strategy_name,
)
from shiftscope.reports.first_screen import first_that_fits, labelled, more
from shiftscope.reports.score_texts import change, gain, gain_interval, mean_score, score
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["VERDICTS", "result_sheet"]

VERDICTS = {
    "helped": "the advice paid",
    "no_difference": "no difference that the test cases can show",
    "harmed": "the advice did harm",
    "undecided": "not decided",
}

_TAKE = {
    "helped": "take the adapted model",
    "no_difference": "take {baseline}, which is cheaper; more test cases or seeds may show a difference",
    "harmed": "take {baseline}",
    "undecided": "take {baseline}, which is cheaper",
}

_ROOM = ((16, 10, 2), (10, 6, 2), (6, 5, 1), (4, 3, 1), (2, 2, 1), (1, 1, 1), (0, 0, 1))
"""Rows of the table of sites and of that of strategies, and lines for a note, from the most generous to the least."""


def result_sheet(result: RunResult, *, verbose: bool = False) -> Sheet:
    """The verdict, the sites, the strategies where there are several, whom it harms, and what to take.

    Args:
        result: of a run.
        verbose: every site and strategy, who keeps which model, what it cost; if not, one screen of 24 lines.
    """
    return [*_everything(result)] if verbose else first_that_fits(_screens(result))


def _everything(result: RunResult) -> Iterator[Lines | Grid]:
    yield _verdict(result)
    yield _sites(result, result.sites, f"test cases, {result.metric}")
    if len(result.arms) < 2 and result.worst:  # the table of strategies says it where there is one
        yield Lines("worst site", _worst(result))
    arms = {name: arm for name, arm in result.arms.items() if name != EQUAL}
    if len(arms) > 1:
        yield strategies(result, arms, f"strategies at equal steps, {result.metric}, mean over sites")
    yield from result_details(result)


def _screens(result: RunResult) -> Iterator[Sheet]:
    arms = {name: arm for name, arm in result.arms.items() if name != EQUAL}
    for most_sites, most_arms, lines in _ROOM:
        shown = _clearest(result.sites, most_sites)
        cut = f", {len(shown)} of {len(result.sites)} sites" if len(shown) < len(result.sites) else ""
        blocks: list[Lines | Grid] = [_verdict(result), _sites(result, shown, f"test cases, {result.metric}{cut}")]
        if len(arms) > 2:
            best = sorted(arms, key=lambda name: -(arms[name].mean or 0.0))
            kept = {name: arms[name] for name in best if name in best[:most_arms] or name in _compared(result)}
            cut = f", {len(kept)} of {len(arms)}" if len(kept) < len(arms) else ""
            blocks.append(strategies(result, kept, f"strategies, mean over sites{cut}", worst=False))
        yield [*blocks, _notes(result, lines)]


def _clearest(sites: dict[str, SiteScores], most: int) -> dict[str, SiteScores]:
    """The sites with the largest differences, in the order given."""
    first = sorted(sites, key=lambda site: -abs(sites[site].difference.mean or 0.0))[:most]
    return {site: scores for site, scores in sites.items() if site in first}


def _verdict(result: RunResult) -> Lines:
    plan = result.plan
    adapted = _advice(result)
    return Lines(
        f"{result.verdict}: {VERDICTS[result.verdict]}" if adapted else f"trained: {plan.baseline} alone",
        [
            f"{adapted} against {plan.baseline}, {result.metric}, mean over {len(result.sites)} sites:"
            f" {change(result.difference)}"
            if adapted
            else f"nothing to compare {plan.baseline} with",
            f"{plan.rounds} rounds of {plan.local_steps} steps, seeds {', '.join(map(str, plan.every_seed))},"
            f" engine {result.engine}, {number(result.cost.bytes / 1e6)} MB, {number(result.cost.seconds)} s",
        ],
    )


def _compared(result: RunResult) -> tuple[str, str]:
    """The strategies that the verdict compares: the baseline and the advice, or in a run of many, the plan's own."""
    plan, arms = result.plan, result.arms
    if "baseline" in arms or not arms:
        return "baseline", "adapted"
    own = (plan.harmonizer, plan.personalizer or plan.baseline)
    return next(iter(arms)), next((name for name, arm in arms.items() if (arm.harmonizer, arm.algorithm) == own), "")


def _advice(result: RunResult) -> str:
    return " + ".join(name for name in (result.plan.harmonizer, result.plan.personalizer) if name)


def _sites(result: RunResult, sites: dict[str, SiteScores], title: str) -> Grid:
    """Sites under the two strategies that are compared, and whether they are harmed."""
    baseline, adapted = _compared(result)
    rows = [
        (
            site,
            str(scores.cases),
            mean_score(scores.scores.get(baseline, ())),
            mean_score(scores.scores.get(adapted, ())),
            gain(scores.difference),
            gain_interval(scores.difference),
            *((("yes" if site in result.harmed else ""),) if result.harmed else ()),
        )
        for site, scores in sites.items()
    ]
    harmed = ("harmed",) if result.harmed else ()
    return Grid(title, ("site", "cases#", "baseline#", "adapted#", "difference#", "95 %", *harmed), rows)


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _worst(result: RunResult) -> list[str]:
    """The worst site of the two strategies that are compared."""
    return [
        f"{strategy_name(result.arms[name]) if name in result.arms else name} {score(found.score)} at '{found.site}'"
        for name, found in result.worst.items()
        if name in _compared(result)
    ]


def _notes(result: RunResult, lines: int) -> Grid:
    """The worst sites, whom the advice harms, what failed, and what to take."""
    failed, kept = failures(result), kept_models(result)
    harmed = ", ".join(f"'{site}'" for site in result.harmed)
    take = _TAKE[result.verdict].format(baseline=result.plan.baseline)
    return labelled(
        [
            ("worst site", "; ".join(_worst(result)), lines),
            ("harmed", f"{len(result.harmed)} of {len(result.sites)} sites: {harmed}" if harmed else "", lines),
            (
                "kept",
                f"the baseline's model serves better, and is kept, {_plural(len(kept), 'time', 'times')}"
                if kept
                else "",
                1,
            ),
            (
                "no answer",
                f"{_plural(len(failed), 'reply', 'replies')} lost, the first: {failed[0]}" if failed else "",
                lines,
            ),
            ("note", result.notes[0] if result.notes else "", lines),
            ("so", take if _advice(result) else "", 2),
            ("", f"--verbose shows every strategy and the cost{more(len(result.notes) - 1, 'note')}", 1),
        ],
        result.sites,
    )

"""A run's result as a sheet: did the advice pay?"""

from collections.abc import Sequence
from statistics import fmean

from shiftscope.plans import Difference, RunResult
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["result_sheet"]

_VERDICTS = {
    "helped": "the advice paid",
    "no_difference": "no difference that the test cases can show",
    "harmed": "the advice did harm",
}


def result_sheet(result: RunResult) -> Sheet:
    """The verdict, the sites, and who did not answer."""
    plan = result.plan
    names = [name for name in (plan.harmonizer, plan.personalizer) if name]
    adapted = " + ".join(names) or f"{plan.baseline} alone"
    blocks: list[Lines | Grid] = [
        Lines(
            f"{result.verdict}: {_VERDICTS[result.verdict]}" if names else f"trained: {adapted}",
            [
                f"{adapted} against {plan.baseline}, {result.metric}, mean over sites: {_change(result.difference)}"
                if names
                else f"nothing to compare {plan.baseline} with",
                f"{plan.rounds} rounds of {plan.local_steps} steps, seeds {', '.join(map(str, plan.seeds))},"
                f" engine {result.engine}, {result.cost.bytes / 1e6:.1f} MB, {result.cost.seconds:.0f} s",
                *(f"worst site, {arm}: {worst.site} {worst.score:.3f}" for arm, worst in result.worst.items()),
                *(f"harmed: {site}" for site in result.harmed),
            ],
        ),
        Grid(
            f"test cases, {result.metric}",
            ("site", "cases#", "baseline#", "adapted#", "difference#", "95 %"),
            [
                (
                    site,
                    str(scores.cases),
                    _mean(scores.scores.get("baseline", ())),
                    _mean(scores.scores.get("adapted", ())),
                    "" if scores.difference.mean is None else f"{scores.difference.mean:+.3f}",
                    _interval(scores.difference),
                )
                for site, scores in result.sites.items()
            ],
        ),
    ]
    failed = [
        f"{entry.arm}, seed {entry.seed}, round {entry.round}: {site} {reply}"
        for entry in result.rounds
        for site, reply in entry.replies.items()
        if reply != "ok"
    ]
    if failed:
        blocks.append(Lines("sites that did not answer", failed))
    if result.notes:
        blocks.append(Lines("notes", result.notes))
    return blocks


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3f}" if known else "-"


def _interval(difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return ""
    return f"{difference.low:+.3f} to {difference.high:+.3f}"


def _change(difference: Difference) -> str:
    if difference.mean is None:
        return "undefined"
    return f"{difference.mean:+.3f}, 95 % [{_interval(difference).replace(' to ', ', ')}]"

"""A run's result as a sheet: did the advice pay, for whom, does taking part pay, and what to do?"""

from collections.abc import Iterator

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import Answer, Difference, RunResult, SiteScores
from shiftscope.reports.details.result_details import (
    EQUAL,
    compared,
    failures,
    kept_models,
    result_details,
    strategies,
    strategy_name,
)
from shiftscope.reports.first_screen import first_that_fits, labelled, more
from shiftscope.reports.kept_wording import SCORES_KEPT, case_cell, known_score, policies_of_run
from shiftscope.reports.prediction_wording import kept_promise
from shiftscope.reports.run_recommendations import recommended
from shiftscope.reports.run_wording import (
    ANSWERS,
    LOCAL,
    advice_of,
    budget_words,
    compared_words,
    counted,
    gain_of_sharing,
    has_local,
    judged,
    needed_words,
    participation_words,
    seeds_words,
    verdict_words,
    worst_words,
)
from shiftscope.reports.score_texts import gain, gain_interval, interval_head, score
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["result_sheet"]

_ROOM = ((16, 10, 2), (10, 6, 2), (6, 5, 1), (4, 3, 1), (2, 2, 1), (1, 0, 1), (0, 0, 1))
"""Rows of the table of sites and of that of strategies, and lines for a note, from the most generous to the least."""

_SHORT: dict[Answer, str] = {
    "alone": "alone",
    "take_part": "take part",
    "own_model": "own model",
    "undecided": "undecided",
}
"""Answers in a column of nine cells, beside seven others."""


def result_sheet(result: RunResult, *, verbose: bool = False) -> Sheet:
    """The verdict, the sites, the strategies where there are several, whom it harms, and what to take.

    Args:
        result: of a run.
        verbose: every site and strategy, who keeps which model, what it cost; if not, one screen of 24 lines.
    """
    return [*_everything(result)] if verbose else first_that_fits(_screens(result))


def _everything(result: RunResult) -> Iterator[Lines | Grid]:
    yield _verdict(result)
    advised = bool(advice_of(result.plan))
    if advised or not has_local(result):
        yield _compared_sites(result)
    if judged(result) and result.worst_site is not None:
        harmed = f"harmed: {_harmed(result)}" if result.harmed else _harmed(result)
        yield Lines("the worst site, and who is harmed", [worst_words(result), harmed])
    elif len(result.arms) < 2 and result.worst:  # the table of strategies says it where there is one
        yield Lines("worst site", _worst(result))
    if has_local(result) and advised:
        yield Lines("does taking part pay?", [participation_words(result)])
    if has_local(result):
        yield _participation(result)
    arms = {name: arm for name, arm in result.arms.items() if name != EQUAL}
    if len(arms) > 1:
        yield strategies(result, arms, f"strategies at equal steps, {result.metric}, mean over sites")
    yield from result_details(result)
    if says := recommended(result):
        yield Lines("so", [says])


def _screens(result: RunResult) -> Iterator[Sheet]:
    arms = {name: arm for name, arm in result.arms.items() if name not in (EQUAL, LOCAL)}
    for most_sites, most_arms, lines in _ROOM:
        shown = _clearest(result, most_sites)
        blocks: list[Lines | Grid] = [_verdict(result), _sites(result, shown)]
        if len(arms) > 2 and most_arms:
            best = sorted(arms, key=lambda name: -(arms[name].mean or 0.0))
            kept = {name: arms[name] for name in best if name in best[:most_arms] or name in compared(result)}
            cut = f", {len(kept)} of {len(arms)}" if len(kept) < len(arms) else ""
            blocks.append(strategies(result, kept, f"strategies, mean over sites{cut}", worst=False))
        yield [*blocks, _notes(result, lines)]


def _clearest(result: RunResult, most: int) -> dict[str, SiteScores]:
    """The sites with the largest differences, in the order given."""
    sites = result.sites
    first = sorted(sites, key=lambda site: -abs(_gain(result, sites[site]).mean or 0.0))[:most]
    return {site: scores for site, scores in sites.items() if site in first}


def _verdict(result: RunResult) -> Lines:
    plan, cost = result.plan, result.cost
    took = f"engine {result.engine}, {number(cost.bytes / 1e6)} MB, {number(cost.seconds)} s"
    seeds = seeds_words(result)
    budget = [f"{budget_words(plan)}, {seeds}, {took}"]
    if ";" in seeds or ":" in seeds:  # a sentence of its own
        budget = [seeds, f"{budget_words(plan)}, {took}"]
    if not advice_of(plan):
        pays = (
            f"does taking part pay: {participation_words(result)}" if has_local(result) else "nothing to compare with"
        )
        return Lines(f"trained: {plan.baseline}, without advice", [pays, *budget])
    said = filter(None, [compared_words(result), kept_promise(result), needed_words(result)])
    return Lines(f"{result.verdict}: {verdict_words(result)}", [*said, *budget])


def _gain(result: RunResult, scores: SiteScores) -> Difference:
    """What the advice does to a site; without advice, what taking part does."""
    return scores.difference if advice_of(result.plan) else _shared(scores)


def _shared(scores: SiteScores) -> Difference:
    """The baseline's model minus the site's own."""
    return gain_of_sharing(scores.differences.get(LOCAL, Difference()))


def _sites(result: RunResult, sites: dict[str, SiteScores]) -> Grid:
    """The sites of a first screen, each with its answer where it trained alone, too."""
    if not has_local(result):
        return _compared_sites(result, sites)
    baseline, adapted = compared(result)
    gains = {site: _gain(result, scores) for site, scores in sites.items()}
    arms = ("local", "base", "advice") if advice_of(result.plan) else ("local", "base")
    rows = [
        (
            site,
            case_cell(scores),
            *(known_score(scores, result.metric, name) for name in (LOCAL, baseline, adapted)[: len(arms)]),
            gain(gains[site]),
            gain_interval(gains[site]),
            SCORES_KEPT if result.metric in scores.kept else _SHORT[scores.answer],
        )
        for site, scores in sites.items()
    ]
    columns = ("site", "n#", *(f"{arm}#" for arm in arms), "gain#", interval_head(gains.values()), "answer")
    over = "the baseline" if advice_of(result.plan) else "the site's own model"
    return Grid(f"test cases (n), {result.metric}, gain over {over}{_cut(result, sites)}", columns, rows)


def _compared_sites(result: RunResult, sites: dict[str, SiteScores] | None = None) -> Grid:
    """Sites under the two strategies that are compared, and whether they are harmed."""
    baseline, adapted = compared(result)
    shown = result.sites if sites is None else sites
    rows = [
        (
            site,
            case_cell(scores),
            known_score(scores, result.metric, baseline),
            known_score(scores, result.metric, adapted),
            gain(scores.difference),
            gain_interval(scores.difference),
            *((("yes" if site in result.harmed else ""),) if result.harmed else ()),
        )
        for site, scores in shown.items()
    ]
    head = interval_head(scores.difference for scores in shown.values())
    harmed = ("harmed",) if result.harmed else ()
    columns = ("site", "cases#", "baseline#", "adapted#", "difference#", head, *harmed)
    return Grid(f"test cases, {result.metric}{_cut(result, shown)}", columns, rows)


def _participation(result: RunResult) -> Grid:
    """Each site's own model beside the shared ones, and the answer in full."""
    baseline, adapted = compared(result)
    names = (LOCAL, baseline, adapted) if advice_of(result.plan) else (LOCAL, baseline)
    cases = not advice_of(result.plan)  # else the table before this one has them
    gains = {site: _shared(scores) for site, scores in result.sites.items()}
    rows = [
        (
            site,
            *((case_cell(scores),) if cases else ()),
            *(known_score(scores, result.metric, name) for name in names),
            gain(gains[site]),
            gain_interval(gains[site]),
            SCORES_KEPT if result.metric in scores.kept else ANSWERS[scores.answer],
        )
        for site, scores in result.sites.items()
    ]
    heads = {LOCAL: "local", baseline: "baseline", adapted: "adapted"}
    columns = ("site", *(("cases#",) if cases else ()), *(f"{heads[name]}#" for name in names))
    return Grid(
        f"{result.metric} on test cases; gain: the baseline's model less the site's own",
        (*columns, "gain#", interval_head(gains.values()), "answer"),
        rows,
    )


def _cut(result: RunResult, sites: dict[str, SiteScores]) -> str:
    return f", {len(sites)} of {len(result.sites)} sites" if len(sites) < len(result.sites) else ""


def _worst(result: RunResult) -> list[str]:
    """The worst site of the two strategies that are compared."""
    return [
        f"{strategy_name(result.arms[name]) if name in result.arms else name} {score(found.score)} at '{found.site}'"
        for name, found in result.worst.items()
        if name in compared(result)
    ]


def _harmed(result: RunResult) -> str:
    """Whom the advice is shown to harm, "" without one."""
    if not judged(result):
        return ""
    if not result.harmed:
        return "no site is shown to be harmed"
    names = ", ".join(f"'{site}'" for site in result.harmed)
    return f"{len(result.harmed)} of {counted(len(result.sites), 'site')}: {names}"


def _notes(result: RunResult, lines: int) -> Grid:
    """The worst site, whom the advice harms, whether taking part pays, what failed, and what to take."""
    failed, kept = failures(result), kept_models(result)
    return labelled(
        [
            ("worst site", worst_words(result) or "; ".join(_worst(result)), lines),
            ("harmed", _harmed(result), lines),
            ("taking part", participation_words(result) if advice_of(result.plan) else "", 2),
            (
                "kept",
                f"the baseline's model serves better, and is kept, {counted(len(kept), 'time')}" if kept else "",
                1,
            ),
            (
                "no answer",
                f"{len(failed)} {'reply' if len(failed) == 1 else 'replies'} lost, the first: {failed[0]}"
                if failed
                else "",
                lines,
            ),
            ("policies", "; ".join(policies_of_run(result)), lines),
            ("note", result.notes[0] if result.notes else "", lines),
            ("so", recommended(result), lines + 1),
            ("", f"--verbose shows every strategy and the cost{more(len(result.notes) - 1, 'note')}", 1),
        ],
        result.sites,
    )

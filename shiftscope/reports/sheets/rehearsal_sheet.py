"""A rehearsal's result as a sheet: what to take, the strategies, what each site should do, and what comes next."""

from collections.abc import Iterator, Mapping, Sequence

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import RehearsalResult, RehearsedScore, RehearsedStrategy
from shiftscope.reports.details.rehearsal_details import rehearsal_details
from shiftscope.reports.first_screen import LINE, first_that_fits, labelled, more
from shiftscope.reports.kept_wording import policies_of_rehearsal, rehearsed_patients
from shiftscope.reports.rehearsal_steps import next_step
from shiftscope.reports.rehearsal_wording import (
    account_words,
    equal_words,
    frozen_words,
    harm_text,
    harmed_words,
    headline_words,
    left_out_words,
    others_words,
    own_model_of,
    ranked,
    withheld_words,
)
from shiftscope.reports.run_wording import ANSWERS, answers_words, counted
from shiftscope.reports.score_texts import gain, gain_interval, interval_head, score
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wrapping import GLUE, elided, shortened

__all__ = ["rehearsal_sheet"]

_ROOM = (
    *((12, 12, 2, True), (9, 9, 2, True), (7, 7, 2, True), (6, 6, 1, True), (5, 5, 1, True), (4, 4, 1, True)),
    *((3, 3, 1, True), (3, 5, 1, False), (3, 4, 1, False), (3, 3, 1, False), (2, 2, 1, False), (2, 1, 1, False)),
)
"""Rows of the table of strategies and of that of sites, lines for a sentence, and whether all are said."""

_NAME = 17
"""Cells that the longest answer leaves for the name of its site."""


def rehearsal_sheet(result: RehearsalResult, *, verbose: bool = False, plan: str = "plan.toml") -> Sheet:
    """What to take, the strategies, what each site should do, what was left out, what it cost, what comes next.

    Args:
        result: of a rehearsal.
        verbose: every strategy and site, and what stands behind them; if not, one screen of 24 lines.
        plan: the file of the plan, for the next command.
    """
    return [*_everything(result, plan)] if verbose else first_that_fits(_screens(result, plan))


def _everything(result: RehearsalResult, plan: str) -> Iterator[Lines | Grid]:
    said = [equal_words(result), frozen_words(result), account_words(result)]
    yield Lines(headline_words(result), [*filter(None, said)])
    yield _strategies(result, ranked(result), f"; harm: the chance that a site loses more than {result.plan.margin:g}")
    yield _sites(result, {site: site for site in result.sites})
    yield Lines("does taking part pay?", [_taking_part(result)])
    yield from rehearsal_details(result)
    yield Lines("next", [next_step(result, plan)])


def _screens(result: RehearsalResult, plan: str) -> Iterator[Sheet]:
    for strategies, sites, lines, whole in _ROOM:
        said = [shortened(text, lines, LINE) for text in (equal_words(result), frozen_words(result)) if text]
        foremost, clearest = _foremost(result, strategies), _clearest(result, sites)
        yield [
            Lines(headline_words(result), said),
            _strategies(result, foremost),
            _sites(result, {site: elided(site, _NAME).replace(" ", GLUE) for site in clearest}),
            labelled(
                [
                    ("others", others_words(result, foremost) if whole else "", lines),
                    ("taking part", _taking_part(result) if len(clearest) < len(result.sites) else "", 2),
                    *_notes(result, plan, lines, whole=whole),
                ],
                result.sites,
            ),
        ]


def _foremost(result: RehearsalResult, most: int) -> list[RehearsedStrategy]:
    """So many strategies, the best first, FedAvg always among them."""
    order, first = ranked(result), result.strategies[0]
    kept = order[:most]
    return kept if first in kept else [*kept[: most - 1], first]


def _clearest(result: RehearsalResult, most: int) -> list[str]:
    """So many sites, in the order given: those where most is at stake."""
    own, best = own_model_of(result), result.strategy(result.best)

    def stake(site: str) -> float:
        gains = [item.sites[site].gain.mean for item in (best, own) if item is not None and site in item.sites]
        return max((abs(value) for value in gains if value is not None), default=-1.0)

    first = sorted(result.sites, key=lambda site: -stake(site))[:most]
    return [site for site in result.sites if site in first]


def _strategies(result: RehearsalResult, shown: Sequence[RehearsedStrategy], also: str = "") -> Grid:
    """A row each, with what the title says also; FedAvg gains nothing over itself."""
    first = result.strategies[0]
    known = sum(found.score is not None for found in first.sites.values())
    rows = [
        (
            item.name,
            score(item.score),
            *(
                ("", "", "")
                if item.name == first.name
                else (gain(item.gain), gain_interval(item.gain), harm_text(item))
            ),
            number(item.cost.bytes / 1e6),
        )
        for item in shown
    ]
    total, cut = len(result.strategies), f", {len(shown)} of {len(result.strategies)}"
    sites = counted(len(result.sites), "site")
    over = f"{known} of {sites}" if known < len(result.sites) else sites
    title = f"strategies{cut if len(shown) < total else ''}: {result.metric}, mean over {over}, gain over FedAvg"
    head = interval_head(item.gain for item in shown if item.name != first.name)
    return Grid(f"{title}{also}", ("strategy", "score#", "gain#", head, "harm#", "MB#"), rows)


def _sites(result: RehearsalResult, shown: Mapping[str, str]) -> Grid:
    """What each site, under the name it is shown with, should do, and its scores under FedAvg, its own and the best."""
    first, own, best = result.strategies[0], own_model_of(result), result.strategy(result.best)
    columns = {"FedAvg": first, "own": own, "best": best}
    if best.name == first.name or (own is not None and best.name == own.name):
        del columns["best"]
    scored = {head: strategy for head, strategy in columns.items() if strategy is not None}
    rows = [
        (
            name,
            rehearsed_patients(result, site),
            *(score(strategy.sites.get(site, RehearsedScore()).score) for strategy in scored.values()),
            "withheld" if result.sites[site].withheld else ANSWERS[result.sites[site].answer].replace(" ", GLUE),
        )
        for site, name in shown.items()
    ]
    cut = f", {len(shown)} of {len(result.sites)}" if len(shown) < len(result.sites) else ""
    named = f"; best: {elided(best.name)}" if "best" in scored else ""
    heads = ("site", "patients#", *(f"{head}#" for head in scored), "what to do")
    return Grid(f"sites{cut}: {result.metric}{named}", heads, rows)


def _taking_part(result: RehearsalResult) -> str:
    return answers_words([site.answer for site in result.sites.values()])


def _notes(result: RehearsalResult, plan: str, lines: int, *, whole: bool) -> Iterator[tuple[str, str, int]]:
    """Whom the best harms, who withholds, what was not rehearsed, what it took, and what to do."""
    notes = result.notes
    yield "harmed", harmed_words(result.strategy(result.best)), lines
    yield "withheld", withheld_words(result), lines
    yield "policies", "; ".join(policies_of_rehearsal(result)), lines
    yield "left out", left_out_words(result) if whole else "", 1
    yield "took", account_words(result), 1
    yield "note", notes[0] if notes and whole else "", lines
    yield "next", next_step(result, plan), lines + 1
    yield "", f"--verbose shows every strategy and site{more(len(notes) - whole, 'note')}", 1

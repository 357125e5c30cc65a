"""A trial's result as a sheet: what to take, the last rung, and who was dropped where."""

from collections.abc import Iterator

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import TrialEntry, TrialResult
from shiftscope.reports.first_screen import first_that_fits, labelled, more
from shiftscope.reports.run_wording import counted
from shiftscope.reports.score_texts import change, gain, gain_interval, interval_head, score
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wrapping import elided

__all__ = ["trial_sheet"]

_ROOM = ((10, 2), (8, 2), (6, 1), (4, 1))
"""Rows of the last rung and lines for a sentence, from the most generous to the least."""


def trial_sheet(result: TrialResult, *, verbose: bool = False) -> Sheet:
    """What to take, what stands against it, and the last rung.

    Args:
        result: of a trial.
        verbose: the rungs before it, and the notes; if not, one screen of 24 lines.
    """
    return [*_everything(result)] if verbose else first_that_fits(_screens(result))


def _everything(result: TrialResult) -> Iterator[Lines | Grid]:
    shown = [f"on test cases: {phrase}"] if (phrase := _verdicts(result)) else []
    yield Lines(_headline(result), [*_warnings(result), *shown, *_account(result)])
    yield _last_rung(result, len(result.ranking))
    if len(result.rungs) > 1:
        yield _dropped(result)
    if result.notes:
        yield Lines("notes", result.notes)


def _screens(result: TrialResult) -> Iterator[Sheet]:
    for rows, lines in _ROOM:
        yield [
            Lines(_headline(result), _account(result)[:1]),
            _last_rung(result, rows),
            _notes(result, lines),
        ]


def _headline(result: TrialResult) -> str:
    leader = result.last(result.leader)
    difference = change(leader.difference)
    if result.verdict == "take":
        return f"take {result.winner}: {result.metric} {difference} over {result.reference}"
    if result.verdict == "unclear":
        return f"undecided: {result.leader}, the best by validation, {difference} over {result.reference}"
    return f"nothing beats {result.reference}: pool (best, {result.leader}: {difference})"


def _warnings(result: TrialResult) -> list[str]:
    """What stands against the first line."""
    last = result.rungs[-1].strategies
    helped = [name for name in result.ranking if name in last and last[name].verdict == "helped"]
    sentences = []
    if result.verdict == "unclear":
        sentences.append(
            f"above {result.reference} on test cases, behind on validation: {', '.join(helped)};"
            " more seeds or folds, or a larger split.val, decide it"
        )
    if result.verdict != "pool" and result.close:
        sentences.append(f"within noise of {result.leader} on validation: {', '.join(result.close)}")
    if result.winner and (harmed := result.last(result.winner).harmed):
        sentences.append(f"harmed by {result.winner}: {', '.join(harmed)}")
    if result.winner and result.last(result.winner).passes > last[result.reference].passes:
        times = result.last(result.winner).passes / max(1, last[result.reference].passes)
        sentences.append(
            f"it computes {number(times)} times as much as {result.reference}; `train` compares at equal compute too"
        )
    return sentences


def _verdicts(result: TrialResult) -> str:
    """What is shown of each strategy of the last rung against the reference."""
    last = result.rungs[-1].strategies
    says = {
        "helped": "better",
        "harmed": "worse",
        "no_difference": f"no difference of more than {result.margin:g}",
        "undecided": "not decided",
    }
    found = {
        phrase: [elided(name) for name in result.ranking if name in last and last[name].verdict == verdict]
        for verdict, phrase in says.items()
    }
    found["not decided"] = [name for name in found["not decided"] if name != result.reference]
    return "; ".join(f"{phrase}: {', '.join(names)}" for phrase, names in found.items() if names)


def _account(result: TrialResult) -> list[str]:
    cost, last = result.cost, result.rungs[-1]
    rounds = ", ".join(str(rung.rounds) for rung in result.rungs)
    return [
        f"selected on validation cases of {len(last.judged)} of {len(result.plan.sites)} sites;"
        " test cases had no say in it",
        *_rehearsal(result),
        f"{len(result.ranking) - 1} strategies beside {result.reference}, rungs of {rounds} rounds"
        f" (the plan: {result.plan.rounds}), {counted(len(result.seeds), 'seed')}{_folds(result)}",
        f"{cost.passes} batches computed, {100 * cost.passes / cost.full_passes:.0f} % of all in full,"
        f" {number(cost.bytes / 1e6)} MB, {number(cost.seconds)} s, engine {result.engine}",
    ]


def _rehearsal(result: TrialResult) -> list[str]:
    """What a rehearsal did before the first rung."""
    gone = [name for name, fate in result.rehearsal.items() if fate == "dropped"]
    if not result.rehearsal:
        return []
    return [f"rehearsed first on the frozen encoder: dropped {', '.join(gone) if gone else 'nothing'}"]


def _folds(result: TrialResult) -> str:
    folds = result.plan.folds
    return f", {folds} folds: every patient is tested" if folds > 1 else ""


def _last_rung(result: TrialResult, most: int) -> Grid:
    """The strategies of the last rung, the best by validation first, the reference among them."""
    last = result.rungs[-1]
    ranked = [name for name in result.ranking if name in last.strategies]
    shown = [name for name in ranked if name in ranked[:most] or name == result.reference]
    cut = f", {len(shown)} of {len(ranked)}" if len(shown) < len(ranked) else ""
    return Grid(
        f"last rung{cut}, {last.rounds} rounds, {result.metric}; ranked by validation",
        (
            "strategy",
            "batches#",
            "validation#",
            "test#",
            "difference#",
            interval_head(last.strategies[name].difference for name in shown),
        ),
        [(name, str(entry.passes), score(entry.validation), *_tested(entry)) for name, entry in _named(result, shown)],
    )


def _named(result: TrialResult, names: list[str]) -> list[tuple[str, TrialEntry]]:
    return [(name, result.rungs[-1].strategies[name]) for name in names]


def _tested(entry: TrialEntry) -> tuple[str, str, str]:
    return score(entry.test), gain(entry.difference), gain_interval(entry.difference)


def _dropped(result: TrialResult) -> Grid:
    """One row per rung that dropped or spared somebody."""
    rows = []
    for place, rung in enumerate(result.rungs[:-1], 1):
        for fate, says in (("kept", "kept"), ("tied", "kept, within noise"), ("dropped", "dropped")):
            names = [f"{name} {score(item.validation)}" for name, item in rung.strategies.items() if item.fate == fate]
            if names:
                rows.append((f"{place} ({rung.rounds} rounds)", says, ", ".join(names)))
    return Grid("rungs before, validation", ("rung", "", "strategies"), rows)


def _notes(result: TrialResult, lines: int) -> Grid:
    """What stands against the first line, who was dropped, what it took, and what to do."""
    dropped = [
        elided(name) for rung in result.rungs for name, entry in rung.strategies.items() if entry.fate == "dropped"
    ]
    verdicts = {entry.verdict for name, entry in result.rungs[-1].strategies.items() if name != result.reference}
    steps = {
        "take": "train with the winner's plan on the whole budget, beside its baseline",
        "pool": f"train {result.reference}, which is cheaper"
        + (
            "; more seeds, folds or rounds may show a difference"
            if "undecided" in verdicts
            else " and as good"
            if verdicts == {"no_difference"}
            else ": no strategy is better"
        ),
        "unclear": "try again with more seeds or folds, or with a larger share of validation cases",
    }
    return labelled(
        [
            *(("but" * (place == 0), text, lines) for place, text in enumerate(_warnings(result))),
            ("on test", _verdicts(result), lines),
            ("dropped", ", ".join(dropped), lines),
            ("took", _account(result)[2], lines),
            ("note", result.notes[0] if result.notes else "", lines),
            ("next", steps[result.verdict], lines),
            ("", f"--verbose shows every rung{more(len(result.notes) - 1, 'note')}", 1),
        ]
    )

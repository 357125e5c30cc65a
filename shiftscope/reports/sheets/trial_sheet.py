"""A trial's result as a sheet: what to take, and who was dropped where."""

from shiftscope.plans import Difference, TrialEntry, TrialResult
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["trial_sheet"]


def trial_sheet(result: TrialResult) -> Sheet:
    """What to do, the last rung, and what the rungs before it decided."""
    last = result.rungs[-1]
    blocks: list[Lines | Grid] = [
        Lines(_headline(result), [*_warnings(result), *_account(result)]),
        Grid(
            f"last rung, {last.rounds} rounds, {result.metric}; ranked by validation",
            ("strategy", "passes#", "validation#", "test#", "difference#", "95 %"),
            [
                (name, str(entry.passes), f"{entry.validation:.3f}", *_tested(entry))
                for name, entry in ((name, last.strategies[name]) for name in result.ranking if name in last.strategies)
            ],
        ),
    ]
    if len(result.rungs) > 1:
        blocks.append(_dropped(result))
    if result.notes:
        blocks.append(Lines("notes", result.notes))
    return blocks


def _headline(result: TrialResult) -> str:
    leader = result.last(result.leader)
    gain = _change(leader.difference)
    if result.verdict == "take":
        return f"take {result.winner}: {result.metric} {gain} over {result.reference}"
    if result.verdict == "unclear":
        return f"undecided: {result.leader}, the best by validation, {gain} over {result.reference}"
    return f"nothing beats {result.reference}: pool (best, {result.leader}: {gain})"


def _warnings(result: TrialResult) -> list[str]:
    """What stands against the first line."""
    last = result.rungs[-1].strategies
    helped = [name for name in result.ranking if name in last and last[name].verdict == "helped"]
    told = []
    if result.verdict == "unclear":
        told.append(
            f"above {result.reference} on test cases, behind on validation: {', '.join(helped)};"
            " more seeds or a larger split.val decide it"
        )
    if result.verdict != "pool" and result.close:
        told.append(f"within noise of {result.leader} on validation: {', '.join(result.close)}")
    if result.winner and (harmed := result.last(result.winner).harmed):
        told.append(f"harmed by {result.winner}: {', '.join(harmed)}")
    if result.winner and result.last(result.winner).passes > last[result.reference].passes:
        times = result.last(result.winner).passes / max(1, last[result.reference].passes)
        told.append(
            f"it computes {times:.1f} times as much as {result.reference}; `train` compares at equal compute too"
        )
    return told


def _account(result: TrialResult) -> list[str]:
    cost, last = result.cost, result.rungs[-1]
    rounds = ", ".join(str(rung.rounds) for rung in result.rungs)
    return [
        f"selected on validation cases of {len(last.judged)} of {len(result.plan.sites)} sites;"
        " test cases had no say in it",
        f"{len(result.ranking) - 1} strategies beside {result.reference}, rungs of {rounds} rounds"
        f" (the plan: {result.plan.rounds}), seeds {', '.join(map(str, result.seeds))}",
        f"{cost.passes} passes, {cost.passes / cost.full_passes:.0%} of all in full,"
        f" {cost.bytes / 1e6:.1f} MB, {cost.seconds:.0f} s, engine {result.engine}",
    ]


def _dropped(result: TrialResult) -> Grid:
    """One row per rung that dropped or spared somebody."""
    rows = []
    for number, rung in enumerate(result.rungs[:-1], 1):
        for fate, says in (("kept", "kept"), ("tied", "kept, within noise"), ("dropped", "dropped")):
            names = [f"{name} {item.validation:.3f}" for name, item in rung.strategies.items() if item.fate == fate]
            if names:
                rows.append((f"{number} ({rung.rounds} rounds)", says, ", ".join(names)))
    return Grid("rungs before, validation", ("rung", "", "strategies"), rows)


def _tested(entry: TrialEntry) -> tuple[str, str, str]:
    test = "-" if entry.test is None else f"{entry.test:.3f}"
    mean = entry.difference.mean
    return test, "" if mean is None else f"{mean:+.3f}", _interval(entry.difference)


def _interval(difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return ""
    return f"{difference.low:+.3f} to {difference.high:+.3f}"


def _change(difference: Difference) -> str:
    if difference.mean is None:
        return "undefined"
    return f"{difference.mean:+.3f}, 95 % [{_interval(difference).replace(' to ', ', ')}]"

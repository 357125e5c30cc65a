"""A portfolio's results as Markdown: per group a table on equal steps, one at equal compute; then over groups."""

import math
from collections.abc import Iterable, Mapping, Sequence

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.plans import ArmResult, Difference, Outcome, RunResult
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS

__all__ = ["EQUAL", "tables"]

EQUAL = " at equal compute"
BOUNDS = ("local", "pooled")


def tables(results: Mapping[str, RunResult], left_out: Mapping[str, Mapping[str, str]]) -> str:
    """All of it."""
    parts = [part for name, result in results.items() for part in (_group(name, result, left_out[name]), "")]
    return "\n".join([*parts, _across(results)])


def _group(name: str, result: RunResult, left_out: Mapping[str, str]) -> str:
    plan = result.plan
    sites = ", ".join(
        f"{site} {at_site.patients['train']}/{at_site.patients['val']}/{at_site.cases}"
        for site, at_site in result.sites.items()
    )
    alone = result.arms["fedavg"].mean
    arms = {arm: outcome for arm, outcome in result.arms.items() if arm != "fedavg"}
    full = {arm: outcome for arm, outcome in arms.items() if not arm.endswith(EQUAL)}
    equal = {arm: outcome for arm, outcome in arms.items() if arm.endswith(EQUAL)}
    lines = [
        f"### {name}: {plan.task}, {result.metric}",
        "",
        f"{plan.model}, {plan.image_size} px, {plan.rounds} rounds of {plan.local_steps} steps of {plan.batch_size},"
        f" seeds {', '.join(map(str, result.seeds))}. Sites (patients in train / validation, test cases): {sites}."
        f" FedAvg: {_number(alone)}, worst site {result.worst['fedavg'].site} {result.worst['fedavg'].score:.3f}.",
        "",
        _advice(result),
        "",
        "| strategy | kind | mean | against FedAvg | 95 % | | worst site | sites harmed | with the gate | FedAvg kept"
        " | passes | MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(arm, outcome, result) for arm, outcome in _ranked(full)),
        "",
        "At equal compute: methods that train two models or twice per step, in as many whole rounds as fit into"
        " FedAvg's passes.",
        "",
        "| strategy | mean | against FedAvg | 95 % | | rounds | passes |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {arm.removesuffix(EQUAL)} | {_number(_own(outcome).mean)} | {_change(_own(outcome).difference)}"
            f" | {_interval(_own(outcome).difference)} | {_VERDICTS[_own(outcome).verdict]} | {outcome.rounds}"
            f" | {_passes(arm, result):.2f} |"
            for arm, outcome in _ranked(equal)
        ),
        "",
        "Left out: " + "; ".join(f"{arm} ({_short(why)})" for arm, why in left_out.items()) + ".",
    ]
    return "\n".join(lines)


def _advice(result: RunResult) -> str:
    """What `recommend` said before any training, and what came of it."""
    plan = result.plan
    name = "+".join(filter(None, (plan.harmonizer, plan.personalizer))) or "fedavg"
    full = [arm for arm in result.arms if arm not in BOUNDS and not arm.endswith(EQUAL)]
    best = max(full, key=lambda arm: _own(result.arms[arm]).mean or 0.0)
    if name not in result.arms:
        return f"`recommend` advised {name}, which was not run."
    mean, top = _own(result.arms[name]).mean or math.nan, _own(result.arms[best]).mean or math.nan
    change = _own(result.arms[name]).difference
    return (
        f"`recommend` advised **{name}** from the profiles alone: {_change(change)} [{_interval(change)}]; the best of"
        f" the table, seen afterwards, is {best}, {top - mean:.3f} better."
    )


def _row(name: str, arm: ArmResult, result: RunResult) -> str:
    own = _own(arm)
    worst = {site: _mean((at_site.ungated or at_site.scores).get(name, ())) for site, at_site in result.sites.items()}
    low = min(((score, site) for site, score in worst.items() if not math.isnan(score)), default=(math.nan, ""))
    kept = [answer for at_site in result.sites.values() for answer in at_site.kept_baseline.get(name, ())]
    gate = f"{_change(arm.difference)} [{_interval(arm.difference)}]" if arm.ungated is not None else ""
    return (
        f"| {name} | {_kind(name)} | {_number(own.mean)} | {_change(own.difference)} | {_interval(own.difference)}"
        f" | {_VERDICTS[own.verdict]} | {low[1]} {low[0]:.3f} | {', '.join(own.harmed)} | {gate}"
        f" | {f'{sum(kept)} of {len(kept)}' if kept else ''} | {_passes(name, result):.2f}"
        f" | {result.cost_by_arm[name].bytes / 1e6 / len(result.seeds):.0f} |"
    )


def _passes(name: str, result: RunResult) -> float:
    """In terms of FedAvg's."""
    return result.ledger[name].measured.passes / result.ledger["fedavg"].measured.passes


def _across(results: Mapping[str, RunResult]) -> str:
    """Every strategy's mean change, group by group: its own models, the gate aside."""
    names = list(dict.fromkeys(arm for result in results.values() for arm in result.arms if arm != "fedavg"))
    rows = []
    for name in names:
        if name.endswith(EQUAL):
            continue
        changes = [_own(result.arms[name]).difference if name in result.arms else None for result in results.values()]
        known = [change.mean for change in changes if change is not None and change.mean is not None]
        cells = [
            "" if change is None or change.mean is None else f"{change.mean:+.3f}{_mark(change)}" for change in changes
        ]
        rows.append((sum(known) / len(known) if known else math.nan, name, cells, len(known)))
    rows.sort(key=lambda row: -row[0])
    return "\n".join(
        [
            "### Over the groups",
            "",
            "Change of the mean over sites against FedAvg; * the 95 % interval lies above 0, † below 0.",
            "",
            f"| strategy | kind | {' | '.join(results)} | mean | groups |",
            "|---|---|" + "---|" * (len(results) + 2),
            *(
                f"| {name} | {_kind(name)} | {' | '.join(cells)} | {mean:+.3f} | {count} |"
                for mean, name, cells, count in rows
            ),
        ]
    )


_VERDICTS = {"helped": "**helped**", "harmed": "**harmed**", "no_difference": "no difference", "undecided": ""}


def _own(arm: ArmResult) -> Outcome:
    """The strategy's own models, the gate aside."""
    return arm.ungated if arm.ungated is not None else arm


def _ranked(arms: Mapping[str, ArmResult]) -> list[tuple[str, ArmResult]]:
    return sorted(arms.items(), key=lambda item: -(_own(item[1]).mean or 0.0))


def _kind(name: str) -> str:
    if name in BOUNDS:
        return "bound"
    if "+" in name:
        return "hybrid"
    return (
        "control"
        if name in CONTROLS
        else "personal"
        if name in PERSONALIZERS
        else "harmonizer"
        if name in HARMONIZERS
        else ""
    )


def _mark(change: Difference) -> str:
    if change.low is None or change.high is None:
        return ""
    return "*" if change.low > 0 else "†" if change.high < 0 else ""


def _mean(values: Sequence[float | None] | Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _change(change: Difference) -> str:
    return "" if change.mean is None else f"{change.mean:+.3f}"


def _interval(change: Difference) -> str:
    return "" if change.low is None or change.high is None else f"{change.low:+.3f} to {change.high:+.3f}"


def _short(why: str) -> str:
    return why.split(";")[0].removeprefix("harmonizer: ").removeprefix("personalizer: ")

"""Tables of the benchmark as Markdown. Nothing is printed."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from outcomes import REFERENCE
from policies import MARGIN
from predicted_policies import PREDICTED, WITH_REHEARSAL
from scores import FEWEST_FAMILIES, Over
from summaries import ORACLE, SINGLE_BEST, STUDY_BEST, PolicyRow, Summary

__all__ = ["SHOWN", "results_page"]

SHOWN = (
    REFERENCE,
    "local",
    "lp_ft",
    "shrinkage",
    "zscore",
    "quantile_map",
    SINGLE_BEST,
    "study's rule",
    STUDY_BEST,
    "first rule",
    PREDICTED,
    WITH_REHEARSAL,
    "rehearsal: best",
    "rehearsal: best beyond its interval",
    "rehearsal: shrunken",
    "trial of two rounds",
    "successive halving",
    "random",
    ORACLE,
)
"""Policies of the short tables and of the figure."""

COMPARED = (
    (PREDICTED, REFERENCE),
    (PREDICTED, "study's rule"),
    (PREDICTED, "first rule"),
    (PREDICTED, SINGLE_BEST),
    (WITH_REHEARSAL, REFERENCE),
    (WITH_REHEARSAL, "study's rule"),
    (WITH_REHEARSAL, "first rule"),
    (WITH_REHEARSAL, SINGLE_BEST),
    (WITH_REHEARSAL, "rehearsal: shrunken"),
    ("rehearsal: shrunken", REFERENCE),
    ("rehearsal: shrunken", "study's rule"),
    ("rehearsal: shrunken", "first rule"),
    ("rehearsal: shrunken", "shrinkage"),
    ("rehearsal: shrunken", SINGLE_BEST),
    ("rehearsal: best", REFERENCE),
    ("first rule", REFERENCE),
    ("first rule", "study's rule"),
    ("study's rule", REFERENCE),
    (STUDY_BEST, REFERENCE),
)


def results_page(summary: Summary) -> str:
    """Everything."""
    return "\n".join(
        [
            f"# The benchmark of federations: results, {summary.task.heading}",
            "",
            "Written by `benchmarks/regret/table.py`; what it means is in [advice.md](../../advice.md), what was"
            " planted in `benchmarks/regret/federations.py`.",
            "",
            *_what_was_run(summary),
            "",
            "## Policies",
            "",
            *_policies(summary, [name for name in SHOWN if name in summary.rows]),
            "",
            "## One policy against another",
            "",
            *_compared(summary),
            "",
            "## By what was planted",
            "",
            *_by_kind(summary),
            "",
            "## Family by family",
            "",
            *_by_family(summary),
            "",
            "## When the rehearsal chooses on four folds of five",
            "",
            *_nearest(summary),
            "",
            "## Every single strategy",
            "",
            *_policies(summary, summary.strategies),
            "",
        ]
    )


def _what_was_run(summary: Summary) -> list[str]:
    outcomes = list(summary.outcomes.values())
    kinds = Counter(str(outcome.about["kind"]) for outcome in outcomes)
    cells = sum(outcome.scores.size for outcome in outcomes)
    days = sorted({outcome.about["made"] for outcome in outcomes})
    machines = sorted({outcome.about["machine"] for outcome in outcomes})
    whole = [outcome.about["seconds"]["whole"] for outcome in outcomes]
    few = len(summary.families) < FEWEST_FAMILIES
    return [
        f"**{len(outcomes)} federations of {len(summary.families)} families, {len(summary.strategies)} strategies that"
        f" all of them have, {cells:,} scores** (site x strategy x fold). {days[0]} to {days[-1]};"
        f" {'; '.join(machines)}; {np.median(whole):.0f} s a federation in the median, profiles included. Seeds stand"
        " with each federation.",
        "",
        "Planted: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) + ".",
        "",
        f"**Fewer than {FEWEST_FAMILIES} families: no claim is made from these tables.**"
        if few
        else "An interval is over families (10,000 bootstrap draws of families, each family counts alike). Of eight"
        " families it is too narrow: it holds the truth about nine times in ten. So **off 0** is said where 0 lies"
        " outside and Student's t over the eight means agrees (p below .05).",
        "A policy that looks at scores chooses on two or three folds and is scored on the others, both ways, over all"
        " ten ways to halve five folds. The oracle takes, for each fold, the strategy that is best on the other four:"
        " it sees more than any policy and not the scores that judge it, so that a regret may be below 0 by chance.",
    ]


def _policies(summary: Summary, names: Sequence[str]) -> list[str]:
    share, metric = f"{100 * MARGIN:g} points", summary.task.shown
    return [
        f"Harmed: sites that lose more than {share} of {metric} against FedAvg; shown: where the one-sided 95 %"
        " interval of that loss lies beyond it; new: sites that do worse than alone by more than that, where FedAvg"
        " does not.",
        "",
        f"| policy | {metric} | regret | gain over FedAvg | harmed | shown | new | new, shown | gap closed |",
        "|---|---:|---|---|---|---:|---|---:|---:|",
        *(_policy(summary.rows[name]) for name in names),
    ]


def _policy(row: PolicyRow) -> str:
    closed = "" if row.closed is None else f"{row.closed:.0%}"
    return f"| {row.name} | {row.score.mean:.3f} | {_over(row.regret)} | {_over(row.gain)} | {_harm(row)} | {closed} |"


def _harm(row: PolicyRow) -> str:
    return f"{_share(row.harmed)} | {row.surely_harmed.mean:.1%} | {_share(row.new_harm)} | {row.surely_new.mean:.1%}"


def _compared(summary: Summary) -> list[str]:
    lines = [
        "The last rows have the single strategies that are best in hindsight.",
        "",
        f"| policy | less | difference in {summary.task.shown} | p | |",
        "|---|---|---|---:|---|",
    ]
    best = sorted(summary.strategies, key=lambda name: -summary.rows[name].score.mean)[:3]
    pairs = [*COMPARED, *(("rehearsal: shrunken", name) for name in best)]
    for one, other in (pair for pair in dict.fromkeys(pairs) if summary.rows.keys() >= set(pair)):
        found = summary.difference(one, other)
        sure = "**off 0**" if found.off_zero else ""
        lines.append(f"| {one} | {other} | {_over(found)} | {found.p:.3f} | {sure} |")
    return lines


def _by_kind(summary: Summary) -> list[str]:
    kinds = sorted({str(outcome.about["kind"]) for outcome in summary.outcomes.values()})
    wanted = (
        "local",
        "shrinkage",
        "zscore",
        "quantile_map",
        "study's rule",
        "first rule",
        PREDICTED,
        WITH_REHEARSAL,
        "rehearsal: shrunken",
        ORACLE,
    )
    names = [name for name in wanted if name in summary.rows]
    lines = [
        "Gain over FedAvg, mean over families.",
        "",
        "| kind | federations | families | " + " | ".join(names) + " |",
        "|---|---:|---:|" + "---:|" * len(names),
    ]
    for kind in kinds:
        found = [summary.difference(name, REFERENCE, [kind]) for name in names]
        count = sum(outcome.about["kind"] == kind for outcome in summary.outcomes.values())
        cells = " | ".join(f"{each.mean:+.3f}" for each in found)
        lines.append(f"| {kind} | {count} | {found[0].families} | {cells} |")
    return lines


def _by_family(summary: Summary) -> list[str]:
    wanted = ("local", "shrinkage", "study's rule", "first rule", "rehearsal: best", "rehearsal: shrunken", ORACLE)
    names = [name for name in wanted if name in summary.rows]
    base = summary.rows[REFERENCE].judged
    lines = [
        "Gain over FedAvg, mean over the family's federations.",
        "",
        "| family | federations | FedAvg | best single strategy elsewhere | " + " | ".join(names) + " |",
        "|---|---:|---:|---|" + "---:|" * len(names),
    ]
    for family in summary.families:
        inside = [name for name, outcome in summary.outcomes.items() if outcome.family == family]
        gains = [
            np.mean([summary.rows[name].judged[item].score - base[item].score for item in inside]) for name in names
        ]
        fedavg = np.mean([base[item].score for item in inside])
        cells = " | ".join(f"{gain:+.3f}" for gain in gains)
        lines.append(f"| {family} | {len(inside)} | {fedavg:.3f} | {summary.chosen[family]} | {cells} |")
    return lines


def _nearest(summary: Summary) -> list[str]:
    lines = [
        "A rehearsal sees all five folds; choosing on four is nearest to it. Scored on the fifth, in turn.",
        "",
        f"| policy | {summary.task.shown} | gain over FedAvg | harmed | shown | new | new, shown |",
        "|---|---:|---|---|---:|---|---:|",
    ]
    for name, row in summary.nearest.items():
        lines.append(f"| {name} | {row.score.mean:.3f} | {_over(row.gain)} | {_harm(row)} |")
    return lines


def _over(found: Over) -> str:
    return f"{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def _share(found: Over) -> str:
    return f"{found.mean:.1%} [{found.low:.1%}, {found.high:.1%}]"

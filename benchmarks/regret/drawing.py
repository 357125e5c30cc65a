"""The figure: what each policy gains over FedAvg, family by family. Nothing is printed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from outcomes import REFERENCE
from summaries import Summary

__all__ = ["draw"]

COLOURS = ("#0b6e99", "#d1495b", "#66a182", "#edae49", "#6b4e9b", "#8c564b", "#1b9e9e", "#7f7f7f")


def draw(summary: Summary, policies: Sequence[str], path: Path) -> None:
    """A row for each policy: a point for each family, the mean over families with its interval in black."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "regret"
    figure, axes = plt.subplots(figsize=(8, 0.34 * len(policies) + 1.4), layout="constrained")
    base = summary.rows[REFERENCE].judged
    for place, name in enumerate(reversed(policies)):
        row = summary.rows[name]
        for number, family in enumerate(summary.families):
            inside = [item for item, outcome in summary.outcomes.items() if outcome.family == family]
            gain = float(np.mean([row.judged[item].score - base[item].score for item in inside]))
            label = family if place == 0 else None
            axes.plot(gain, place + 0.3 * (number / 7 - 0.5), "o", color=COLOURS[number % 8], ms=4, label=label)
        axes.plot([row.gain.low, row.gain.high], [place, place], color="black", lw=1.6)
        axes.plot(row.gain.mean, place, "D", color="black", ms=4.5)
    axes.axvline(0, color="#999999", lw=0.8)
    axes.set_yticks(range(len(policies)), list(reversed(policies)), fontsize=8)
    words = (
        f"{summary.task.shown} gained over FedAvg, mean over federations of a family; black: mean over families, 95 %"
    )
    axes.set_xlabel(words, fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, fontsize=7, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)

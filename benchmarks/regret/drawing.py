"""Figures: what each policy gains over FedAvg, and rehearsed gains beside trained ones. Nothing is printed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from outcomes import REFERENCE
from summaries import Summary
from trained_gains import TrainedGain

__all__ = ["draw", "draw_gains"]

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
    _save(figure, path)


def draw_gains(gains: Sequence[TrainedGain], path: Path) -> None:
    """A panel for each network: a point for each strategy and federation, with the interval of the trained gain."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "regret"
    gains = [gain for gain in gains if np.isfinite(gain.rehearsed)]
    networks = list(dict.fromkeys((gain.network, gain.task) for gain in gains))
    figure, panels = plt.subplots(
        1, len(networks), figsize=(4 * len(networks), 4.2), squeeze=False, layout="constrained"
    )
    for (network, task), axes in zip(networks, panels[0], strict=True):
        chosen = [gain for gain in gains if (gain.network, gain.task) == (network, task)]
        for number, family in enumerate(("own model", "harmonizer", "personalizer")):
            inside = [gain for gain in chosen if gain.family == family]
            colour = COLOURS[number]
            for gain in inside:
                axes.plot([gain.rehearsed] * 2, [gain.low, gain.high], color=colour, lw=0.8, alpha=0.5)
            places = [gain.rehearsed for gain in inside], [gain.trained for gain in inside]
            axes.plot(*places, "osD"[number], color=colour, ms=4.5, label=family)
        axes.axline((0, 0), slope=1, color="#999999", lw=0.8)
        axes.axhline(0, color="#dddddd", lw=0.8, zorder=0)
        axes.axvline(0, color="#dddddd", lw=0.8, zorder=0)
        axes.set_title(f"{network}: {task}", fontsize=9)
        axes.set_xlabel("gain over FedAvg, rehearsed", fontsize=8)
        axes.set_ylabel("gain over FedAvg, trained; 95 %", fontsize=8)
        axes.tick_params(labelsize=8)
        for edge in ("top", "right"):
            axes.spines[edge].set_visible(False)
    panels[0][0].legend(fontsize=7, frameon=False)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)

"""Tables and figures of a calibration, from federations judged by models that had not seen their family."""

import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from planted import BASES
from scenarios import kind_of
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

from shiftscope.diagnosis.verdicts import KINDS, QUESTIONS

__all__ = ["report"]

ROOT = Path(__file__).parents[1] / "docs"
SHOWN = KINDS[:4]
BINS = 10

Judged = Mapping[str, Any]
"""A federation as `calibrate.judged` gives it."""


def report(found: Sequence[Judged], write: bool) -> None:
    """Print the Markdown; with `write`, put it and the figures under docs/."""
    lines = [
        f"Machine: {platform.machine()}, 2 cores, Python {platform.python_version()}; seed 11;"
        f" {time.strftime('%Y-%m-%d')}. {len(found):,} federations, each family judged by a model of the others.",
        "",
        *false_alarms(found),
        *kinds(found),
        *areas(found),
        *calibration_errors(found),
        *missed(found),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if write:
        (ROOT / "results" / "calibration.md").write_text(text, encoding="utf-8")
        draw(found)


def truth_and_answer(found: Sequence[Judged]) -> tuple[list[str], list[str]]:
    """True and given kinds, of the federations whose kind can be said."""
    true, given = [], []
    for item in found:
        kind = kind_of(item["whole"])
        if kind is not None:
            true.append(kind)
            given.append(str(kind_of(item["called"])))
    return true, given


def of(found: Sequence[Judged], keep: Callable[[Judged], bool]) -> list[Judged]:
    return [item for item in found if keep(item)]


def macro(found: Sequence[Judged]) -> str:
    true, given = truth_and_answer(found)
    labels = [kind for kind in SHOWN if kind in true]
    return f"{f1_score(true, given, labels=labels, average='macro'):.3f}" if len(labels) == 4 else "-"


def false_alarms(found: Sequence[Judged]) -> list[str]:
    lines = [
        "### False alarms",
        "",
        "Random halves or thirds of one base, any question called:",
        "",
        "| n | splits | any called | appearance | structure | label | annotation |",
        "|---|---|---|---|---|---|---|",
    ]
    nulls = of(found, lambda item: item["plant"] == "none")
    for n in [*sorted({item["n"] for item in nulls}), None]:
        rows = of(nulls, lambda item, n=n: n is None or item["n"] == n)
        counts = [sum(item["called"][question] for item in rows) for question in QUESTIONS]
        some = sum(any(item["called"].values()) for item in rows)
        cells = " | ".join(map(str, counts))
        lines.append(f"| {n or 'all'} | {len(rows)} | {some} ({some / len(rows):.1%}) | {cells} |")
    return [*lines, ""]


def kinds(found: Sequence[Judged]) -> list[str]:
    lines = [
        "### Kind: macro-F1 over none, appearance, structural, mixed",
        "",
        "| | n = 20 | n = 40 | n = 100 | n = 200 |",
        "|---|---|---|---|---|",
    ]
    groups: dict[str, Callable[[Judged], bool]] = {
        "all": bool,
        "real bases": lambda item: not item["base"].startswith("phantom") and item["base"] not in POOLED,
        "pooled real bases": lambda item: item["base"] in POOLED,
        "phantoms": lambda item: item["base"].startswith("phantom"),
        "without the mildest severity": lambda item: item["severity"] != 0.3,
    }
    for masks in (True, False):
        for name, keep in groups.items():
            cells = []
            for n in (20, 40, 100, 200):
                rows = of(
                    found,
                    lambda item, n=n, keep=keep, masks=masks: (
                        item["masks"] == masks and item["n"] == n and not item["faint"] and keep(item)
                    ),
                )
                cells.append(macro(rows) if rows else "-")
            lines.append(f"| {'with' if masks else 'without'} masks, {name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


POOLED = tuple(name for name, base in BASES.items() if len(base.sources) > 1)


def pairs(found: Sequence[Judged], question: str) -> tuple[np.ndarray, np.ndarray]:
    """Truth and probability of every pair of which both are known."""
    rows = [
        (truth[question], probability[question])
        for item in found
        for truth, probability in zip(item["truth"], item["probability"], strict=True)
        if truth[question] is not None and probability[question] is not None
    ]
    return np.array([bool(truth) for truth, _ in rows]), np.array([float(value) for _, value in rows])


def areas(found: Sequence[Judged]) -> list[str]:
    lines = [
        "### AUC of each probability, over pairs of sites",
        "",
        "| | n = 20 | n = 40 | n = 100 | n = 200 |",
        "|---|---|---|---|---|",
    ]
    for masks in (True, False):
        for question in QUESTIONS:
            cells = []
            for n in (20, 40, 100, 200):
                truth, p = pairs(of(found, lambda item, n=n, m=masks: _counts(item, n, m)), question)
                both = len(truth) and 0 < truth.sum() < len(truth)
                cells.append(f"{roc_auc_score(truth, p):.3f}" if both else "-")
            if any(cell != "-" for cell in cells):
                lines.append(f"| {question}, {'with' if masks else 'without'} masks | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _counts(item: Judged, n: int | None, masks: bool) -> bool:
    return item["masks"] == masks and (n is None or item["n"] == n) and not item["faint"]


def reliability(truth: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probability, share of true ones and weight of each bin; one pair in three counts as shifted, as fitted."""
    weights = np.ones(len(truth))
    weights[truth] *= 0.5 * np.sum(~truth) / max(truth.sum(), 1)
    which = np.minimum((p * BINS).astype(int), BINS - 1)
    total = np.bincount(which, weights, BINS)
    some = total > 0
    mean = np.bincount(which, weights * p, BINS)[some] / total[some]
    share = np.bincount(which, weights * truth, BINS)[some] / total[some]
    return mean, share, total[some] / total.sum()


def calibration_errors(found: Sequence[Judged]) -> list[str]:
    lines = [
        "### Expected calibration error, 10 bins",
        "",
        "| | n = 20 | n = 40 | n = 100 | all |",
        "|---|---|---|---|---|",
    ]
    for masks in (True, False):
        for question in QUESTIONS:
            cells = []
            for n in (20, 40, 100, None):
                truth, p = pairs(of(found, lambda item, n=n, m=masks: _counts(item, n, m)), question)
                if not len(truth) or not truth.any():
                    cells.append("-")
                    continue
                mean, share, weight = reliability(truth, p)
                cells.append(f"{float(weight @ np.abs(mean - share)):.3f}")
            if any(cell != "-" for cell in cells):
                lines.append(f"| {question}, {'with' if masks else 'without'} masks | " + " | ".join(cells) + " |")
    return [*lines, ""]


def missed(found: Sequence[Judged]) -> list[str]:
    """Share of the federations of each plant and severity that get the right kind and the right calls."""
    lines = []
    for masks in (True, False):
        lines += [
            f"### Right answers by plant, {'with' if masks else 'without'} masks",
            "",
            "Share with the right kind (for label and annotation: the right call), n = 40 and n = 100 or more; the most"
            " common wrong kind.",
            "",
            "| planted | severity | n = 40 | n >= 100 | mostly taken for |",
            "|---|---|---|---|---|",
        ]
        rows = of(found, lambda item, masks=masks: item["masks"] == masks)
        for plant, severity in sorted({(item["plant"], item["severity"]) for item in rows}):
            mine = of(rows, lambda item, p=plant, s=severity: item["plant"] == p and item["severity"] == s)
            cells = []
            wrong: Counter[str] = Counter()
            for least, most in ((40, 40), (100, 1000)):
                some = of(mine, lambda item, a=least, b=most: a <= item["n"] <= b)
                right = [_right(item) for item in some]
                cells.append(f"{np.mean(right):.2f} of {len(right)}" if right else "-")
                wrong.update(_said(item) for item in some if not _right(item))
            most_common = wrong.most_common(1)
            taken = most_common[0][0] if most_common else ""
            lines.append(f"| {plant} | {severity:g} | {cells[0]} | {cells[1]} | {taken} |")
        lines.append("")
    return lines


def _said(item: Judged) -> str:
    kind = str(kind_of(item["called"]))
    beside = [question for question in ("label", "annotation") if item["called"][question]]
    return " + ".join([kind, *beside])


def _right(item: Judged) -> bool:
    return all(truth is None or truth == item["called"][question] for question, truth in item["whole"].items())


def draw(found: Sequence[Judged]) -> None:
    """Reliability curves and confusion matrices."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    ROOT.joinpath("figures").mkdir(exist_ok=True)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), sharey=True, layout="constrained")
    for axis, masks in zip(axes, (True, False), strict=True):
        axis.plot([0, 1], [0, 1], color="0.7", lw=1)
        for question, colour, mark in zip(QUESTIONS, ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), "osD^", strict=True):
            truth, p = pairs(of(found, lambda item, m=masks: _counts(item, None, m)), question)
            if len(truth) and truth.any():
                mean, share, weight = reliability(truth, p)
                axis.plot(
                    mean,
                    share,
                    color=colour,
                    marker=mark,
                    ms=5,
                    label=f"{question} ({weight @ np.abs(mean - share):.3f})",
                )
        axis.set(title=f"{'with' if masks else 'without'} masks", xlabel="stated probability", xlim=(0, 1), ylim=(0, 1))
        axis.legend(title="calibration error", frameon=False)
    axes[0].set_ylabel("share of pairs that truly differ")
    figure.savefig(ROOT / "figures" / "reliability.png", dpi=110)
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.9), layout="constrained")
    for axis, (masks, n) in zip(axes, ((True, 40), (True, 100), (False, 40), (False, 100)), strict=True):
        true, given = truth_and_answer(of(found, lambda item, m=masks, n=n: _counts(item, n, m)))
        counts = confusion_matrix(true, given, labels=list(SHOWN))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            axis.text(
                column, row, count, ha="center", va="center", color="white" if shares[row, column] > 0.6 else "black"
            )
        axis.set(title=f"{'with' if masks else 'without'} masks, n = {n}", xlabel="diagnosed")
        axis.set_xticks(range(4), SHOWN, rotation=30, ha="right")
        axis.set_yticks(range(4), SHOWN if axis is axes[0] else [""] * 4)
    axes[0].set_ylabel("planted")
    figure.savefig(ROOT / "figures" / "confusions.png", dpi=110)

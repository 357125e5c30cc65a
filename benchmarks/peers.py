"""Is there a shift at all: shiftscope beside other tests, and beside what people use today, on planted federations.

    python benchmarks/peers.py CACHE [--quick] [--found FILE] [--write]

CACHE is filled by `planted.py`. Every federation of two sites is tested by all of `DETECTORS`; a shift is detected
where the smallest p, times the number of tests (Bonferroni, which is Holm's first step), is below .05. Prints false
alarms where nothing was planted, detections where something was, and wall times; --write makes
docs/results/detection.md and docs/figures/detection.png of them. --found keeps the p values by base, so that a run can
be continued.
"""

import argparse
import json
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from peer_tests import AXES_ONLY, DETECTORS, KINDS, PERMUTATIONS, SEED, SIZES, Found, alarms, run
from planted import BASES, load

__all__ = ["page"]

ALPHA = 0.05
IMAGES_ONLY = ("KS properties", "KS pixel mean", "MMD features")


def share(found: Sequence[Found], name: str) -> float:
    """How often a detector says that there is a shift."""
    return float(np.mean([one.p[name] < ALPHA for one in found]))


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown, numbers to the right."""
    lines = list(lines)
    rule = ["---" if any(line[column][:1].isalpha() for line in lines) else "---:" for column in range(len(head))]
    return ["| " + " | ".join(line) + " |" for line in (head, rule, *lines)]


def rounded(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1"


def groups(found: Sequence[Found]) -> dict[tuple[str, str], list[Found]]:
    """(kind, severity) -> what was planted so; all severities of "mixed" are one."""
    out: dict[tuple[str, str], list[Found]] = {}
    for kind in KINDS:
        for one in found:
            if one.kind == kind:
                out.setdefault((kind, ".5 to .8" if kind == "mixed" else f"{one.severity:g}"), []).append(one)
    return dict(sorted(out.items(), key=lambda item: (KINDS.index(item[0][0]), item[0][1])))


def by_axis(nulls: Sequence[Found]) -> list[str]:
    """False alarms of shiftscope axis by axis."""
    axes = {axis: None for one in nulls for axis in one.axes}
    sizes = sorted({one.n for one in nulls})
    lines, every = [], {n: [p for one in nulls if one.n == n for p in one.axes.values()] for n in sizes}
    for axis in (*axes, "all"):
        line = [axis]
        for n in sizes:
            p = every[n] if axis == "all" else [one.axes[axis] for one in nulls if one.n == n and axis in one.axes]
            line.append(f"{rounded(float(np.mean(np.array(p) < ALPHA)))} of {len(p)}" if p else "")
        lines.append(line)
    return table(["axis", *(f"n = {n}" for n in sizes)], lines)


def by_detector(nulls: Sequence[Found]) -> list[str]:
    """False alarms of every detector."""
    sizes = sorted({one.n for one in nulls})
    at = {n: [one for one in nulls if one.n == n] for n in sizes}
    lines = [[name, *(rounded(share(at[n], name)) for n in sizes), says] for name, says in DETECTORS.items()]
    return table(["detector", *(f"n = {n} ({len(at[n])} nulls)" for n in sizes), "what it is"], lines)


def by_kind(found: Sequence[Found]) -> list[str]:
    """Detections of every detector."""
    lines = [
        [kind, severity, str(len(group)), *(rounded(share(group, name)) for name in DETECTORS)]
        for (kind, severity), group in groups(found).items()
    ]
    return table(["planted", "severity", "federations", *DETECTORS], lines)


def one_only(found: Sequence[Found]) -> list[str]:
    """Federations that one detector finds and shiftscope does not, and the other way round."""
    ours = np.array([one.p["shiftscope"] < ALPHA for one in found])
    lines = []
    for name in [name for name in DETECTORS if name != "shiftscope"]:
        theirs = np.array([one.p[name] < ALPHA for one in found])
        both, neither = np.sum(ours & theirs), np.sum(~ours & ~theirs)
        lines.append([name, *map(str, (both, np.sum(theirs & ~ours), np.sum(ours & ~theirs), neither))])
    return table(["detector", "both", "it alone", "shiftscope alone", "neither"], lines)


def missed(found: Sequence[Found]) -> list[str]:
    """What those that see images only find and shiftscope does not, plant by plant."""
    planted: dict[tuple[str, float], list[Found]] = {}
    for one in found:
        planted.setdefault((one.plant, one.severity), []).append(one)
    lines = []
    for (plant, severity), group in sorted(planted.items()):
        left = [one for one in group if one.p["shiftscope"] >= ALPHA]
        by = {name: sum(one.p[name] < ALPHA for one in left) for name in IMAGES_ONLY}
        if any(by.values()):
            counts = [str(count or "") for count in by.values()]
            lines.append([plant, f"{severity:g}", str(len(group)), str(len(left)), *counts])
    return table(["plant", "severity", "federations", "missed by shiftscope", *IMAGES_ONLY], lines)


def times(found: Sequence[Found]) -> list[str]:
    """Median wall times in milliseconds."""
    sizes = sorted({one.n for one in found})
    lines = [
        [name, *(f"{1000 * np.median([one.seconds[name] for one in found if one.n == n]):.1f}" for n in sizes)]
        for name in DETECTORS
    ]
    return table(["detector", *(f"n = {n}" for n in sizes)], lines)


def page(found: Sequence[Found], nulls: int) -> str:
    """All tables."""
    none = [one for one in found if one.kind == "none"]
    planted = [one for one in found if one.kind in KINDS]
    bases = ", ".join(sorted({one.base for one in found}))
    lines = [
        "<!-- made by benchmarks/peers.py: do not edit -->",
        f"Machine: {platform.machine()}, one process beside others on 2 cores; Python {platform.python_version()}; seed"
        f" {SEED}; {time.strftime('%Y-%m-%d')}. Bases: {bases}. {nulls} null draws for each base, n and use of"
        f" masks, and {4 * nulls} that only shiftscope is asked about, axis by axis;"
        f" {PERMUTATIONS} permutations; a shift is detected where p < {ALPHA} after Bonferroni's correction over the"
        " detector's own tests.",
        "",
        "Detection is the p value of no difference, of any kind: what shiftscope calls a shift must besides exceed a"
        " margin. The last three detectors see images only, neither masks nor classes, and say no kind; they are the"
        " methods of the packages named, written with scipy, not the packages. Features are shiftscope's: 32"
        " coordinates of one small pretrained network.",
        "",
        f"**False alarms axis by axis**: share of federations without a shift with p < {ALPHA}, uncorrected. Two"
        f" standard errors are {rounded(2 * (ALPHA * (1 - ALPHA) / 1000) ** 0.5)} at 1000 draws,"
        f" {rounded(2 * (ALPHA * (1 - ALPHA) / 300) ** 0.5)} at 300; draws of one base share patients. Counts of"
        " classes below 10 are not published, so that at 20 patients a difference of classes can hardly be seen.",
        "",
        *by_axis([one for one in found if one.kind in ("none", AXES_ONLY)]),
        "",
        "**False alarms of each detector**, corrected for its number of tests.",
        "",
        *by_detector(none),
    ]
    for n in sorted({one.n for one in planted}):
        lines += ["", f"**Detections, n = {n}**: share of planted federations.", ""]
        lines += by_kind([one for one in planted if one.n == n])
    lines += ["", f"**Who finds what the other does not**: counts of all {len(planted)} planted federations.", ""]
    lines += one_only(planted)
    lines += ["", "**What shiftscope misses and a detector on images finds**, plants without such a case left out.", ""]
    lines += missed(planted)
    lines += ["", "**Wall time of one comparison**, median, in milliseconds: from profiles for shiftscope, from"]
    lines += [
        "measured patients for all others; measuring images and drawing the permutations are not counted.",
        "",
        *times([*none, *planted]),
    ]
    return "\n".join(lines) + "\n"


SHOWN = {
    "shiftscope": ("#0072B2", "o", "-"),
    "trace": ("#56B4E9", "v", "--"),
    "energy": ("#009E73", "s", "--"),
    "MMD features": ("#D55E00", "D", "-."),
    "KS properties": ("#CC79A7", "^", "-."),
    "KS pixel mean": ("#000000", "x", ":"),
}
"""Detector -> colour (Okabe and Ito's), marker and line."""


def figure(found: Sequence[Found], path: Path, n: int = 40) -> None:
    """False alarms by n, and detections at one n by kind and severity."""
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    canvas, grid = plt.subplots(2, 3, figsize=(9, 6), sharex=False, layout="constrained")
    none = [one for one in found if one.kind == "none"]
    sizes = sorted({one.n for one in none})
    first, *rest = grid.flat
    for place, (name, (colour, marker, _)) in enumerate(SHOWN.items()):
        offset = (place - (len(SHOWN) - 1) / 2) * 0.11
        rates = [share([one for one in none if one.n == n_], name) for n_ in sizes]
        first.plot(np.arange(len(sizes)) + offset, rates, marker, color=colour, label=name, markersize=6)
    first.axhline(ALPHA, color="grey", linewidth=1)
    first.set(title="nothing planted: false alarms", ylim=(0, 0.15), xlabel="patients a site")
    first.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    shown = groups([one for one in found if one.n == n])
    for axes, kind in zip(rest, KINDS, strict=False):
        _curves(axes, {severity: group for (of, severity), group in shown.items() if of == kind})
        axes.set(title=kind, ylim=(-0.03, 1.03), xlabel=f"severity, n = {n}")
    canvas.supylabel("share called a shift")
    handles, labels = first.get_legend_handles_labels()
    lines = [
        mpl.lines.Line2D([], [], color=handle.get_color(), marker=handle.get_marker(), linestyle=SHOWN[label][2])
        for handle, label in zip(handles, labels, strict=True)
    ]
    canvas.legend(lines, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    canvas.savefig(path, dpi=100)
    plt.close(canvas)


def _curves(axes: Axes, at: Mapping[str, Sequence[Found]]) -> None:
    for name, (colour, marker, line) in SHOWN.items():
        rates = [share(group, name) for group in at.values()]
        own = name == "shiftscope"
        width = {"markersize": 4.5 + 2 * own, "linewidth": 1.3 + own, "zorder": 2 - own / 2}
        axes.plot(range(len(rates)), rates, line, marker=marker, color=colour, **width)
    axes.set_xticks(range(len(at)), list(at))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--quick", action="store_true", help="n = 40 of two bases, few nulls")
    parser.add_argument("--only", nargs="*", default=list(BASES))
    parser.add_argument("--nulls", type=int, default=60, help="for each base, n and use of masks")
    parser.add_argument("--found", type=Path, help="p values so far, one line a federation; bases in it are not redone")
    parser.add_argument("--write", action="store_true", help="write docs/results/detection.md and its figure")
    options = parser.parse_args()
    sizes, nulls = ((40,), 8) if options.quick else (SIZES, options.nulls)
    there = [base for base in BASES if (options.cache / f"{base}.pickle").exists()]
    measured = {base: load(options.cache, base) for base in there}
    found: list[Found] = []
    if options.found is not None and options.found.exists():
        found = [Found(**json.loads(line)) for line in options.found.read_text().splitlines()]
    done = {one.base for one in found}
    for base in [base for base in there if base in options.only and base not in done][: 2 if options.quick else None]:
        start, new = time.perf_counter(), list(run(measured, base, sizes, nulls))
        new += alarms(measured, base, sizes, 4 * nulls)
        found += new
        print(f"{base}: {len(new)} federations, {time.perf_counter() - start:.0f} s", flush=True)
        if options.found is not None:
            with options.found.open("a") as file:
                file.writelines(json.dumps(asdict(one)) + "\n" for one in new)
    text = page(found, nulls)
    print(text)
    if options.write:
        docs = Path(__file__).parents[1] / "docs"
        (docs / "results" / "detection.md").write_text(text)
        figure(found, docs / "figures" / "detection.png")


if __name__ == "__main__":
    main()

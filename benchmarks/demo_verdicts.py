"""The demo again and again, with other hospitals drawn: how often its verdict is decided, and as what.

python benchmarks/demo_verdicts.py OUT [--repeats 10] [--engine inline] > docs/results/demo-verdicts.md

Every repeat draws four hospitals anew (seed 0, 1, ...), profiles them, takes the advice and trains it. What is finished
in OUT is not done again.
"""

import argparse
import os
import platform
import time
from collections import Counter
from pathlib import Path

from shiftscope.demonstration import run_demo
from shiftscope.plans import RunResult, SiteScores

COLUMNS = ("hospitals", "advice", "verdict", "difference", "interval", "seeds", "worst site", "its gain", "harmed")


def result_of(out: Path, seed: int, engine: str) -> RunResult:
    """Of one repeat, from OUT where it is there."""
    folder = out / f"demo-{seed}"
    path = folder / "run" / "result.json"
    if not path.exists():
        run_demo(folder, seed=seed, engine="flower" if engine == "flower" else "inline")
    return RunResult.read(path)


def row(seed: int, result: RunResult) -> str:
    change, worst = result.difference, result.worst_site
    advice = "+".join(filter(None, (result.plan.harmonizer, result.plan.personalizer))) or "pool"
    cells = (
        str(seed),
        advice,
        result.verdict,
        _signed(change.mean),
        f"{100 * change.level:g} % {_signed(change.low)} to {_signed(change.high)}",
        str(len(result.seeds)),
        worst.site if worst else "",
        f"{_signed(worst.difference.mean)} [{_signed(worst.difference.low)}, {_signed(worst.difference.high)}]"
        if worst
        else "",
        ", ".join(result.harmed) or "none",
    )
    return f"| {' | '.join(cells)} |"


def site_row(site: str, scores: list[SiteScores]) -> str:
    """Mean scores of a site over all repeats and seeds, and what it was told."""
    means = [_mean([value for one in scores for value in one.scores[arm]]) for arm in ("local", "baseline", "adapted")]
    answered = Counter(one.answer for one in scores)
    answers = ", ".join(f"{answer} {count}" for answer, count in answered.most_common())
    return f"| {site} | {' | '.join(f'{mean:.3f}' for mean in means)} | {answers} |"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def main() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--engine", choices=("inline", "flower"), default="inline")
    options = parser.parse_args()
    results = {seed: result_of(options.out, seed, options.engine) for seed in range(options.repeats)}
    said = Counter(result.verdict for result in results.values())
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}"
    print("# The demo in repeats\n")
    print(f"`benchmarks/demo_verdicts.py`, {machine}; hospitals drawn with the seed named, engine {options.engine}.\n")
    print(f"Verdicts: {', '.join(f'{verdict} {count}' for verdict, count in said.most_common())}.\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for seed, result in results.items():
        print(row(seed, result))
    print("\nMean Dice of each hospital, and what it was told:\n")
    print("| site | local | baseline | advice | answers |\n|---|---|---|---|---|")
    for site in next(iter(results.values())).sites:
        print(site_row(site, [result.sites[site] for result in results.values()]))


if __name__ == "__main__":
    main()

"""At how many of FLamby's sites does taking part pay? Its published scores through the code that answers for a run.

    python benchmarks/flamby.py ../shared/data --write

FLamby (du Terrail et al. 2022, arXiv:2210.04620) publishes test scores of each site, strategy and seed, no patients.
"""

import argparse
import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path

import numpy as np

from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, estimate
from shiftscope.training.evaluation.participation import Choices, Participation, participation

MARGIN = 0.01
FIRST, POOLED = "FedAvg", "Pooled Training"
ANSWERS = ("alone", "take_part", "own_model", "undecided")


@dataclass(frozen=True)
class Published:
    """The scores of one data set.

    Attributes:
        scores: strategy -> site -> one per seed; "local" is each site's own model, on its own test cases.
    """

    name: str
    seeds: tuple[str, ...]
    sites: tuple[str, ...]
    scores: Mapping[str, Mapping[str, Sequence[float | None]]]

    @property
    def federated(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.scores) - {"local", POOLED}))

    def gains(self, strategy: str, other: str, site: str) -> list[float | None]:
        """The one minus the other, per seed."""
        pairs = zip(self.scores[strategy][site], self.scores[other][site], strict=True)
        return [None if one is None or two is None else one - two for one, two in pairs]


def read(folder: Path) -> Published:
    """A folder of tables, one or more seeds in each."""
    found: dict[tuple[str, str, str], float | None] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if not (site := re.fullmatch(r"client_test_(\d+)", row["Test"])):
                    continue
                own = re.fullmatch(r"Local (\d+)", row["Method"])
                if own and own[1] != site[1]:
                    continue  # a hospital's model at another one
                method = "local" if own else re.sub(r"\d+$", "", row["Method"])
                value = float(row["Metric"] or "nan")
                key = (method, site[1], row.get("seed") or "none")
                if key in found:
                    raise ValueError(f"{path}: {key} stands twice; expected one score each; look at the table")
                found[key] = value if isfinite(value) else None
    methods, sites, seeds = (sorted({key[i] for key in found}) for i in range(3))
    scores = {m: {s: [found.get((m, s, seed)) for seed in seeds] for s in sites} for m in methods}
    return Published(folder.name.removeprefix("results_benchmark_"), tuple(seeds), tuple(sites), scores)


def answered(data: Published, site: str, strategies: Sequence[str]) -> Participation:
    """As a run answers, with nothing known of patients."""
    return participation(
        Choices("local", tuple(strategies)),
        None,
        {name: data.gains(name, "local", site) for name in strategies},
        partial(np.random.default_rng, 0),
        FoldLayout((0,) * len(data.seeds)),
        MARGIN,
    )


def overall(data: Published, strategy: str) -> Estimate:
    """A strategy minus the sites' own models, mean over sites."""
    gains = {site: data.gains(strategy, "local", site) for site in data.sites}
    layout = FoldLayout((0,) * len(data.seeds))
    return estimate(dict.fromkeys(data.sites), gains, np.random.default_rng(0), layout)


def tables(all_data: Sequence[Published]) -> Iterator[str]:
    """The page's lines below its introduction."""
    yield "## Answers"
    yield ""
    yield "| data set | sites | with FedAvg alone | with all strategies | the strategy with the highest mean |"
    yield "|---|---|---|---|---|"
    sums: dict[str, Counter[str]] = {"one": Counter(), "all": Counter()}
    for data in all_data:
        one = Counter(answered(data, site, [FIRST]).answer for site in data.sites)
        many = Counter(answered(data, site, data.federated).answer for site in data.sites)
        sums["one"] += one
        sums["all"] += many
        best = max(data.federated, key=lambda name: overall(data, name).mean or -1)
        gain = _gain(overall(data, best))
        yield f"| {data.name} | {len(data.sites)} | {_listed(one)} | {_listed(many)} | {best} {gain} |"
    count = sum(len(data.sites) for data in all_data)
    yield f"| all | {count} | {_listed(sums['one'])} | {_listed(sums['all'])} | |"
    yield ""
    yield "## Each strategy against the site's own model"
    yield ""
    yield "Sites at which, of this one comparison, taking part is shown to pay / neither is shown / to stay alone is."
    yield f"{POOLED} is no federated strategy; it is what one could hope for."
    yield ""
    names = sorted({name for data in all_data for name in (*data.federated, POOLED)})
    yield "| strategy | " + " | ".join(data.name.removeprefix("fed_") for data in all_data) + " | all |"
    yield "|---" * (len(all_data) + 2) + "|"
    for name in names:
        cells = [Counter(answered(data, site, [name]).answer for site in data.sites) for data in all_data]
        total = sum(cells, Counter[str]())
        yield f"| {name} | " + " | ".join(_three(cell) for cell in (*cells, total)) + " |"


def page(all_data: Sequence[Published], left_out: Sequence[Published]) -> str:
    """docs/results/flamby.md."""
    missing = [f"{data.name} ({len(data.seeds)} seed)" for data in left_out]
    gaps = [
        f"{data.name}: {', '.join(names)}"
        for data in all_data
        if (names := sorted({m for m, s in data.scores.items() if None in (v for each in s.values() for v in each)}))
    ]
    return "\n".join(
        [
            "# Does taking part pay? FLamby's sites",
            "",
            "`python benchmarks/flamby.py ../shared/data --write`. FLamby's published test scores (owkin/FLamby,"
            " `flamby/results/`, MIT licence), five seeds a strategy, through the code that answers for a run; margin"
            " .01, Holm over the comparisons at a site, p < .05 before anything is said.",
            "",
            "**What the intervals do not know: patients.** The tables hold no scores by case, so an answer is about"
            " these test patients: another training would give it again; other patients of the same hospital might not."
            " Small test sets (Heart disease, TCGA-BRCA, KiTS19) would be less sure than they look here.",
            "",
            "The tables hold no fine-tuned models (the code that made them can tune; these files have none), so"
            " `own_model` cannot be an answer. The strategy with the highest mean is chosen on the test scores it is"
            " reported with, which flatters it; its interval is for that strategy as if it had been named before."
            " Known faults of the source: BatchNorm statistics are not averaged in its federated runs (owkin/FLamby"
            " issue 260), which lowers them, and optimizers of local and federated runs differ on some sets, which can"
            " do either. So `alone` is a finding about these runs, and no rule for hospitals.",
            "",
            f"Left out, for nobody knows the chance of training: {', '.join(missing)}. Scores missing in the tables:"
            f" {'; '.join(gaps)}. A strategy is judged on the seeds it has in common with the local models; with one,"
            " nothing can be shown.",
            "",
            *tables(all_data),
        ]
    ) + "\n"  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, answer, print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    folders = sorted(path for path in (chosen.data / "flamby").iterdir() if path.is_dir())
    everything = [read(folder) for folder in folders]
    text = page([d for d in everything if len(d.seeds) > 1], [d for d in everything if len(d.seeds) < 2])
    if chosen.write:
        Path("docs/results/flamby.md").write_text(text, encoding="utf-8")
    print(text)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[answer]} {answer}" for answer in ANSWERS if counts[answer])


def _three(counts: Counter[str]) -> str:
    return f"{counts['take_part']} / {counts['undecided']} / {counts['alone']}"


def _gain(found: Estimate) -> str:
    interval = found.interval()
    if interval.mean is None or interval.low is None or interval.high is None:
        return ""
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


if __name__ == "__main__":
    main()

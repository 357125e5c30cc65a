"""What `coverage.py` counts, and how its page is written."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from coverage_learner import FOLDS, Learner, truth
from scipy import stats

from shiftscope.plans import Difference
from shiftscope.plans.seed_schedule import schedule
from shiftscope.training.evaluation.claims import decide, verdict_on
from shiftscope.training.evaluation.estimates import Estimate

MARGIN, GAINS = 0.01, (0.0, 0.02, 0.05, 0.1)
USUAL, AT_LEVEL = 3, 5
"""Where an analysis has its 95 % interval, and the one at its own level."""

TAUGHT = (
    "patients a site", "random features", "moved", "truth", "true error", "patients' part", "training's", "as chosen",
    "patients alone", "Nadeau-Bengio t", "floor 0, t",
)  # fmt: skip

Analyses = Mapping[str, Sequence[float]]
Row = tuple[Mapping[str, Any], Sequence[Analyses]]


def half_widths(patients: np.ndarray, spread: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Half a 95 % interval by estimator, of runs over five folds.

    Args:
        patients: squared standard error that patients bring to the mean over folds.
        spread: variance of the folds' means.
    """
    t, z, ratio = stats.t(FOLDS - 1).ppf(0.975), stats.norm.ppf(0.975), 1 / (FOLDS - 1)
    share = 1 / FOLDS + ratio
    rest = np.maximum(0, spread - FOLDS * patients)
    whole = patients + share * rest
    freedom = np.clip(whole**2 / ((share * spread) ** 2 / (FOLDS - 1) + 1e-300), FOLDS - 1, 1e6)
    drawn = spread[:, None] * (FOLDS - 1) / rng.chisquare(FOLDS - 1, (len(spread), 1000)) - FOLDS * patients[:, None]
    errors = np.sqrt(patients[:, None] + share * np.maximum(0, drawn)) * rng.standard_normal(drawn.shape)
    return {
        "patients alone": z * np.sqrt(patients),
        "Nadeau-Bengio t on the folds' means": t * np.sqrt(share * spread),
        "the larger of these two": np.maximum(z * np.sqrt(patients), t * np.sqrt(share * spread)),
        "patients + t of all that folds differ by": np.sqrt(z**2 * patients + t**2 * share * spread),
        "subtracted, floor 0, z": z * np.sqrt(whole),
        "subtracted, floor 0, Satterthwaite's t": np.where(rest > 0, stats.t.ppf(0.975, freedom), z) * np.sqrt(whole),
        "subtracted, floor 0, t": t * np.sqrt(whole),
        "the larger of patients' z and t with the overlap of the rest": np.maximum(
            z * np.sqrt(patients), t * np.sqrt(spread / FOLDS + ratio * rest)
        ),
        "subtracted in draws (chosen)": np.quantile(np.abs(errors), 0.95, axis=1),
    }


def candidates(rng: np.random.Generator, runs: int = 4000) -> list[str]:
    """Table: estimators over five folds, for normal data whose patients' part is known from 100 degrees of freedom."""
    spreads = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    cells: dict[str, list[str]] = {}
    for spread in spreads:
        training = spread * np.sqrt(FOLDS)
        common = np.sqrt(1 / FOLDS) * rng.standard_normal((runs, 1))
        own = np.sqrt(1 - 1 / FOLDS) * rng.standard_normal((runs, FOLDS))
        folds = np.sqrt(FOLDS) * rng.standard_normal((runs, FOLDS)) + training * (common + own)
        widths = half_widths(rng.chisquare(100, runs) / 100, folds.var(axis=1, ddof=1), rng)
        for name, width in widths.items():
            held = float(np.mean(np.abs(folds.mean(axis=1)) <= width))
            cells.setdefault(name, []).append(f"{_share(held)} ({width.mean():.2f})")
    head = ["estimator", *(f"{spread:g}" for spread in spreads)]
    return _table(head, [[name, *row] for name, row in cells.items()])


def page(
    rows: Sequence[Row],
    learners: Sequence[tuple[Learner, Sequence[Analyses]]],
    table: Sequence[str],
    narrowest: float,
    runs: int,
) -> str:
    """docs/results/coverage.md."""
    covered = [_coverage(setting, found) for setting, found in rows]
    fixed = [_fixed(setting, found, gain) for setting, found in rows for gain in _gains(setting)]
    auto = [_auto(setting, found, gain) for setting, found in rows for gain in _gains(setting)]
    values = [cell for row in covered for cell in row[4:7] if cell]
    wrong = [cell for row in (*fixed, *auto) for cell in row[6:8]]
    taught = _learners(learners)
    chance = 2 * float(np.sqrt(0.05 * 0.95 / runs))
    lines = [
        "# Intervals and verdicts in simulated runs",
        "",
        f"`python benchmarks/coverage.py build/coverage --write`: {runs} runs a setting, through `patient_spread`,"
        " `estimate`, `decide` and `verdict_on` as a run calls them; seeds 20261129 and 20261130. To be"
        " faster, errors are drawn 5,000 times and not 20,000."
        f" Chance moves a share of .95 by {_share(chance)} (two standard errors). Margin .01.",
        "",
        "**Dice**: patients' gains spread by .15, a seed moves each by another .03. **AUROC**: normal scores, baseline"
        " .75, a third of the cases positive, correlation of the two strategies' scores .7. Spread: standard deviation"
        " of the gain over trainings, alike at all sites (joint) or at each by itself (own). Test: patients of a site"
        " in one test set. With folds five times as many are tested, and trainings are correlated by .2, those on the"
        " same fold by .6.",
        "",
        f"**Lowest coverage of planted settings: {min(values)}, of the learner's: {min(row[7] for row in taught)}**"
        f" (aim .93). **Highest share of false verdicts: {max(wrong)}** (aim .05; chance moves a true .05 to"
        f" {_share(0.05 + chance)} at two standard errors). What misses an aim is marked with *.",
        "",
        "## Which estimator over folds",
        "",
        "Columns: spread of a training in units of the patients' spread of a fold's mean. Cells: share of 95 %"
        " intervals that hold the truth (mean half width in units of the patients' standard error), 4,000 normal runs,"
        " one seed for each of five folds.",
        "",
        *table,
        "",
        f"No rule whatever that holds the truth in .945 of runs at every spread can be narrower than {narrowest:.2f}"
        " where trainings do not differ (a linear programme, `benchmarks/coverage_bound.py`). Nadeau and Bengio's test"
        " takes patients for training; the simple subtractions and the patients alone do not hold the truth.",
        "",
        "## Coverage of 95 % intervals",
        "",
        "Seeds on five folds: 5 and 10. The last column: runs without any difference in which some site was said to be"
        " harmed (three sites, Holm).",
        "",
        *_table(["metric", "sites x test", "spread", "folds", "3 seeds", "5", "10", "harmed"], covered),
        "",
        "## Real folds of a small learner",
        "",
        "Ridge regression on Gaussian data of two sites, in five folds, one seed each; with random features every seed"
        " draws others. The advice centres each site before pooling (moved: by how much the second site's inputs are"
        " off). Truth: the mean of 2,000 fresh trainings and tests. Cells: coverage (mean half width).",
        "",
        *_table(TAUGHT, taught),
        "",
        "## Verdicts with seeds and folds fixed",
        "",
        *_table(
            ["metric", "sites x test", "spread", "run", "gain", "helped", "false", "false `no_difference`", "decided"],
            fixed,
        ),
        "",
        '## Verdicts with `seeds = "auto"`',
        "",
        "Stopped for want of patients: undecided before the last analysis. Naive: a look at .95 after each of the same"
        " numbers of seeds, until something is found; false verdicts of both kinds.",
        "",
        *_table(
            [
                "metric", "sites x test", "spread", "folds", "gain", "helped", "false", "false `no_difference`",
                "decided", "stopped for want of patients", "mean seeds", "naive: false",
            ],
            auto,
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _coverage(setting: Mapping[str, Any], runs: Sequence[Analyses]) -> list[str]:
    cells = {
        seeds: _mark(np.mean([run[seeds][3] <= setting["truth"] <= run[seeds][4] for run in runs]), least=0.93)
        for seeds in (str(each.seeds) for each in schedule(setting["folds"]))
    }
    harmed = [run["harmed"][0] for run in runs if "harmed" in run]
    last = _mark(float(np.mean(harmed)), most=0.05) if harmed and setting["truth"] >= 0 else ""
    what = _what(setting)
    if setting["metric"] == "auroc":
        what[0] += f", gain {setting['gain']:g}"
    return [*what, str(setting["folds"]), *(cells.get(seeds, "") for seeds in ("3", "5", "10")), last]


def _fixed(setting: Mapping[str, Any], runs: Sequence[Analyses], gain: float) -> list[str]:
    folds = setting["folds"]
    seeds = str(schedule(folds)[0].seeds)
    return [*_what(setting), f"{seeds} seeds" if folds == 1 else "5 folds", f"{gain:g}", *_counts(
        [verdict_on(_difference(run[seeds], gain - setting["gain"], USUAL, 0.95), MARGIN) for run in runs],
        setting["truth"] + gain - setting["gain"],
    )]  # fmt: skip


def _auto(setting: Mapping[str, Any], runs: Sequence[Analyses], gain: float) -> list[str]:
    moved, truth_is = gain - setting["gain"], setting["truth"] + gain - setting["gain"]
    ends = [_one_auto(run, setting["folds"], moved) for run in runs]
    verdicts = [verdict for verdict, _ in ends]
    most = schedule(setting["folds"])[-1].seeds
    given_up = float(np.mean([verdict == "undecided" and seeds < most for verdict, seeds in ends]))
    naive = [_naive(run, setting["folds"], moved) for run in runs]
    false = float(np.mean([_wrong(verdict, truth_is) for verdict in naive]))
    return [
        *_what(setting), str(setting["folds"]), f"{gain:g}", *_counts(verdicts, truth_is), _share(given_up),
        f"{np.mean([seeds for _, seeds in ends]):.1f}", _share(false),
    ]  # fmt: skip


def _one_auto(run: Analyses, folds: int, moved: float) -> tuple[str, int]:
    """The verdict of a run with seeds until decided, and how many it trained."""
    analyses = schedule(folds)
    for number, analysis in enumerate(analyses):
        numbers = run[str(analysis.seeds)]
        difference = _difference(numbers, moved, AT_LEVEL, analysis.level)
        parts = Estimate(difference.mean, patients_se=numbers[1], training_se=numbers[2])
        if decide(difference, parts, MARGIN, analyses[number + 1 :]) == "stop":
            break
    return verdict_on(difference, MARGIN), analysis.seeds


def _naive(run: Analyses, folds: int, moved: float) -> str:
    verdicts = (verdict_on(_difference(run[str(each.seeds)], moved, USUAL, 0.95), MARGIN) for each in schedule(folds))
    return next((verdict for verdict in verdicts if verdict != "undecided"), "undecided")


def _difference(numbers: Sequence[float], moved: float, at: int, level: float) -> Difference:
    mean, low, high = (float(np.clip(each + moved, -1, 1)) for each in (numbers[0], numbers[at], numbers[at + 1]))
    return Difference(mean=mean, low=low, high=high, level=level)


def _counts(verdicts: Sequence[str], truth_is: float) -> list[str]:
    helped = float(np.mean([verdict == "helped" for verdict in verdicts]))
    false = float(np.mean([_wrong(verdict, truth_is) and verdict != "no_difference" for verdict in verdicts]))
    nothing = float(np.mean([_wrong(verdict, truth_is) and verdict == "no_difference" for verdict in verdicts]))
    decided = float(np.mean([verdict != "undecided" for verdict in verdicts]))
    return [_share(helped), _mark(false, most=0.05), _mark(nothing, most=0.05), _share(decided)]


def _wrong(verdict: str, truth_is: float) -> bool:
    """Whether what was said is not so."""
    if verdict == "no_difference":
        return abs(truth_is) > MARGIN
    return (verdict == "helped" and truth_is <= 1e-9) or (verdict == "harmed" and truth_is >= -1e-9)


def _learners(learners: Sequence[tuple[Learner, Sequence[Analyses]]]) -> list[list[str]]:
    rows = []
    for learner, runs in learners:
        mean, se, training, low, high, spread = np.array([run["5"] for run in runs], dtype=float).T
        right = truth(learner)
        widths = half_widths(se**2, spread, np.random.default_rng(0))
        others = [
            f"{_share(float(np.mean(np.abs(mean - right) <= widths[name])))} ({widths[name].mean():.3f})"
            for name in ("patients alone", "Nadeau-Bengio t on the folds' means", "subtracted, floor 0, t")
        ]
        own = _mark(float(np.mean((low <= right) & (right <= high))), least=0.93)
        half = np.mean(high - low) / 2
        rows.append(
            [f"{learner.patients}", f"{learner.units or 'none'}", f"{learner.offset:g}", f"{right:+.4f}",
             f"{mean.std():.4f}", f"{np.sqrt(np.mean(se**2)):.4f}", f"{np.sqrt(np.mean(training**2)):.4f}",
             f"{own} ({half:.3f})", *others]
        )  # fmt: skip
    return rows


def _what(setting: Mapping[str, Any]) -> list[str]:
    kind = "" if setting["spread"] == 0 or setting["sites"] == 1 else " joint" if setting["joint"] else " own"
    return [setting["metric"], f"{setting['sites']} x {setting['test']}", f"{setting['spread']:g}{kind}"]


def _gains(setting: Mapping[str, Any]) -> tuple[float, ...]:
    return GAINS if setting["metric"] == "dice" else (setting["gain"],)


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _mark(value: float, least: float = 0.0, most: float = 1.0) -> str:
    return _share(value) + ("" if least <= value <= most else " *")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]

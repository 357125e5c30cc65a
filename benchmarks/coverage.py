"""How often a run's intervals hold the truth, and its verdicts are right: simulated runs through the code that judges.

    python benchmarks/coverage.py build/coverage --write

To be faster the errors of a difference are drawn 5,000 times and not 20,000, and sites of 500 patients, and those of
the learner, are resampled 400 times. Results of each setting are kept in the folder, so that a run that was stopped
goes on. With `--write`, docs/results/coverage.md is written at the end.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from coverage_bound import narrowest
from coverage_learner import LEARNERS, learned
from coverage_tables import candidates, page
from scipy.special import ndtr, ndtri

from shiftscope.plans.seed_schedule import schedule
from shiftscope.training.evaluation import estimates
from shiftscope.training.evaluation.claims import harmed_sites
from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, estimate
from shiftscope.training.evaluation.patient_spreads import SeriesSpread, patient_spread
from shiftscope.training.evaluation.scores import CaseScores, auroc, mean_of

FOLDS, MOST = 5, 10
PATIENTS, INTERACTION, BASE_AUROC, AGREEMENT = 0.15, 0.03, 0.75, 0.7
"""Spread of patients' gains in Dice, and of what a seed does to one; the baseline's AUROC; correlation of scores."""


@dataclass(frozen=True)
class Setting:
    """One row of the tables.

    Attributes:
        metric: "dice" or "auroc".
        sites: how many.
        test: patients of a site in a test set; with folds, in each of them.
        spread: standard deviation of the gain over trainings.
        joint: whether a training is lucky at all sites alike, or at each by itself.
        folds: 1, or 5, with training sets that overlap.
        gain: true difference; differences of Dice are simulated at 0 and moved.
    """

    metric: str
    sites: int
    test: int
    spread: float
    joint: bool
    folds: int
    gain: float = 0.0

    @property
    def name(self) -> str:
        joint = "joint" if self.joint else "own"
        return f"{self.metric}-{self.sites}x{self.test}-{self.spread}-{joint}-{self.folds}-{self.gain}"


def settings() -> Iterator[Setting]:
    """All rows."""
    for folds in (1, FOLDS):
        for test in (15, 40, 100):
            yield Setting("dice", 3, test, 0.0, True, folds)
            for spread, joint in ((0.02, True), (0.1, True), (0.1, False)):
                if spread < 0.1 or folds == 1 or test < 100:
                    yield Setting("dice", 3, test, spread, joint, folds)
        for test in (4, 15):
            yield Setting("dice", 1, test, 0.02, True, folds)
        for spread in (0.0, 0.02, 0.1):
            for test, gain in ((15, 0.0), (40, 0.0), (40, 0.05)):
                if folds == 1 or (gain == 0 and (test == 40 or spread == 0.02)):
                    yield Setting("auroc", 3, test, spread, True, folds, gain)


def luck(setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """(sites, seeds) what the chance of training adds to the gain.

    Trainings on different folds are correlated as Nadeau and Bengio assume, by the share of the test patients. One on
    the same fold with another seed shares .6 of its variance with the first.
    """
    shape = (1 if setting.joint else setting.sites, MOST)
    if setting.folds == 1:
        return np.broadcast_to(setting.spread * rng.standard_normal(shape), (setting.sites, MOST))
    common = 1 / setting.folds
    of_fold = np.tile(rng.standard_normal((shape[0], setting.folds)), MOST // setting.folds)
    drawn = (
        np.sqrt(common) * rng.standard_normal((shape[0], 1))
        + np.sqrt(0.5 - common / 2) * of_fold
        + np.sqrt(0.5 - common / 2) * rng.standard_normal(shape)
    )
    return np.broadcast_to(setting.spread * drawn, (setting.sites, MOST))


Scores = tuple[list[CaseScores], list[CaseScores]]


def dice_scores(setting: Setting, lucky: np.ndarray, rng: np.random.Generator) -> Scores:
    """A site's cases under the baseline and the advice, seed by seed."""
    owners = PATIENTS * rng.standard_normal((setting.folds, setting.test))
    noise = INTERACTION * rng.standard_normal((MOST, setting.test))
    base = 0.5 + 0.1 * rng.standard_normal((MOST, setting.test))
    gains = [setting.gain + owners[i % setting.folds] + lucky[i] + noise[i] for i in range(MOST)]
    return [{"dice": row} for row in base], [{"dice": row + gain} for row, gain in zip(base, gains, strict=True)]


def auroc_scores(setting: Setting, lucky: np.ndarray, rng: np.random.Generator) -> Scores:
    """As `dice_scores`: normal scores in each class, a third of them positive, whose distance gives the AUROC."""
    truth = (np.arange(setting.test) < round(setting.test / 3)).astype(float)
    case, other = rng.standard_normal((2, setting.folds, setting.test))
    noise = 0.2 * rng.standard_normal((MOST, setting.test))
    base, new = [], []
    for i in range(MOST):
        one = case[i % setting.folds]
        two = AGREEMENT * one + np.sqrt(1 - AGREEMENT**2 - 0.04) * other[i % setting.folds] + noise[i]
        base.append(_classified(truth, one, BASE_AUROC))
        new.append(_classified(truth, two, reached(BASE_AUROC + setting.gain + lucky[i])))
    return base, new


def reached(auroc: np.ndarray | float) -> np.ndarray | float:
    """An AUROC that can be."""
    return np.clip(auroc, 0.05, 0.99)


def _classified(truth: np.ndarray, noise: np.ndarray, auroc: np.ndarray | float) -> CaseScores:
    score = ndtr(noise + truth * np.sqrt(2) * ndtri(auroc))
    return {"probabilities": np.stack([1 - score, score], axis=1), "truth": truth}


def truth_of(setting: Setting) -> float:
    """The expected difference; an AUROC cannot pass 1, which takes a little off."""
    if setting.metric == "dice":
        return setting.gain
    drawn = reached(BASE_AUROC + setting.gain + setting.spread * ndtri((np.arange(100_000) + 0.5) / 100_000))
    return float(np.mean(drawn) - BASE_AUROC)


def simulate(setting: Setting, rng: np.random.Generator) -> dict[str, list[float | None]]:
    """One run after 3, 5 and 10 seeds (with folds 5 and 10): what each analysis sees."""
    metric = mean_of("dice") if setting.metric == "dice" else auroc
    make = dice_scores if setting.metric == "dice" else auroc_scores
    lucky = luck(setting, rng)
    folds = [i % setting.folds for i in range(MOST)]
    people = [[f"{fold}-{j}" for j in range(setting.test)] for fold in folds]
    spreads: dict[str, SeriesSpread] = {}
    means = {}
    once = np.ones((1, setting.test))
    for number in range(setting.sites):
        site = f"site{number}"
        base, new = make(setting, lucky[number], rng)
        spreads[site] = patient_spread(base, {"new": new}, metric, people, folds).of("new")
        means[site] = [float(metric(b, once)[0] - metric(a, once)[0]) for a, b in zip(base, new, strict=True)]
    found: dict[str, list[float | None]] = {}
    for analysis in schedule(setting.folds):
        seeds = analysis.seeds
        layout = FoldLayout(tuple(folds[:seeds]), 1 / (FOLDS - 1))
        known = {
            site: SeriesSpread(spread.covariance[:seeds, :seeds], spread.freedom) for site, spread in spreads.items()
        }
        gains = {site: values[:seeds] for site, values in means.items()}
        whole = estimate(known, gains, rng, layout)
        at, usual = whole.interval(analysis.level), whole.interval(0.95)
        found[str(seeds)] = [
            whole.mean, whole.patients_se, whole.training_se, usual.low, usual.high, at.low, at.high,
        ]  # fmt: skip
        if seeds == schedule(setting.folds)[0].seeds and setting.sites > 1:
            apart: dict[str, Estimate] = {
                site: estimate({site: known[site]}, {site: gains[site]}, rng, layout) for site in known
            }
            found["harmed"] = [float(bool(harmed_sites(apart, 0.01)))]
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate what is missing, then write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    estimates.DRAWS = 5000
    chosen.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, setting in enumerate(settings()):
        rng = np.random.default_rng([20261129, number])
        runs = kept(chosen.folder / f"{setting.name}.json", lambda: simulate(setting, rng), chosen.runs)  # noqa: B023
        rows.append((asdict(setting) | {"truth": truth_of(setting)}, runs))
    learners = []
    for number, learner in enumerate(LEARNERS):
        rng = np.random.default_rng([20261130, number])
        runs = kept(chosen.folder / f"{learner.name}.json", lambda: learned(learner, rng), chosen.runs)  # noqa: B023
        learners.append((learner, runs))
    text = page(rows, learners, candidates(np.random.default_rng(1)), narrowest(), chosen.runs)
    if chosen.write:
        Path("docs/results/coverage.md").write_text(text, encoding="utf-8")
    print(text)


def kept(
    path: Path, run: Callable[[], dict[str, list[float | None]]], runs: int
) -> list[dict[str, list[float | None]]]:
    """So many runs, from the file where it holds them."""
    if path.exists() and len(found := json.loads(path.read_text())) >= runs:
        return found[:runs]
    start = time.perf_counter()
    found = [run() for _ in range(runs)]
    path.write_text(json.dumps(found))
    print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


if __name__ == "__main__":
    main()

"""A small learner on planted data, its folds cut for real: training sets overlap as they do in a run."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from shiftscope.training.evaluation.estimates import FoldLayout, estimate
from shiftscope.training.evaluation.patient_spreads import patient_spread
from shiftscope.training.evaluation.scores import mean_of

FOLDS, FEATURES, SITES = 5, 10, 2


@dataclass(frozen=True)
class Learner:
    """Ridge regression of two classes on random features, one model for two sites; the advice centres each site first.

    Attributes:
        patients: of a site, all folds together.
        units: random features, drawn anew with every seed; 0 for the inputs as they are, without chance but the data's.
        offset: by how much the second site's inputs are moved.
        ridge: weight of the penalty.
    """

    patients: int
    units: int
    offset: float
    ridge: float = 1.0

    @property
    def name(self) -> str:
        return f"learner-{self.patients}-{self.units}-{self.offset}"


LEARNERS = tuple(
    Learner(patients, units, offset) for patients in (40, 100) for units in (0, 20) for offset in (0.0, 1.5)
)

Data = list[tuple[np.ndarray, np.ndarray]]


def sampled(learner: Learner, count: int, rng: np.random.Generator) -> Data:
    """Per site, inputs (count, features) and classes of -1 and 1."""
    data = []
    direction = np.full(FEATURES, 1 / np.sqrt(FEATURES))
    for site in range(SITES):
        classes = np.where(np.arange(count) % 2, 1.0, -1.0)
        moved = site * learner.offset * np.eye(FEATURES)[0]
        data.append((rng.standard_normal((count, FEATURES)) + 0.8 * classes[:, None] * direction + moved, classes))
    return data


def judged(
    learner: Learner, train: Data, test: Data, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Per site, test cases' scores in [0, 1] under the baseline and under the advice, of one training."""
    if learner.units:
        mixing, bias = rng.standard_normal((FEATURES, learner.units)), rng.standard_normal(learner.units)
    scores = []
    for centred in (False, True):
        centres = [x.mean(axis=0) * centred for x, _ in train]

        def mapped(x: np.ndarray, centre: np.ndarray) -> np.ndarray:
            if not learner.units:
                return x - centre
            return np.maximum(0, (x - centre) @ mixing + bias) / np.sqrt(learner.units)

        x = np.concatenate([mapped(x, centre) for (x, _), centre in zip(train, centres, strict=True)])
        y = np.concatenate([y for _, y in train])
        x = np.column_stack([x, np.ones(len(x))])
        fit = np.linalg.solve(x.T @ x + learner.ridge * np.eye(x.shape[1]), x.T @ y)
        scores.append(
            [
                1 / (1 + np.exp(-4 * y * (mapped(x, centre) @ fit[:-1] + fit[-1])))
                for (x, y), centre in zip(test, centres, strict=True)
            ]
        )
    return zip(*scores, strict=True)


@cache
def truth(learner: Learner) -> float:
    """The expected difference over fresh patients, trainings and tests: 2,000 of them."""
    rng = np.random.default_rng(7)
    share = learner.patients * (FOLDS - 1) // FOLDS
    gains = []
    for _ in range(2000):
        pairs = judged(learner, sampled(learner, share, rng), sampled(learner, 200, rng), rng)
        gains.append(np.mean([new.mean() - base.mean() for base, new in pairs]))
    return float(np.mean(gains))


def learned(learner: Learner, rng: np.random.Generator) -> dict[str, list[float | None]]:
    """One run over five folds: mean, its parts, the interval, and what other estimators need."""
    data = sampled(learner, learner.patients, rng)
    part = np.arange(learner.patients) // 2 % FOLDS
    base: list[list[dict[str, np.ndarray]]] = [[] for _ in range(SITES)]
    new: list[list[dict[str, np.ndarray]]] = [[] for _ in range(SITES)]
    for fold in range(FOLDS):
        train = [(x[part != fold], y[part != fold]) for x, y in data]
        test = [(x[part == fold], y[part == fold]) for x, y in data]
        for site, (one, two) in enumerate(judged(learner, train, test, rng)):
            base[site].append({"dice": one})
            new[site].append({"dice": two})
    metric = mean_of("dice")
    people = [[f"{fold}-{j}" for j in range((part == fold).sum())] for fold in range(FOLDS)]
    spreads, means = {}, {}
    for site in range(SITES):
        spreads[str(site)] = patient_spread(base[site], {"new": new[site]}, metric, people, range(FOLDS)).of("new")
        pairs = zip(base[site], new[site], strict=True)
        means[str(site)] = [float((b["dice"] - a["dice"]).mean()) for a, b in pairs]
    layout = FoldLayout(tuple(range(FOLDS)), 1 / (FOLDS - 1))
    found = estimate(spreads, means, rng, layout)
    usual = found.interval()
    by_fold = np.mean(list(means.values()), axis=0)
    return {"5": [found.mean, found.patients_se, found.training_se, usual.low, usual.high, float(by_fold.var(ddof=1))]}


__all__ = ["LEARNERS", "Learner", "learned", "truth"]

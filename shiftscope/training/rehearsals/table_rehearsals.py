"""One site's heads on all of its tables: shared ones trained a round at a time, own ones made at home, all judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from shiftscope.profiles.widths import FEWEST
from shiftscope.training.data.randomness import single_threaded
from shiftscope.training.evaluation.patient_spreads import PatientSpread, over_folds, patient_spread
from shiftscope.training.evaluation.scores import CaseScores, auroc, mean_of
from shiftscope.training.rehearsals.head_tables import HeadTable, shares_of
from shiftscope.training.rehearsals.linear_heads import BUDGET, HeadSchedule, blank_heads
from shiftscope.training.rehearsals.mixing_weights import OwnWeight
from shiftscope.training.rehearsals.rehearsed_strategies import OWN, REFERENCE, HeadPlace, Rehearsed

__all__ = ["HeadScores", "OwnHeads", "SharedHeads", "train_shared"]

SharedHeads = Mapping[str, torch.Tensor]
"""Table -> (k, d + 1, outputs), in the order of the table's places."""

PULL = 0.01
"""FedProx's weight of the distance from the shared head."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadScores:
    """What a site says of all strategies.

    Attributes:
        means: strategy -> the metric on test patients, mean over folds; NaN where it is undefined.
        spread: how differences from FedAvg vary, with patients and with what is trained on, of the mean over folds.
        validation: strategy -> the metric on validation patients, mean over the folds in which it is defined.
        by_fold: strategy -> (folds,) the metric in each fold, in their order; never sent, for a fold may hold few.
        spread_by_fold: how differences vary with the patients of each fold, a fold in the place of a seed; never sent.
    """

    means: Mapping[str, float]
    spread: PatientSpread
    validation: Mapping[str, float] = field(default_factory=dict)
    by_fold: Mapping[str, np.ndarray] = field(default_factory=dict)
    spread_by_fold: PatientSpread | None = None


def train_shared(
    tables: Mapping[str, HeadTable], shared: SharedHeads, number: int, budget: HeadSchedule = BUDGET
) -> dict[str, torch.Tensor]:
    """Round `number`, from 1: the site's steps on every shared head, all rows of its training cases at once."""
    steps = range((number - 1) * budget.local_steps, number * budget.local_steps)
    found = {}
    with single_threaded():
        for name, table in tables.items():
            places = table.places
            pull = torch.tensor([PULL if place.method == "fedprox" else 0.0 for place in places])
            shares = shares_of(table, places)
            whole = budget.rounds * budget.local_steps
            found[name] = table.rows.descend(shared[name], shares, steps, whole, pull)
    return found


@dataclass(frozen=True, slots=True)
class OwnHeads:
    """What a site makes at home, table by table: (folds, d + 1, outputs) each.

    Attributes:
        local: trained alone, on as many steps as all rounds together.
        tuned: FedAvg's, and then tuned at the site.
    """

    local: Mapping[str, torch.Tensor]
    tuned: Mapping[str, torch.Tensor]

    @classmethod
    def of(cls, tables: Mapping[str, HeadTable], shared: SharedHeads, budget: HeadSchedule = BUDGET) -> "OwnHeads":
        """Trained now."""
        whole = budget.rounds * budget.local_steps
        few = max(1, round(budget.tuning * whole))
        local, tuned = {}, {}
        with single_threaded():
            for name, table in tables.items():
                shares = shares_of(table, [HeadPlace(REFERENCE, fold) for fold in table.folds])
                start = shared[name][: len(table.folds)]
                blank = blank_heads(len(start), start.shape[1] - 1, start.shape[2])
                local[name] = table.rows.descend(blank, shares, range(whole), whole)
                tuned[name] = table.rows.descend(start, shares, range(few), few)
        return cls(local, tuned)

    def weights(self, tables: Mapping[str, HeadTable], shared: SharedHeads) -> dict[str, list[OwnWeight | None]]:
        """Table -> for each of its folds what validation patients say of the own head's weight; None of too few.

        A fold of a small site validates on a handful, so those of all folds are asked, each by the heads of the fold
        that did not train on it, and none that the fold itself tests.
        """
        fits: dict[tuple[str | None, int], tuple[np.ndarray, np.ndarray]] = {}
        with single_threaded():
            for name, table in tables.items():
                found = table.rows.fits(shared[name][: len(table.folds)], self.local[name], table.val)
                for fold, by_case in zip(table.folds, found, strict=True):
                    fits[table.harmonizer, fold] = (table.people(fold, "val"), by_case)
        return {
            name: [
                _weight(table, fold, [fits[key] for key in fits if key[0] == table.harmonizer]) for fold in table.folds
            ]
            for name, table in tables.items()
        }

    def judge(
        self,
        tables: Mapping[str, HeadTable],
        shared: SharedHeads,
        weights: Mapping[str, np.ndarray],
        strategies: tuple[Rehearsed, ...],
        ratio: float,
    ) -> HeadScores:
        """Every strategy on the test patients of all folds.

        Args:
            weights: table -> (folds,) of the own head in a mixture.
            ratio: test patients over training patients of a fold.
        """
        tested: dict[tuple[str | None, str, int], CaseScores] = {}
        validated: dict[tuple[str | None, str, int], CaseScores] = {}
        patients: dict[int, list[str]] = {}
        with single_threaded():
            for name, table in tables.items():
                for method in _methods(table):
                    heads = self._heads(method, name, table, shared, weights)
                    for found, part in ((tested, table.test), (validated, table.val)):
                        judged = table.rows.judge(heads, part)
                        found |= {
                            (table.harmonizer, method, fold): scores
                            for fold, scores in zip(table.folds, judged, strict=True)
                        }
                patients |= {fold: [*table.people(fold, "test")] for fold in table.folds}
        folds = sorted(patients)
        series: dict[str, list[CaseScores | None]] = {
            each.name: [tested[each.harmonizer, each.method, fold] for fold in folds] for each in strategies
        }
        metric = mean_of("dice") if "dice" in next(iter(tested.values())) else auroc
        values = {name: _values(found, metric) for name, found in series.items()}
        base = series.pop(REFERENCE)
        spread = patient_spread(base, series, metric, [patients[fold] for fold in folds], folds)
        gains = np.array([values[name] - values[REFERENCE] for name in spread.strategies])
        means = {name: float(found.mean()) for name, found in values.items()}
        validation = {
            each.name: _mean(_values([validated[each.harmonizer, each.method, fold] for fold in folds], metric))
            for each in strategies
        }
        return HeadScores(means, over_folds(spread, gains, ratio), validation, values, spread)

    def _heads(
        self,
        method: str,
        name: str,
        table: HeadTable,
        shared: SharedHeads,
        weights: Mapping[str, np.ndarray],
    ) -> torch.Tensor:
        """(folds, d + 1, outputs) that a method gives."""
        if method == "local":
            return self.local[name]
        if method == "lp_ft":
            return self.tuned[name]
        count = len(table.folds)
        if method == "shrinkage":
            own = torch.from_numpy(weights[name]).float()[:, None, None]
            return own * self.local[name] + (1 - own) * shared[name][:count]
        methods = list(dict.fromkeys(place.method for place in table.places))
        first = methods.index(method) * count  # type: ignore[arg-type]
        return shared[name][first : first + count]


def _methods(table: HeadTable) -> tuple[str, ...]:
    return (*dict.fromkeys(place.method for place in table.places), *OWN)


def _weight(table: HeadTable, fold: int, fits: Sequence[tuple[np.ndarray, np.ndarray]]) -> OwnWeight | None:
    """In one fold, from every fold's validation patients and how well mixtures describe their cases."""
    people, by_case = (np.concatenate(part) for part in zip(*fits, strict=True))
    outside = ~np.isin(people, table.people(fold, "test"))
    known, owner = np.unique(people[outside], return_inverse=True)
    if len(known) < FEWEST:
        return None
    sums = np.stack([np.bincount(owner, each) for each in by_case[outside].T], axis=1)
    return table.rows.weigh(sums / np.bincount(owner)[:, None])


def _values(cases: list[CaseScores | None], metric: Callable[[CaseScores, np.ndarray], np.ndarray]) -> np.ndarray:
    """(folds,) the metric."""
    return np.array([metric(each, _once(each))[0] for each in cases if each])


def _mean(values: np.ndarray) -> float:
    """Of what is defined; NaN of nothing."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _once(cases: CaseScores) -> np.ndarray:
    """(1, n) every case counts once."""
    return np.ones((1, len(next(iter(cases.values())))))

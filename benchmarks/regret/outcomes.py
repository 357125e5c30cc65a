"""What `cells.py` wrote of each federation, as arrays, and what a rehearsal of some of its folds would have found.

Nothing is printed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from shiftscope.training.evaluation.patient_spreads import PatientSpread, over_folds

__all__ = ["REFERENCE", "FoldScores", "Outcome", "read_outcomes"]

REFERENCE = "fedavg"


@dataclass(frozen=True, slots=True, eq=False)
class FoldScores:
    """What some folds say of all strategies.

    Attributes:
        strategies: their names, FedAvg first.
        means: (strategies,) the metric, mean over folds and sites.
        errors: (strategies,) standard errors of the gains over FedAvg; 0 for FedAvg.
        freedom: degrees of freedom of the errors.
        by_fold: (strategies, folds) mean over sites.
    """

    strategies: tuple[str, ...]
    means: np.ndarray
    errors: np.ndarray
    freedom: int
    by_fold: np.ndarray

    @property
    def gains(self) -> np.ndarray:
        """(strategies,) over FedAvg."""
        return np.asarray(self.means - self.means[self.strategies.index(REFERENCE)])


@dataclass(frozen=True, eq=False)
class Outcome:
    """All cells of a federation.

    Attributes:
        about: the file's other keys: name, family, kind, plant, severity, form, seed, study, advice, seconds, ...
        sites: names.
        strategies: names, FedAvg first.
        scores: (sites, strategies, folds); NaN where the metric is undefined.
        early: rounds -> the same after a whole schedule of so many; empty where that was not tried.
        covariance: (sites, folds, strategies, strategies) of differences from FedAvg over each fold's patients.
        ratio: (sites,) test patients over training patients of a fold.
        freedom: (sites,) patients less folds.
    """

    about: dict[str, Any]
    sites: tuple[str, ...]
    strategies: tuple[str, ...]
    scores: np.ndarray
    covariance: np.ndarray
    ratio: np.ndarray
    freedom: np.ndarray
    early: Mapping[int, np.ndarray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.about["name"])

    @property
    def family(self) -> str:
        return str(self.about["family"])

    @property
    def task(self) -> str:
        return str(self.about["task"])

    @property
    def folds(self) -> int:
        return int(self.scores.shape[2])

    def place(self, strategy: str) -> int:
        """Of a strategy in all arrays.

        Raises:
            KeyError: it was not rehearsed here.
        """
        if strategy not in self.strategies:
            raise KeyError(f"{self.name}: {strategy} was not rehearsed; expected one of {', '.join(self.strategies)}")
        return self.strategies.index(strategy)

    @cached_property
    def _kept(self) -> dict[tuple[int, ...], FoldScores]:
        return {}

    def on_folds(self, folds: Sequence[int]) -> FoldScores:
        """What these folds say, and no other: means, and how sure differences are (`over_folds`, as a site has it)."""
        chosen = tuple(sorted(folds))
        if chosen not in self._kept:
            self._kept[chosen] = self._look_at(list(chosen))
        return self._kept[chosen]

    def _look_at(self, folds: list[int]) -> FoldScores:
        scores = self.scores[:, :, folds]
        variances = np.zeros(len(self.strategies))
        for site in range(len(self.sites)):
            spread = over_folds(self._spread(site, folds), self._gains(site, folds), float(self.ratio[site]))
            variances[1:] += np.diagonal(spread.covariance[:, 0, :, 0])
        share = len(folds) / self.folds
        return FoldScores(
            self.strategies,
            np.nanmean(scores, axis=(0, 2)),
            np.sqrt(variances) / len(self.sites),
            max(1, round(float(self.freedom.sum()) * share)),
            np.nanmean(scores, axis=0),
        )

    def _spread(self, site: int, folds: list[int]) -> PatientSpread:
        """Of this site's differences in these folds, which have no patient in common."""
        count, others = len(folds), self.strategies[1:]
        whole = np.zeros((len(others), count, len(others), count))
        for place, fold in enumerate(folds):
            whole[:, place, :, place] = self.covariance[site, fold, 1:, 1:]
        return PatientSpread(others, whole, int(self.freedom[site]))

    def _gains(self, site: int, folds: list[int]) -> np.ndarray:
        found = self.scores[site][:, folds]
        return np.asarray(found[1:] - found[0])


def read_outcomes(folder: Path) -> list[Outcome]:
    """All that has been run so far, by name."""
    return sorted(map(_outcome, (folder / "cells").glob("*.json")), key=lambda outcome: outcome.name)


def _outcome(path: Path) -> Outcome:
    written = json.loads(path.read_text(encoding="utf-8"))
    names = tuple(each["name"] for each in written["strategies"])
    if names[0] != REFERENCE:
        raise SystemExit(f"{path}: the first strategy is {names[0]}; expected {REFERENCE}: run it again")
    sites = tuple(written["sites"])
    return Outcome(
        {key: value for key, value in written.items() if key not in ("scores", "early", "spread")},
        sites,
        names,
        _scores(written["scores"], sites, names),
        np.array([_squares(written["spread"][site]["covariance"], len(names)) for site in sites]),
        np.array([written["ratio"][site] for site in sites]),
        np.array([written["spread"][site]["freedom"] for site in sites]),
        {int(rounds): _scores(by_site, sites, names) for rounds, by_site in written["early"].items()},
    )


def _scores(written: Mapping[str, Any], sites: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """(sites, strategies, folds)."""
    return np.array([[written[site][name] for name in names] for site in sites], dtype=np.float64)


def _squares(triangles: Iterable[Sequence[float]], size: int) -> np.ndarray:
    """(folds, size, size), the row and column of FedAvg 0, from lower triangles of the others."""
    rows, columns = np.tril_indices(size - 1)
    found = []
    for triangle in triangles:
        square = np.zeros((size, size))
        square[rows + 1, columns + 1] = square[columns + 1, rows + 1] = triangle
        found.append(square)
    return np.array(found)

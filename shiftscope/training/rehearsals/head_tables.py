"""Features of a site's cases under one harmonizer, with who learns and who is judged in which fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.data.splits import PARTS
from shiftscope.training.rehearsals.linear_heads import FeatureRows
from shiftscope.training.rehearsals.pixel_heads import FeatureMaps
from shiftscope.training.rehearsals.rehearsed_strategies import REFERENCE, SHARED, HeadPlace

__all__ = ["HeadTable", "divided", "places_in", "shares_of", "table_of"]


@dataclass(frozen=True, slots=True)
class HeadTable:
    """What heads of some folds learn from and are judged on.

    Attributes:
        harmonizer: before the encoder; None for images as they are.
        folds: that the features hold for: all of them, or one where the harmonizer was fitted to its training cases.
        rows: what heads learn from, n of them: a row a case, or a slice a row.
        patients: (n,) whose they are; they stay at the site.
        train, val, test: (folds, n) boolean.
    """

    harmonizer: str | None
    folds: tuple[int, ...]
    rows: FeatureRows | FeatureMaps
    patients: np.ndarray
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def tested(self, fold: int) -> list[str]:
        """The patient of each test case of a fold, in the order in which cases are judged."""
        test = self.test[self.folds.index(fold)]
        first = np.unique(self.rows.cases[test], return_index=True)[1]
        return [str(patient) for patient in self.patients[test][first]]

    @property
    def places(self) -> tuple[HeadPlace, ...]:
        """Which shared heads are trained on it, in their order."""
        return places_in(self.harmonizer, self.folds)


def places_in(harmonizer: str | None, folds: Sequence[int]) -> tuple[HeadPlace, ...]:
    """Which shared heads a table has, in their order, FedAvg's of all folds first."""
    methods = (REFERENCE,) if harmonizer else SHARED
    return tuple(HeadPlace(method, fold) for method in methods for fold in folds)


def table_of(harmonizer: str | None, samples: Mapping[int, Samples]) -> HeadTable:
    """The table of some folds in which every case has the same features, of classes.

    Rows lie by patient, whatever the folds: tables are compared row by row, and patients are left out of all at once.

    Args:
        samples: fold -> its cases, (1, d, 1, 1) features each.
    """
    every, inside = divided(samples)
    features = np.stack([sample.pixels.reshape(-1) for sample in every]).astype(np.float32)
    targets = np.array([int(sample.target) for sample in every])
    rows = FeatureRows(torch.from_numpy(features), torch.from_numpy(targets))
    return HeadTable(harmonizer, tuple(samples), rows, np.array([sample.patient for sample in every]), **inside)


def divided(samples: Mapping[int, Samples]) -> tuple[list[Sample], dict[str, np.ndarray]]:
    """All cases, and part -> (folds, cases) who is in it.

    Args:
        samples: fold -> the same cases, otherwise divided.
    """
    folds = tuple(samples)
    parts = [{part: getattr(samples[fold], part) for part in PARTS} for fold in folds]
    every = sorted((sample for part in PARTS for sample in parts[0][part]), key=lambda sample: sample.patient)
    place = {id(sample.pixels): number for number, sample in enumerate(every)}
    inside = {part: np.zeros((len(folds), len(every)), dtype=bool) for part in PARTS}
    for row, of_fold in enumerate(parts):
        for part, chosen in of_fold.items():
            inside[part][row, [place[id(sample.pixels)] for sample in chosen]] = True
    return every, inside


def shares_of(table: HeadTable, places: Sequence[HeadPlace]) -> torch.Tensor:
    """(k, n) what each row counts in each head's loss: training cases alike; classes alike where they are balanced."""
    shares = []
    for place in places:
        weights = table.train[table.folds.index(place.fold)].astype(np.float64)
        if place.method == "balanced" and isinstance(table.rows, FeatureRows):
            truth = table.rows.targets.numpy()
            of_class = np.bincount(truth, weights=weights)
            weights = weights / np.where(of_class > 0, of_class, 1)[truth]
        shares.append(weights / weights.sum())
    return torch.from_numpy(np.stack(shares)).float()

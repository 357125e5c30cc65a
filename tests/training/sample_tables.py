"""Tables of features straight from samples, as a site makes them through files."""

from collections.abc import Mapping

import numpy as np
import torch

from shiftscope.training.data.model_inputs import Samples
from shiftscope.training.rehearsals.head_tables import HeadTable, divided
from shiftscope.training.rehearsals.linear_heads import FeatureRows

__all__ = ["table_of"]


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

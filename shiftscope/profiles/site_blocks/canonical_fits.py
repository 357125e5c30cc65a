"""The site's map to what is public, fitted on the patients in the sample."""

from collections.abc import Iterator, Sequence

import numpy as np

from shiftscope.measures.canonical_maps import Canonical
from shiftscope.profiles.patients.case_batches import BATCH
from shiftscope.profiles.site_blocks.block_measuring import WaitingPatient

__all__ = ["fit_canonical"]

FIT_CANVASES = 256
"""Canvases that the map is fitted on, about: as many of each patient."""


def fit_canonical(patients: Sequence[WaitingPatient], seed: int, device: str) -> Canonical | None:
    """Fit the map; None where none of the patients could be read.

    Args:
        patients: of the sample, in their order.
        seed: draws which canvases of a patient are taken, where there are more than are needed.
        device: "cpu" or "cuda".
    """
    import torch

    known = [np.concatenate(patient.canvases) for patient in patients if patient.canvases]
    if not known:
        return None
    share, rng = -(-FIT_CANVASES // len(known)), np.random.default_rng(seed)
    chosen = [case[np.sort(rng.permutation(len(case))[:share])] for case in known]
    with torch.inference_mode():
        return Canonical.fit([torch.from_numpy(batch).to(device) for batch in _batches(np.concatenate(chosen))])


def _batches(canvases: np.ndarray) -> Iterator[np.ndarray]:
    return (canvases[start : start + BATCH] for start in range(0, len(canvases), BATCH))

"""Averages in which a patient counts once, however many cases there are."""

from collections.abc import Callable

import numpy as np

from shiftscope.harmonizers.harmonizer import Patients

__all__ = ["over_patients"]


def over_patients(patients: Patients, describe: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    """The mean over patients of the mean over a patient's cases.

    Args:
        patients: training cases by patient.
        describe: (z, c, y, x) -> an array whose shape is the same for every case.

    Returns:
        The shape of `describe`; None where no case has a pixel that is not exactly zero, as those are passed over.
    """
    means = []
    for cases in patients:
        found = [describe(case) for case in cases if (case != 0).any()]
        if found:
            means.append(np.mean(found, axis=0))
    return np.asarray(np.mean(means, axis=0)) if means else None

"""Averages in which a patient counts once, however many cases there are, and a site once, however many patients."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from shiftscope.harmonizers.harmonizer import Patients, Statistics, has_foreground

__all__ = ["over_patients", "over_sites"]

Average = Callable[..., Any]
"""`np.mean` or `np.median`: called with a list of arrays of one shape, and `axis=0`."""


def over_patients(
    patients: Patients, describe: Callable[[np.ndarray], np.ndarray | None], average: Average = np.mean
) -> np.ndarray | None:
    """The average over patients of the average over a patient's cases.

    Args:
        patients: training cases by patient.
        describe: a case -> an array whose shape is the same for every case; None: the case does not count.

    Returns:
        The shape of `describe`; None where no case counts. Cases without a value that is not exactly zero never do.
    """
    averages = []
    for cases in patients:
        described = [describe(case) for case in cases if has_foreground(case)]
        if found := [value for value in described if value is not None]:
            averages.append(average(found, axis=0))
    return np.asarray(average(averages, axis=0)) if averages else None


def over_sites(shares: Sequence[Statistics], names: Iterable[str], average: Average = np.mean) -> Statistics:
    """The average of what the sites share under each of these names, each site that shares it counting once."""
    return {name: average([share[name] for share in shares if name in share], axis=0) for name in names}

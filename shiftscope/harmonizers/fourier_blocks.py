"""Slow patterns of brightness take the federation's strength and keep their place: Fourier domain adaptation.

Yang and Soatto 2020 (arXiv:2004.05498) swap the low-frequency amplitudes of one image for those of another; here each
slice takes the mean of the sites' mean amplitudes, so no image is sent.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients, over_sites
from shiftscope.harmonizers.harmonizer import NOTHING, Patients, Statistics

__all__ = ["HALF_WIDTH", "mean_block", "replace_block", "sites_block"]

HALF_WIDTH = 5
"""Cycles per side up to which amplitudes are replaced: the paper's L = 0.05 on an image of 100 pixels."""

_TINY = 1e-7  # an amplitude below it is rounding, and its phase means nothing


def mean_block(patients: Patients, _own: Statistics = NOTHING, _reference: Statistics = NOTHING) -> Statistics:
    """The site's mean low-frequency amplitudes: over slices, then a patient's cases, then patients.

    Amplitudes are per pixel, so they do not depend on the size of the image. Of the 11 x 11 block, the half that the
    other half mirrors is left out.

    Returns:
        "amplitude": (c, 11, 6) float64, rows -5..5 and columns 0..5 cycles per side; frequencies that an image
        below 11 pixels does not hold are 0. Nothing where no case has a pixel that is not exactly zero.
    """
    found = over_patients(patients, _block)
    return {} if found is None else {"amplitude": found}


def sites_block(shares: Sequence[Statistics], _reference: Statistics = NOTHING) -> Statistics:
    """The mean of the sites' amplitudes, each site counting once."""
    return over_sites(shares, ("amplitude",))


def replace_block(case: np.ndarray, _own: Statistics, reference: Statistics) -> np.ndarray:
    """Each slice with the reference's low-frequency amplitudes and its own phases; exact-zero padding stays.

    The mean is among the amplitudes. A frequency that the slice does not hold stays away: it has no phase.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
        reference: of `sites_block`; empty leaves the case as it is.
    """
    if not reference:
        return case
    rows, columns = _held(case.shape)
    spectrum = np.fft.rfft2(case.astype(np.float64))
    low = spectrum[..., rows[:, None], columns]
    own = np.abs(low) / (case.shape[2] * case.shape[3])
    wanted = reference["amplitude"][:, rows[:, None] + HALF_WIDTH, columns]
    factor = np.where(own > _TINY, wanted / np.maximum(own, _TINY), 1.0)
    spectrum[..., rows[:, None], columns] = low * factor
    result = np.fft.irfft2(spectrum, s=case.shape[2:])
    return np.where((case != 0).any(axis=1, keepdims=True), np.clip(result, 0, 1), 0).astype(np.float32)


def _block(case: np.ndarray) -> np.ndarray:
    """(z, c, y, x) -> (c, 11, 6), the mean over slices."""
    rows, columns = _held(case.shape)
    spectrum = np.fft.rfft2(case.astype(np.float64), norm="forward")
    block = np.zeros((case.shape[1], 2 * HALF_WIDTH + 1, HALF_WIDTH + 1))
    block[:, rows[:, None] + HALF_WIDTH, columns] = np.abs(spectrum[..., rows[:, None], columns]).mean(axis=0)
    return block


def _held(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies of the block that an image of this size holds, short of its Nyquist frequency: rows, columns."""
    tall, wide = (min(HALF_WIDTH, (length - 1) // 2) for length in shape[2:])
    return np.arange(-tall, tall + 1), np.arange(wide + 1)

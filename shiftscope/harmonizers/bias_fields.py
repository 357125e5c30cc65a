"""The slow drift of brightness that a coil or a probe leaves, estimated from each case alone: nothing is shared."""

from typing import Any

import numpy as np

from shiftscope.errors import UsageError
from shiftscope.harmonizers.harmonizer import Statistics

__all__ = ["correct_bias"]

_LONGEST = 32  # pixels of the longest side on which the field is fitted: it is smooth, and time goes with their number
_ITERATIONS = (50, 50, 50)  # at each of three resolutions of the spline; 20 leave 60 % of a planted field
_DEEP = 8  # slices from which a case is a volume with one field; fewer are pictures with a field each
_FEWEST = 64  # foreground pixels a field can be fitted to


def correct_bias(case: np.ndarray, _own: Statistics, _reference: Statistics) -> np.ndarray:
    """N4 (Tustison et al. 2010, doi:10.1109/TMI.2010.2046908), as SimpleITK has it; the mean stays.

    The field is fitted to the mean of the channels over the foreground, all pixels that are not exactly zero in every
    channel, and divides all channels alike. Exact-zero padding stays. A slice, or a volume of 8 slices or more, whose
    foreground has fewer than 64 pixels or no variation stays as it is.

    Args:
        case: (z, c, y, x) float32 in [0, 1].

    Raises:
        UsageError: SimpleITK is not installed.
    """
    try:
        import SimpleITK
    except ImportError:
        raise UsageError("n4 needs SimpleITK; install it with: pip install 'shiftscope-fl[train]'") from None
    grey = case.mean(axis=1, dtype=np.float64)
    inside = (case != 0).any(axis=1)
    if len(case) >= _DEEP:
        field = _field(SimpleITK, grey, inside)
    else:
        field = np.stack([_field(SimpleITK, one, where) for one, where in zip(grey, inside, strict=True)])
    corrected = np.where(inside, grey / field, 0)
    total = np.sum(corrected)
    kept = np.sum(grey) / total if total > 0 else 1.0
    return np.clip(case * (kept / field)[:, None], 0, 1).astype(np.float32)


def _field(itk: Any, grey: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """What divides a picture (y, x) or a volume (z, y, x): its shape, positive."""
    values = grey[inside]
    if values.size < _FEWEST or values.std() <= 1e-6:
        return np.ones(grey.shape)
    image = itk.GetImageFromArray(grey.astype(np.float32))
    mask = itk.GetImageFromArray(inside.astype(np.uint8))
    shrink = [max(1, -(-length // _LONGEST)) for length in reversed(grey.shape)]
    fit = itk.N4BiasFieldCorrectionImageFilter()
    fit.SetNumberOfThreads(1)  # sums in another order round to another field
    fit.SetMaximumNumberOfIterations(_ITERATIONS)
    fit.Execute(itk.Shrink(image, shrink), itk.Shrink(mask, shrink))
    field = np.exp(itk.GetArrayFromImage(fit.GetLogBiasFieldAsImage(image)).astype(np.float64))
    return field if np.isfinite(field).all() else np.ones(grey.shape)

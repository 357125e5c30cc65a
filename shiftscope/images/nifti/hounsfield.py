"""Whether values are Hounsfield units, decided by the values: the file formats but DICOM have no field for it.

CT of a body has two masses of values that nothing else has together: air at -1000, soft tissue around 0, and little
between fat and lung. Resampling, conversion to floats and denoising leave them where they are.
"""

import numpy as np

__all__ = ["are_hounsfield", "are_shifted_hounsfield", "below_water", "far_below_zero"]

_ENDS = (-8192.0, 100.0)
"""No value of a CT lies lower, paddings of the field of view included; some value lies higher."""

_AIR, _THIN, _SOFT = (-1100.0, -900.0), (-600.0, -250.0), (-150.0, 150.0)
"""Air, the range between lung and fat, and soft tissue."""

_LEAST_AIR, _LEAST_SOFT = 0.01, 0.02
_DENSER = 2.0  # at least, in values a unit, than between lung and fat
_LOOSE = 0.5  # of the air: values below it that are not the padding's one number
_BELOW = -50.0
_WATER = 1024.0  # what a CT that counts from 0 has added


def are_hounsfield(sample: np.ndarray) -> bool:
    """Whether values are those of a CT in Hounsfield units.

    Args:
        sample: (n,) finite values of a volume.
    """
    if not (_ENDS[0] <= sample.min() <= _AIR[1] and sample.max() >= _ENDS[1]):
        return False
    air, thin, soft = (_share(sample, *ends) for ends in (_AIR, _THIN, _SOFT))
    if air < _LEAST_AIR or soft < _LEAST_SOFT:
        return False
    between = _DENSER * _density(thin, _THIN)
    return _density(air, _AIR) > between and _density(soft, _SOFT) > between and _loose(sample) < _LOOSE * air


def are_shifted_hounsfield(sample: np.ndarray) -> bool:
    """Whether values are those of a CT that counts from 0, where Hounsfield units count from -1024: air near 0, water
    near 1024."""
    return bool(sample.min() >= 0) and are_hounsfield(sample - _WATER)


def below_water(sample: np.ndarray) -> bool:
    """Whether some values are those of fat, lung or air, which are below 0 in Hounsfield units: what is said to be CT
    may have been normalised."""
    return bool(sample.min() <= _BELOW)


def far_below_zero(sample: np.ndarray) -> bool:
    """Whether many values lie far below 0, as those of a CT without air do, and those of phases and differences."""
    return bool(sample.min() <= 2 * _BELOW) and _share(sample, -np.inf, _BELOW) >= _LEAST_AIR


def _share(sample: np.ndarray, low: float, high: float) -> float:
    return float(((sample >= low) & (sample <= high)).mean())


def _density(share: float, ends: tuple[float, float]) -> float:
    return share / (ends[1] - ends[0])


def _loose(sample: np.ndarray) -> float:
    """Share of values below air that are not the most frequent of them."""
    below = sample[sample < _AIR[0]]
    if not below.size:
        return 0.0
    return float(below.size - np.unique(below, return_counts=True)[1].max()) / len(sample)

"""Sums without rounding: the same to the last digit in any order, whoever adds up what.

A number is cut into a multiple of 2^-12 and a rest, a multiple of 2^-44. Float64 adds such multiples without rounding
as long as the sum of the first stays below 2^41 and there are fewer than 2^22 terms, so addition is associative: parts,
processes and a run that was resumed come to the same bits (Demmel and Nguyen 2013, doi:10.1109/ARITH.2013.9, for sums
of any range). Of each term 2^-45 is lost at the most. Beyond that range sums are still right, to rounding.
"""

import numpy as np

__all__ = ["cut", "joined"]

_COARSE, _FINE = 2.0**12, 2.0**44


def cut(values: np.ndarray) -> np.ndarray:
    """The two summands of each number: (...) -> (2, ...)."""
    coarse = np.rint(values * _COARSE) / _COARSE
    return np.stack([coarse, np.rint((values - coarse) * _FINE) / _FINE])


def joined(pair: np.ndarray) -> np.ndarray:
    """The numbers that a sum of pairs stands for: (2, ...) -> (...)."""
    return np.asarray(pair[0] + pair[1])

"""The contracts that every harmonizer, algorithm and measure keeps, for members of this project and for yours.

In: a `Harmonizer`, an `Algorithm` or a `Measure`. Out: nothing, or an `AssertionError` that names the contract, what
was got, what was expected and what to do. The checks run in seconds on a CPU, on planted data of their own, without
Flower. No image is read from disk, and what is written lies in a temporary folder.
"""

from shiftscope.testing.algorithm_checks import check_algorithm
from shiftscope.testing.algorithm_contracts.reductions import Reduction, check_reduction
from shiftscope.testing.harmonizer_checks import check_harmonizer
from shiftscope.testing.measure_checks import check_measure

__all__ = ["Reduction", "check_algorithm", "check_harmonizer", "check_measure", "check_reduction"]

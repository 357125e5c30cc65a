"""The contracts that every harmonizer and every algorithm keeps, for members of this project and for yours.

In: a `Harmonizer` or an `Algorithm`. Out: nothing, or an `AssertionError` that names the contract, what was got, what
was expected and what to do. The checks run in seconds on a CPU, on planted data of their own, without Flower.
No image is read from disk, and what is written lies in a temporary folder.
"""

from shiftscope.testing.algorithm_checks import check_algorithm
from shiftscope.testing.algorithm_contracts.reductions import Reduction, check_reduction
from shiftscope.testing.harmonizer_checks import check_harmonizer

__all__ = ["Reduction", "check_algorithm", "check_harmonizer", "check_reduction"]

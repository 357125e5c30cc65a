"""One contract suite for every algorithm: a member of `PERSONALIZERS` or `CONTROLS`, or one of your own."""

from collections.abc import Callable, Sequence

from shiftscope.testing.algorithm_contracts.algorithm_candidates import AlgorithmCandidate
from shiftscope.testing.algorithm_contracts.algorithm_messages import MESSAGES
from shiftscope.testing.algorithm_contracts.algorithm_runs import RUNS
from shiftscope.testing.algorithm_contracts.reductions import Reduction, check_reduction
from shiftscope.testing.requirements import check_all
from shiftscope.training.algorithms.algorithm import Algorithm

__all__ = ["ALGORITHM_CONTRACTS", "check_algorithm"]

ALGORITHM_CONTRACTS: dict[str, Callable[[AlgorithmCandidate], None]] = {**MESSAGES, **RUNS}
"""What has to hold for every algorithm -> what verifies it."""


def check_algorithm(
    algorithm: Algorithm,
    *,
    name: str = "the algorithm",
    personal: bool = False,
    also_sent: Sequence[str] = (),
    reductions: Sequence[Reduction] = (),
) -> None:
    """Hold an algorithm against every contract, in runs of three rounds on two small sites in memory.

    Takes about a second. A claim that is not true is a broken contract too, so that what is written here can be
    believed.

    Args:
        algorithm: what is checked.
        name: how messages call it.
        personal: whether sites end with models of their own.
        also_sent: first parts of the names of what it remembers at a site although it was sent as well, as the end of
            the site's own round.
        reductions: what it equals with its own part switched off.

    Raises:
        AssertionError: a contract is broken; says which, what was got, what was expected, and what to do.
    """
    check_all(ALGORITHM_CONTRACTS, AlgorithmCandidate(algorithm, personal, tuple(also_sent)), name)
    for reduction in reductions:
        check_reduction(reduction, name)

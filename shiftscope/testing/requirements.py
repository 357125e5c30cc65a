"""How a broken contract is reported: which one, what was got, what was expected, what to do."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

__all__ = ["check_all", "check_summary", "is_made_of", "require"]

Subject = TypeVar("Subject")

_DISTINCT = 8  # so many distinct values of one case are no coincidence


def require(holds: object, *, got: object, expected: str, advice: str) -> None:
    """Raise where something does not hold.

    Raises:
        AssertionError: what was got, what was expected, and the next step.
    """
    if not holds:
        raise AssertionError(f"got {got}, expected {expected}; {advice}")


def check_all(contracts: Mapping[str, Callable[[Subject], None]], subject: Subject, where: str) -> None:
    """Hold `subject` against every contract in turn.

    Args:
        contracts: what has to hold, in words -> a function that raises where it does not.
        where: what is checked, for the message.

    Raises:
        AssertionError: the first contract that is broken; also where code under test raised something else.
    """
    for contract, verify in contracts.items():
        try:
            verify(subject)
        except AssertionError as problem:
            raise AssertionError(f"{where} breaks the contract '{contract}': {problem}") from problem
        except Exception as problem:  # code that is under test may raise anything
            raise AssertionError(
                f"{where} breaks the contract '{contract}': got {type(problem).__name__}: {problem}, expected a result;"
                " see the exception above for where it was raised"
            ) from problem


def check_summary(summary: str) -> None:
    """One sentence for people, which a table or a message can hold.

    Raises:
        AssertionError: it is too short, too long, or ends with a full stop.
    """
    require(
        20 <= len(summary) <= 140 and not summary.endswith("."),
        got=repr(summary),
        expected="a sentence of 20 to 140 characters without a full stop",
        advice="write in `summary` what it does",
    )


def is_made_of(array: np.ndarray, case: np.ndarray) -> bool:
    """Whether most of the array's values are values of the case, to the bit; few distinct values say nothing."""
    values = np.unique(np.asarray(array, case.dtype))
    return len(values) >= _DISTINCT and float(np.isin(values, case).mean()) > 0.9

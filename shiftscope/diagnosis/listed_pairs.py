"""How much of a diagnosis is listed where it is not all: of half a million pairs nobody reads every one."""

from collections.abc import Sequence

import numpy as np

from shiftscope.records import Record, Total

__all__ = ["MOST_FINDINGS", "MOST_PAIRS", "MOST_SITES", "WHOLE", "Listing", "listed_rows"]

WHOLE = 100
"""Sites up to which every pair is listed."""

MOST_PAIRS = 5_000
"""That are listed of more sites, about as many as a hundred sites have."""

MOST_FINDINGS = 100
"""Of each kind, of more sites."""

MOST_SITES = 2_000
"""That can be compared: the work grows with the square of their number, and the memory."""


class Listing(Record):
    """How much is listed.

    Attributes:
        pairs: how many there are.
        called: of how many a shift is called.
        listed: how many are listed: those that are called, those with the largest called effects where they are more
            than `MOST_PAIRS`, and the strongest on each question.
        says: the same in a sentence.
    """

    pairs: Total
    called: Total
    listed: Total
    says: str

    @classmethod
    def of(cls, pairs: int, called: int, listed: int) -> "Listing":
        """With its sentence."""
        whose = "those" if called <= MOST_PAIRS else f"the {MOST_PAIRS:,} with the largest effects of those"
        says = (
            f"all {pairs:,} pairs were compared and judged together; listed are {listed:,}: {whose} of which a shift is"
            f" called ({called:,}), and the strongest answer to each question; of findings the clearest"
            f" {MOST_FINDINGS} of each kind"
        )
        return cls(pairs=pairs, called=called, listed=listed, says=says)


def listed_rows(called: np.ndarray, effects: np.ndarray, strongest: Sequence[int]) -> np.ndarray:
    """Rows of the pairs that are listed, rising.

    Args:
        called: (k,) rows of those of which a shift is called.
        effects: (k,) the sums of their called effects.
        strongest: rows of the strongest answers.
    """
    first = called[np.argsort(-effects, kind="stable")[:MOST_PAIRS]]
    return np.unique(np.concatenate([first, np.array(strongest, dtype=int)]))

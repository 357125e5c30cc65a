"""Lines about refusals in a log that nobody can flood."""

import logging
import time
from collections.abc import Callable, Hashable

__all__ = ["MOST_LINES", "RefusalLines"]

MOST_LINES = 60
"""In a minute; what is more is counted."""

_MINUTE_S = 60.0


class RefusalLines:
    """What is said of refusals: of each subject once in a minute, and of no more than so many subjects.

    Args:
        logger: where it is said.
        most: lines in a minute.
        clock: in seconds.
    """

    def __init__(
        self, logger: logging.Logger, most: int = MOST_LINES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger, self._most, self._clock = logger, most, clock
        self._ends = clock() + _MINUTE_S
        self._said: set[Hashable] = set()
        self._unsaid = 0

    def say(self, subject: Hashable, refusal: str) -> None:
        """Write a line, unless the subject had one in this minute or there were too many."""
        if (now := self._clock()) >= self._ends:
            if self._unsaid:
                self._logger.warning("%d more refusals in one minute, which are not written down", self._unsaid)
            self._ends, self._said, self._unsaid = now + _MINUTE_S, set(), 0
        if subject in self._said:
            return
        if len(self._said) >= self._most:
            self._unsaid += 1
            return
        self._said.add(subject)
        self._logger.warning("refused: %s", refusal)

"""How much a site may ask of the door: bytes in one request, requests in one minute, connections at once.

A SuperNode is far from both. Flower cuts arrays into pieces of 5 MiB and sends each piece, each array's head and each
record in a request of its own, two at a time; while nothing is to be done it asks every 3 s.
"""

import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable

__all__ = [
    "MOST_BYTES",
    "MOST_CONNECTIONS",
    "MOST_REQUESTS",
    "OpenConnections",
    "RequestCounts",
    "TooLarge",
    "within",
]

MOST_BYTES = 2**26
"""Of one request: twelve of Flower's pieces."""

MOST_REQUESTS = 30_000
"""Of one sender in a minute: a network of 300 tensors takes 1,200 a round, down and up."""

MOST_CONNECTIONS = 64
"""Of one certificate, or begun from one address at the same moment. A site's service has about ten at the most."""

_MINUTE_S = 60.0


class TooLarge(Exception):
    """A body of more than `MOST_BYTES`."""


async def within(parts: AsyncIterator[bytes], most: int = MOST_BYTES) -> AsyncIterator[bytes]:
    """The parts of a body as they come.

    Raises:
        TooLarge: they are more than `most` bytes together.
    """
    size = 0
    async for part in parts:
        size += len(part)
        if size > most:
            raise TooLarge
        yield part


class RequestCounts:
    """Who sent how many requests in the present minute.

    Attributes:
        most: that a sender may send.
    """

    def __init__(self, most: int = MOST_REQUESTS, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._ends = -math.inf
        self._counts: Counter[Hashable] = Counter()

    def wait_s(self, sender: Hashable) -> int:
        """Count one more request; whole seconds until the sender may send it, 0 for at once."""
        now = self._clock()
        if now >= self._ends:
            self._ends = now + _MINUTE_S
            self._counts.clear()
        self._counts[sender] += 1
        return 0 if self._counts[sender] <= self.most else max(1, math.ceil(self._ends - now))


class OpenConnections:
    """How many are open, and of whom: nobody holds so many that none are left for the others.

    Args:
        most: that one may have.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._open: Counter[Hashable] = Counter()

    def begin(self, who: Hashable) -> bool:
        """Whether one more may be opened; then it is counted."""
        if self._open[who] >= self._most:
            return False
        self._open[who] += 1
        return True

    def end(self, who: Hashable) -> None:
        """One that was counted is closed."""
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]

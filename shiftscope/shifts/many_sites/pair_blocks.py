"""All pairs of many sites, a block of them at a time: memory grows with a block, and not with what a pair takes.

A thousand sites are half a million pairs, and a pair of two sites with sixteen coordinates is four thousand bytes on
one axis. So pairs come in blocks of whole rows, each of a site with all those after it; of a block is kept what the
diagnosis asks for, and of every site the sums that its comparison with all others together takes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from shiftscope.shifts.adjustments.adjusted_axes import Pairs
from shiftscope.shifts.axis_differences import AxisDifferences
from shiftscope.shifts.differences import Differences
from shiftscope.shifts.many_sites.axis_effects import AxisEffects

__all__ = ["SiteSums", "by_site_effects", "in_order", "pair_blocks", "pair_row"]

Item = TypeVar("Item")
Found = TypeVar("Found")

_THREADS = 2
_BLOCK = 4000  # pairs at a time: two covariances of sixteen coordinates take 16 MB


def pair_blocks(sites: int, size: int = _BLOCK) -> Iterator[tuple[int, Pairs]]:
    """All pairs of so many sites in order, (0, 1), (0, 2) and so on, by whole rows: the row of the first pair of each
    block, and the places of its pairs."""
    first = 0
    while first < sites - 1:
        last, count = first, 0
        while last < sites - 1 and (count == 0 or count + sites - 1 - last <= size):
            count += sites - 1 - last
            last += 1
        i = np.repeat(np.arange(first, last), sites - 1 - np.arange(first, last))
        j = np.concatenate([np.arange(row + 1, sites) for row in range(first, last)])
        yield int(pair_row(np.array(first), np.array(first + 1), sites)), (i, j)
        first = last


def in_order(work: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
    """What becomes of each item, in their order, a few of them ahead in threads: numpy lets go of the interpreter while
    it computes."""
    with ThreadPoolExecutor(_THREADS) as threads:
        ahead: deque[Future[Found]] = deque()
        for item in items:
            ahead.append(threads.submit(work, item))
            if len(ahead) > _THREADS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def pair_row(i: np.ndarray, j: np.ndarray, sites: int) -> np.ndarray:
    """Where the pair of i and j, i < j, comes among all pairs of so many sites."""
    return np.asarray(i * sites - i * (i + 1) // 2 + j - i - 1)


@dataclass
class SiteSums:
    """Sums over all pairs of each of N sites on one axis: the site against all others, each of them counted alike.

    Attributes:
        sites: N.
        found: the axis, of the last block.
        count: (N,) pairs so far.
        width: (N,) coordinates that all pairs have.
        delta: (N, D) sums of differences, the site less each other.
        own, others: (N, D, D) of the covariances of either mean.
        freedom: (2, N) of their degrees of freedom.
        spread: (N, D) sums of the squared traces of the others' leading coordinates over their freedom.
        explained: (N,) of what was held equal took away.
        patients: (N,) at the others.
        held: what was held equal with some of them.
    """

    sites: int
    found: AxisDifferences | None = None
    count: np.ndarray = field(init=False)
    width: np.ndarray = field(init=False)
    delta: np.ndarray = field(init=False)
    own: np.ndarray = field(init=False)
    others: np.ndarray = field(init=False)
    freedom: np.ndarray = field(init=False)
    spread: np.ndarray = field(init=False)
    explained: np.ndarray = field(init=False)
    patients: np.ndarray = field(init=False)
    held: list[set[str]] = field(init=False)

    def add(self, found: AxisDifferences, pairs: Pairs) -> None:
        """Add a block of pairs, in which no site is twice the second of one first."""
        if not len(found.rows):
            return
        if self.found is None:
            self._begin()
        self._widen(found.differences.delta.shape[1])
        self.found = found
        i, j = (places[found.rows] for places in pairs)
        starts = np.flatnonzero(np.diff(i, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(i)], strict=True):
            rows = slice(int(start), int(end))
            self._add(found, rows, np.full(1, i[start]), j[rows])
        for place, texts in ((i, found.held), (j, found.held)):
            known = np.flatnonzero(texts != "")
            for site, text in dict.fromkeys(zip(place[known].tolist(), texts[known].tolist(), strict=True)):
                self.held[site].add(text)

    def _begin(self) -> None:
        n = self.sites
        self.count, self.width = np.zeros(n, dtype=int), np.full(n, np.iinfo(int).max)
        self.delta, self.own, self.others = np.zeros((n, 0)), np.zeros((n, 0, 0)), np.zeros((n, 0, 0))
        self.freedom, self.spread = np.zeros((2, n)), np.zeros((n, 0))
        self.explained, self.patients = np.zeros(n), np.zeros(n, dtype=int)
        self.held = [set() for _ in range(n)]

    def _widen(self, d: int) -> None:
        """Make room for `d` coordinates."""
        more = d - self.delta.shape[1]
        if more > 0:
            self.delta, self.spread = (np.pad(sums, ((0, 0), (0, more))) for sums in (self.delta, self.spread))
            self.own, self.others = (np.pad(sums, ((0, 0), (0, more), (0, more))) for sums in (self.own, self.others))

    def _add(self, found: AxisDifferences, rows: slice, site: np.ndarray, others: np.ndarray) -> None:
        """One site less several others, and each of them less the one."""
        one, d = found.differences, found.differences.delta.shape[1]
        width, delta = one.width[rows], one.delta[rows]
        parts, freedom = one.parts[:, rows], one.freedom[:, rows]
        traces = np.cumsum(np.einsum("kmdd->kmd", parts), axis=2) ** 2 / np.maximum(freedom, 1.0)[..., None]
        explained, n = found.explained[rows], found.n
        self.count[site] += len(others)
        self.count[others] += 1
        self.width[site] = min(self.width[site[0]], width.min())
        self.width[others] = np.minimum(self.width[others], width)
        self.delta[site, :d] += delta.sum(axis=0)
        self.delta[others, :d] -= delta
        self.own[site, :d, :d] += parts[0].sum(axis=0)
        self.own[others, :d, :d] += parts[1]
        self.others[site, :d, :d] += parts[1].sum(axis=0)
        self.others[others, :d, :d] += parts[0]
        self.freedom[0, site] += freedom[0].sum()
        self.freedom[0, others] += freedom[1]
        self.freedom[1, site] += freedom[1].sum()
        self.freedom[1, others] += freedom[0]
        self.spread[site, :d] += traces[1].sum(axis=0)
        self.spread[others, :d] += traces[0]
        self.explained[site] += explained.sum()
        self.explained[others] += explained
        self.patients[site] += n[others].sum()
        self.patients[others] += n[site]

    def effects(self) -> AxisEffects | None:
        """The effect of every site that has others to be compared with; None where no pair has the axis."""
        if self.found is None:
            return None
        rows = np.flatnonzero(self.count)
        k, width = self.count[rows], self.width[rows]
        both = np.stack([self.own[rows] / k[:, None, None], self.others[rows] / (k**2)[:, None, None]])
        total = np.cumsum(np.einsum("mdd->md", self.others[rows]), axis=1)[np.arange(len(rows)), width - 1]
        spread = self.spread[rows, width - 1]
        known = np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1.0), self.freedom[1, rows])
        d = self.delta.shape[1]
        joined = Differences(
            np.full(len(rows), d), self.delta[rows] / k[:, None], both, np.stack([self.freedom[0, rows] / k, known])
        ).leading(width)
        distributions = self.found.measured.distributions(joined)
        held = np.empty(len(rows), dtype=object)
        held[:] = [", ".join(sorted(self.held[row])) for row in rows.tolist()]
        return AxisEffects(
            axis=self.found.axis,
            question=self.found.question,
            rows=rows,
            distributions=distributions,
            values=distributions.value,
            n=np.stack([self.found.n[rows], self.patients[rows]], axis=1),
            held=held,
            explained=self.explained[rows] / k,
        )


def by_site_effects(sums: Sequence[SiteSums]) -> list[AxisEffects]:
    """Of all axes that some site can be compared on with all others."""
    return [found for one in sums if (found := one.effects()) is not None]

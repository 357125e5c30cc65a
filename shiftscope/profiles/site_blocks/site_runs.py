"""All blocks of a site measured: first those of the sample, for the site's map, then the others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, count

from shiftscope.errors import UsageError
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.patients.near_duplicates import compared_places
from shiftscope.profiles.profile_options import SAMPLE, Options
from shiftscope.profiles.site_blocks.block_measuring import (
    BlockRun,
    MeasuredBlock,
    WaitingPatient,
    harmonize,
    measure_block,
)
from shiftscope.profiles.site_blocks.block_order import Block, SiteBlocks
from shiftscope.profiles.site_blocks.canonical_fits import fit_canonical
from shiftscope.profiles.site_blocks.gathered_sums import GatheredSums
from shiftscope.profiles.site_blocks.unfinished_runs import RunInputs, UnfinishedRun
from shiftscope.profiles.site_blocks.worker_processes import Workers, here, in_processes
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample, SampledPatient
from shiftscope.progress import Progress, Report
from shiftscope.sites import refuse_too_many

__all__ = ["measure_blocks"]

_TOGETHER = 16
"""Patients of a block that are harmonized together, at the most."""


@dataclass(frozen=True, slots=True)
class _Tools:
    """What measures: the network, where it is, and who is told of every case."""

    extractor: Extractor
    device: str
    on_case: Callable[[], None] = lambda: None


def measure_blocks(
    gathered: GatheredSums,
    extractor: Extractor,
    options: Options,
    key: Key | None,
    seed: int,
    canonical: Canonical | None,
    report: Report,
    unfinished: UnfinishedRun | None = None,
) -> Canonical | None:
    """Measure a site's blocks, and add up what they give.

    Args:
        gathered: grows by it.
        extractor: on `options.device`.
        options: how.
        key: puts the patients in order.
        seed: of the fit.
        canonical: the site's map, None to fit one.
        report: called after every case, or after every block of several processes.
        unfinished: where the state is kept; None to keep none.

    Returns:
        The map; None where nothing could be read.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
        InputError: a process ended before its work did.
    """
    blocks = SiteBlocks.of(gathered.site, key, options.sample or SAMPLE)
    how = RunInputs(extractor, options, key, seed, canonical)
    start, known = (0, None) if unfinished is None else unfinished.begin(gathered, how)
    site_run = _SiteRun(gathered, blocks, options, unfinished)
    refuse_too_many(gathered.failures, options.max_failures)
    with _workers(gathered, extractor, options, report) as work:
        if start:
            canonical = known
        elif options.sample is not None:
            waiting = [*site_run.sample(work)]
            canonical = canonical or fit_canonical([*chain(*waiting)], seed, options.device)
            site_run.harmonize(work, waiting, canonical)
        elif canonical is None:
            waiting = [*site_run.canvases(work)]
            canonical = fit_canonical([*chain(*waiting)], seed, options.device)
        site_run.rest(work, canonical, start)
    return canonical


class _SiteRun:
    """One site, block after block.

    Args:
        gathered: grows.
        blocks: of the site.
        options: how.
        unfinished: where the state is kept.
    """

    def __init__(
        self, gathered: GatheredSums, blocks: SiteBlocks, options: Options, unfinished: UnfinishedRun | None
    ) -> None:
        self.gathered, self.blocks, self.options, self.unfinished = gathered, blocks, options, unfinished
        by_file = gathered.site.patient_source == "file"
        self.compared = compared_places(gathered.site.cases) if by_file else frozenset[int]()

    def sample(self, work: Workers) -> Iterator[Sequence[WaitingPatient]]:
        """Measure the sample, and give its patients by block, who wait for the map; of another part's only the
        canvases."""
        runs = (self._run(block, self._is_own(block)) for block in self.blocks if block.marks)
        for measured in work(_measure, runs):
            if measured.own:
                self._add(measured)
            yield measured.waiting

    def canvases(self, work: Workers) -> Iterator[Sequence[WaitingPatient]]:
        """The canvases of the sample alone, by block."""
        for measured in work(_measure, (self._run(block, own=False) for block in self.blocks if block.marks)):
            yield measured.waiting

    def harmonize(
        self, work: Workers, waiting: Sequence[Sequence[WaitingPatient]], canonical: Canonical | None
    ) -> None:
        """Measure what harmonizers leave of this run's patients in the sample.

        Only patients of one block go together, as they do in any part: how a batch is rounded depends on its size."""
        own = [[patient for patient in block if patient.counted] for block in waiting]
        groups = [
            (block[start : start + _TOGETHER], canonical) for block in own for start in range(0, len(block), _TOGETHER)
        ]
        for sampled in work(_harmonize, groups):
            self.gathered.sums.sample.merge(HarmonizedSample(self.options.sample, sampled))

    def rest(self, work: Workers, canonical: Canonical | None, start: int) -> None:
        """Measure the other blocks, from number `start` on; with the map where all patients are harmonized.

        The state is kept from here on: before, there is no map, and the sample is soon measured again.
        """
        everyone = self.options.sample is None
        todo = (block for block in self.blocks if block.number >= start and (everyone or not block.marks))
        runs = (self._run(block, True, canonical if everyone else None) for block in todo if self._is_own(block))
        for measured in work(_measure, runs):
            self._add(measured)
            if self.unfinished is not None:
                self.unfinished.save_if_due(self.gathered, measured.number + 1, canonical)

    def _run(self, block: Block, own: bool, canonical: Canonical | None = None) -> BlockRun:
        compared = self.compared.intersection(block.places)
        return BlockRun(block, own, canonical, compared, self.options.sample)

    def _is_own(self, block: Block) -> bool:
        """Whether a block belongs to this part of the site."""
        part, parts = self.options.share
        return block.number % parts == part - 1

    def _add(self, measured: MeasuredBlock) -> None:
        self.gathered.add(measured)
        refuse_too_many(self.gathered.failures, self.options.max_failures)


@contextmanager
def _workers(gathered: GatheredSums, extractor: Extractor, options: Options, report: Report) -> Iterator[Workers]:
    """One worker is this process, which tells of every case; several tell of every block.

    Raises:
        UsageError: several are wanted, and the network cannot be made in another process.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # in every process: how sums are rounded depends on it
    try:
        with _started(gathered, extractor, options, report) as work:
            yield work
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _started(gathered: GatheredSums, extractor: Extractor, options: Options, report: Report) -> Iterator[Workers]:
    doing, total = f"profiling {gathered.site.name}", len(gathered.site.cases)
    if options.jobs > 1:
        if extractor.again is None:
            raise UsageError(f"jobs: {extractor.name} was made here, and no other process can make it; give 1")
        with in_processes(options.jobs, partial(_tools, extractor.again, options.device)) as work:
            gathered.on_block = lambda: report(Progress(doing, gathered.done, total, "cases"))
            yield work
        return
    cases = count(gathered.done + 1)
    yield here(_Tools(extractor, options.device, lambda: report(Progress(doing, next(cases), total, "cases"))))


def _tools(again: Callable[[], Extractor], device: str) -> _Tools:
    return _Tools(again(), device)


def _measure(tools: _Tools, run: BlockRun) -> MeasuredBlock:
    measured = measure_block(run, tools.extractor, tools.device, tools.on_case)
    measured.patients.clear()  # they are in the sums, and need not go from process to process
    return measured


def _harmonize(tools: _Tools, asked: tuple[Sequence[WaitingPatient], Canonical | None]) -> list[SampledPatient]:
    return harmonize(*asked, tools.extractor, tools.device)

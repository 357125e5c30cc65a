"""From a site's cases to its profile, in one streaming pass."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from itertools import islice

import numpy as np

from shiftscope.errors import InputError, TooManyFailures, Unreadable
from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.basis import load_basis
from shiftscope.measures.canonical import Canonical
from shiftscope.measures.canvases import canonical_coordinates, grey_of, measure_canvases
from shiftscope.measures.features import Extractor
from shiftscope.profiles import export
from shiftscope.profiles.prepare import SLICES, Prepared, prepare
from shiftscope.profiles.profile import CELL, Profile, Recipe
from shiftscope.profiles.sums import Histogram, Sums
from shiftscope.sites import Case, Site, fingerprint

__all__ = ["CANVAS", "Options", "profile_site"]

CANVAS = 128
FIT_CANVASES = 512
"""Canvases kept in memory for fitting the canonical map."""

BATCH = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to profile.

    Attributes:
        seed: draws the sample on which the canonical map is fitted.
        workers: decoding threads; the result does not depend on it.
        device: "cpu" or "cuda".
        max_failures: unreadable files after which the run stops, None for no limit.
    """

    seed: int = 0
    workers: int = 2
    device: str = "cpu"
    max_failures: int | None = None


def profile_site(
    site: Site, extractor: Extractor, options: Options, progress: Progress = lambda done, total: None
) -> tuple[Profile, list[Unreadable]]:
    """Measure every case of `site`.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how.
        progress: called with cases done and in all.

    Returns:
        The profile, and the files that could not be used, for the site's eyes only.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
        InputError: not one case could be read.
    """
    failures = [Unreadable(path, reason) for reason, paths in site.excluded.items() for path in paths]
    tally = _Tally(extractor, options.device)
    _check_failures(failures, options.max_failures)
    for done, outcome in enumerate(_decoded(_shuffled(site.cases, options.seed), options.workers), start=1):
        if isinstance(outcome, Unreadable):
            failures.append(outcome)
            _check_failures(failures, options.max_failures)
        else:
            tally.add(outcome)
        progress(done, len(site.cases))
    tally.finish()
    if not tally.cases:
        first = f"; the first: {failures[0]}" if failures else ""
        raise InputError(f"{site.root}: none of {len(site.cases)} cases could be read{first}")
    return tally.profile(site, options.seed, Counter(failure.reason for failure in failures)), failures


def _check_failures(failures: list[Unreadable], limit: int | None) -> None:
    if limit is not None and len(failures) > limit:
        raise TooManyFailures(
            f"{len(failures)} unreadable files, --max-failures allows {limit}; the last: {failures[-1]}"
        )


def _shuffled(cases: tuple[Case, ...], seed: int) -> list[Case]:
    """Cases grouped by patient, patients in a seeded order: the first of them are the sample of the canonical map."""
    by_patient: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_patient[case.patient].append(case)
    patients = sorted(by_patient)
    order = np.random.default_rng(seed).permutation(len(patients))
    return [case for index in order for case in by_patient[patients[index]]]


def _decoded(cases: list[Case], workers: int) -> Iterator[Prepared | Unreadable]:
    """Prepared cases in the order given, decoded ahead by `workers` threads."""

    def attempt(case: Case) -> Prepared | Unreadable:
        try:
            return prepare(case, CANVAS)
        except Unreadable as problem:
            return problem

    queue = iter(cases)
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque(pool.submit(attempt, case) for case in islice(queue, 4 * workers))
        try:
            while waiting:
                outcome = waiting.popleft().result()
                waiting.extend(pool.submit(attempt, case) for case in islice(queue, 1))
                yield outcome
        finally:
            pool.shutdown(cancel_futures=True)


class _Tally:
    """Sums over patients, fed one prepared case at a time in patient order."""

    def __init__(self, extractor: Extractor, device: str) -> None:
        self.cases = 0
        self.patients = 0
        self._extractor = extractor
        self._device = device
        self._canonical: Canonical | None = None
        self._waiting: list[Prepared] = []
        self._patient: list[_Measured] = []
        self._plain: dict[str, Sums] = defaultdict(Sums)
        self._joint: dict[str, Sums] = defaultdict(Sums)
        self._by_class: dict[str, dict[str, Sums]] = defaultdict(lambda: defaultdict(Sums))
        self._histograms = {name: Histogram(*measure.range) for name, measure in MEASURES.items()}
        self._curves: dict[str, Sums] = defaultdict(Sums)
        self._labels: Counter[str] = Counter()
        self._acquisition: dict[str, Counter[str]] = defaultdict(Counter)
        self._depths: set[str] = set()
        self._colour = False

    def add(self, case: Prepared) -> None:
        """Take a case; measures a batch when enough wait."""
        self.cases += 1
        self._waiting.append(case)
        enough = BATCH if self._canonical else FIT_CANVASES
        if sum(len(item.canvases) for item in self._waiting) >= enough:
            self._measure_waiting()

    def finish(self) -> None:
        """Measure what still waits and close the last patient."""
        self._measure_waiting()
        self._close_patient()

    def _measure_waiting(self) -> None:
        import torch

        if not self._waiting:
            return
        if self._canonical is None:
            greys = [grey_of(torch.from_numpy(case.canvases)) for case in self._waiting]
            self._canonical = Canonical.fit(torch.cat(greys).to(self._device))
        while self._waiting:
            batch = [self._waiting.pop(0)]
            same = _kind(batch[0])
            while self._waiting and _kind(self._waiting[0]) == same and _slices(batch) < BATCH:
                batch.append(self._waiting.pop(0))
            for measured in _measure(batch, self._canonical, self._extractor, self._device):
                if self._patient and self._patient[0].case.patient != measured.case.patient:
                    self._close_patient()
                self._patient.append(measured)

    def _close_patient(self) -> None:
        """Average the patient's cases and add one row to every sum."""
        if not self._patient:
            return
        self.patients += 1
        coordinates = _mean_by_key([item.coordinates for item in self._patient])
        numbers = _mean_by_key([item.numbers for item in self._patient])
        label = min((item.case.label for item in self._patient if item.case.label is not None), default=None)
        size = coordinates.get("morphology", coordinates.get("morphology_3d"))
        for axis, row in coordinates.items():
            self._plain[axis].add(row)
            if size is not None and AXES[axis].question in ("appearance", "features"):
                self._joint[axis].add(np.append(row, size[0]))
            if label is not None:
                self._by_class[label][axis].add(row)
        for name, value in numbers.items():
            if name in self._histograms:
                self._histograms[name].add(float(value))
            else:
                self._curves[name].add(np.asarray(value))
        if label is not None:
            self._labels[label] += 1
        for tag in {tag for item in self._patient for tag in item.case.acquisition}:
            values = sorted({item.case.acquisition[tag] for item in self._patient if tag in item.case.acquisition})
            self._acquisition[tag][values[0] if len(values) == 1 else "several"] += 1
        self._depths |= {item.case.depth for item in self._patient}
        self._colour |= any(item.case.canvases.shape[1] == 3 for item in self._patient)
        self._patient = []

    def profile(self, site: Site, seed: int, excluded: Counter[str]) -> Profile:
        """Apply the export rules."""
        enough = self.patients >= CELL
        curves = {name: sums.moments(len(sums.total)) for name, sums in self._curves.items() if sums.total is not None}
        summaries = {name: export.summary(name, histogram) for name, histogram in self._histograms.items()}
        return Profile(
            site=site.name,
            version=metadata.version("shiftscope-fl"),
            patients=self.patients,
            cases=self.cases,
            patient_source=site.patient_source,
            layout=site.layout,
            fingerprint=fingerprint(site),
            seed=seed,
            recipe=Recipe(
                canvas=CANVAS,
                slices=SLICES,
                extractor=self._extractor.name,
                weights_sha256=self._extractor.sha256,
                basis_sha256=load_basis()[1],
                axes={name: axis.version for name, axis in AXES.items()},
            ),
            colour=self._colour,
            depth=self._depths.pop() if len(self._depths) == 1 else "mixed",
            excluded=dict(sorted(excluded.items())),
            labels=export.suppressed(dict(sorted(self._labels.items()))),
            acquisition={tag: export.suppressed(dict(sorted(self._acquisition[tag].items()))) for tag in sorted(self._acquisition)},
            sketches={axis: export.sketch(axis, self._plain[axis], self._joint.get(axis)) for axis in AXES},
            by_class=export.class_sketches(self._by_class, self.patients),
            measures={name: item for name, item in summaries.items() if item is not None},
            quantiles=curves["quantiles"].mean if enough and curves["quantiles"] else None,
            spectrum=curves["amplitude"].mean if enough and curves["amplitude"] else None,
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    """A case with everything measured on it, averaged over its slices; its canvases are kept only until it is closed."""

    case: Prepared
    coordinates: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray | float]


def _kind(case: Prepared) -> tuple[int, bool]:
    """Only canvases with the same channels and the same knowledge of masks share a batch."""
    return case.canvases.shape[1], case.masks is not None


def _slices(batch: list[Prepared]) -> int:
    return sum(len(case.canvases) for case in batch)


def _measure(
    batch: list[Prepared], canonical: Canonical, extractor: Extractor, device: str
) -> Iterator[_Measured]:
    """Measure the canvases of a batch together, then give each case the mean of its own slices."""
    import torch

    with torch.inference_mode():
        canvases = torch.from_numpy(np.concatenate([case.canvases for case in batch])).to(device)
        masks = None
        if batch[0].masks is not None:
            masks = torch.from_numpy(np.concatenate([case.masks for case in batch if case.masks is not None])).to(device)
        coordinates, numbers = measure_canvases(canvases, masks, extractor)
        coordinates |= canonical_coordinates(canvases, canonical, extractor)
    start = 0
    for case in batch:
        own = slice(start, start + len(case.canvases))
        start = own.stop
        yield _Measured(
            case,
            {**{axis: rows[own].mean(axis=0) for axis, rows in coordinates.items()}, **case.coordinates},
            {**{name: values[own].mean(axis=0) for name, values in numbers.items()}, **case.numbers},
        )


def _mean_by_key(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The mean of each key over the rows that have it, finite values only."""
    out = {}
    for key in sorted({key for row in rows for key in row}):
        stacked = np.stack([np.asarray(row[key], dtype=float) for row in rows if key in row])
        kept = stacked[np.isfinite(stacked.reshape(len(stacked), -1)).all(axis=1)]
        if len(kept):
            out[key] = kept.mean(axis=0)
    return out

"""All that blocks gave, added up."""

from collections.abc import Callable, Iterator

import numpy as np

from shiftscope.errors import InputError, Unreadable
from shiftscope.profiles.patients.near_duplicates import ExactCopies, NearDuplicates
from shiftscope.profiles.site_blocks.block_measuring import MeasuredBlock
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator
from shiftscope.sites import Site, SiteReading, ask_who_is_who

__all__ = ["GatheredSums"]

_DIGEST = 32  # bytes


class GatheredSums:
    """What was measured of a site so far; some dozens of bytes a case.

    Attributes:
        site: whose.
        sums: over patients.
        failures: files that could not be used.
        reading: what reading the cases gave.
        done: cases that were looked at.
        on_block: called after every block.
        digests: (n, 32) SHA-256 of each case, (n,) `listed` whether it is of this run.
    """

    def __init__(self, site: Site, sample: int | None, reading: SiteReading) -> None:
        self.site, self.reading = site, reading
        self.sums = SiteAccumulator(sample=HarmonizedSample(sample))
        self.failures = [Unreadable(path, reason) for reason, paths in site.excluded.items() for path in paths]
        for failure in self.failures:
            reading.fail(failure.reason)
        self.done = 0
        self.on_block: Callable[[], None] = lambda: None
        self.digests = np.zeros((len(site.cases), _DIGEST), dtype=np.uint8)
        self.listed = np.zeros(len(site.cases), dtype=bool)
        self.copies, self.alike = ExactCopies(site.cases), NearDuplicates(site.cases)

    def add(self, measured: MeasuredBlock) -> None:
        """Add what a block gave."""
        self.sums.merge(measured.sums)
        self.failures += measured.failures
        for failure in measured.failures:
            self.reading.fail(failure.reason)
        for reading in measured.readings:
            self.reading.add(reading)
        for place, picture in measured.pictures:
            self.copies.add(place, picture)
            self.alike.add(place, picture)
        places = list(measured.places)
        self.digests[places] = np.frombuffer(b"".join(measured.digests), dtype=np.uint8).reshape(-1, _DIGEST)
        self.listed[places] = True
        self.done += len(places)
        self.on_block()

    def cases(self) -> Iterator[tuple[int, str]]:
        """The place and the SHA-256 of each case of this run."""
        for place in np.flatnonzero(self.listed).tolist():
            yield place, self.digests[place].tobytes().hex()

    def require_different_people(self) -> None:
        """See that patients do not hold one another's pictures.

        Raises:
            InputError: they do, or it is not certain who is who.
        """
        if self.site.patient_source == "file":
            if (why := self.alike.suspicion() or self.copies.many()) is not None:
                raise ask_who_is_who(self.site, why)
            return
        if (why := self.copies.suspicion()) is not None:
            raise InputError(
                f"{self.site.root}: {why}: one person under several identifiers, or copies. Leave one of each, or"
                " correct how patients are identified (--patient-regex, the manifest's patient column, PatientID)"
            )
        if (copies := self.copies.copies_text()) is not None:
            self.reading.add_note(copies)

"""One site, measured: the stage behind `shiftscope profile`."""

from collections import Counter
from dataclasses import replace

from shiftscope.errors import InputError, Unreadable
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.parts.part_files import Part
from shiftscope.profiles.profile_document import Profile
from shiftscope.profiles.profile_options import Options
from shiftscope.profiles.site_blocks.gathered_sums import GatheredSums
from shiftscope.profiles.site_blocks.site_runs import measure_blocks
from shiftscope.profiles.site_blocks.unfinished_runs import UnfinishedRun
from shiftscope.progress import Report, silent
from shiftscope.records import MOST_CLASSES
from shiftscope.sites import Site, SiteReading, require_shareable

__all__ = ["part_of_site", "profile_site"]


def profile_site(
    site: Site,
    extractor: Extractor,
    options: Options,
    report: Report = silent,
    first: Part | None = None,
    epsilon: float | None = None,
    reading: SiteReading | None = None,
    key: Key | None = None,
    unfinished: UnfinishedRun | None = None,
) -> tuple[Profile, list[Unreadable]]:
    """Measure every case of `site`.

    Args:
        site: what to measure.
        extractor: on `options.device`.
        options: how.
        report: called after every case, or after every block of several processes.
        first: a part of the same site whose canonical map is used; None to fit one here.
        epsilon: for a profile under differential privacy, see `privacy`.
        reading: filled with what reading the cases gave, which stays at the site.
        key: draws the sample on whom harmonizers are measured, as it does for parts.
        unfinished: where the state is kept, to go on from after a stop; None to keep none.

    Returns:
        The profile, and the files that could not be used, which stays at the site.

    Raises:
        TooManyFailures: more unreadable files than `options.max_failures`.
        InputError: not one case could be read, or it is not certain who is a patient or what is a class.
    """
    part, failures = part_of_site(site, extractor, options, report, first, key, reading, unfinished)
    if not part.tally.cases:
        why = f"; the first: {failures[0]}" if failures else ""
        raise InputError(f"{site.root}: none of {len(site.cases)} cases could be read{why}")
    return part.profile(epsilon), failures


def part_of_site(
    site: Site,
    extractor: Extractor,
    options: Options,
    report: Report = silent,
    first: Part | None = None,
    key: Key | None = None,
    reading: SiteReading | None = None,
    unfinished: UnfinishedRun | None = None,
) -> tuple[Part, list[Unreadable]]:
    """As `profile_site`, up to the export rules; a part of which no case can be read is empty.

    Args:
        key: marks the patients, for a part that is kept to be merged, and draws the sample.
    """
    require_shareable(site)
    if len(site.classes) > MOST_CLASSES:
        raise InputError(
            f"{site.root}: holds {len(site.classes)} classes, and a profile holds {MOST_CLASSES} at the most; join"
            " those that are one to a radiologist, or say --no-classes"
        )
    seed = options.seed if first is None else first.origin.seed
    if options.share[0] > 1:
        site = replace(site, excluded={})  # which the first part counts
    gathered = GatheredSums(site, options.sample, reading if reading is not None else SiteReading(site))
    known = None if first is None else first.canonical
    canonical = measure_blocks(gathered, extractor, options, key, seed, known, report, unfinished)
    gathered.require_different_people()
    failures = sorted(gathered.failures, key=lambda failure: str(failure.path))
    excluded = Counter(failure.reason for failure in failures)
    origin = Origin.of(site, seed, extractor, excluded, gathered.cases(), key, options.share)
    return Part.of(origin, canonical, gathered.sums), failures

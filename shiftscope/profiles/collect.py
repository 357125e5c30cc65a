"""One site, measured: the stage behind `shiftscope profile`."""

from collections import Counter

from shiftscope.errors import InputError, Unreadable
from shiftscope.measures.features import Extractor
from shiftscope.profiles.patients import Options, Progress, patients_of, silent
from shiftscope.profiles.profile import Profile
from shiftscope.profiles.tally import Tally
from shiftscope.sites import Site

__all__ = ["profile_site"]


def profile_site(
    site: Site, extractor: Extractor, options: Options, progress: Progress = silent
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
    tally = Tally()
    for patient in patients_of(site, extractor, options, failures, progress):
        tally.add(patient)
    if not tally.cases:
        first = f"; the first: {failures[0]}" if failures else ""
        raise InputError(f"{site.root}: none of {len(site.cases)} cases could be read{first}")
    failures.sort(key=lambda failure: str(failure.path))
    excluded = Counter(failure.reason for failure in failures)
    return tally.profile(site, options.seed, extractor, excluded), failures

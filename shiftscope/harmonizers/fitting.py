"""Exchange by exchange: what sites share becomes the reference."""

from collections.abc import Mapping, Sequence

from shiftscope.harmonizers.harmonizer import NOTHING, Harmonizer, Patients, Statistics

__all__ = ["combine", "fit", "share"]


def share(
    harmonizer: Harmonizer, number: int, patients: Patients, own: Statistics, reference: Statistics
) -> Statistics:
    """What a site knows of itself after exchange `number`: what it knew before, and what this exchange adds."""
    return {**own, **harmonizer.exchanges[number].share(patients, own, reference)}


def combine(harmonizer: Harmonizer, number: int, shares: Sequence[Statistics], reference: Statistics) -> Statistics:
    """The reference after exchange `number`; sites that shared nothing do not count."""
    given = [share for share in shares if share]
    return {**reference, **harmonizer.exchanges[number].combine(given, reference)} if given else dict(reference)


def fit(harmonizer: Harmonizer, sites: Mapping[str, Sequence[Sequence]]) -> tuple[dict[str, Statistics], Statistics]:  # type: ignore[type-arg]
    """All exchanges in one process, where all sites' cases are at hand: for tests and trials on one machine.

    Args:
        sites: name -> training cases by patient.

    Returns:
        Each site's own statistics, and the reference.
    """
    owns: dict[str, Statistics] = dict.fromkeys(sites, NOTHING)
    reference = NOTHING
    for number in range(len(harmonizer.exchanges)):
        owns = {site: share(harmonizer, number, sites[site], owns[site], reference) for site in sites}
        large = [owns[site] for site in sorted(sites) if len(sites[site]) >= harmonizer.min_patients]
        reference = combine(harmonizer, number, large, reference)
    return owns, reference

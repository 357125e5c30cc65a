"""Acquisition tags that became more common: a new scanner that images more and more of the patients."""

from collections.abc import Iterator

from scipy.special import ndtri

from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.causes.scanners import TAGS
from shiftscope.profiles import Profile
from shiftscope.profiles.profile_document import CELL, OTHER, SEVERAL
from shiftscope.stats import LEVEL

__all__ = ["ACQUISITION", "risen_tags"]

ACQUISITION = "acquisition"
"""The cause under which evidence names tags."""


def risen_tags(before: Profile, since: Profile) -> Iterator[Evidence]:
    """The value of each tag whose share of patients rose most, where that is more than chance.

    The interval of the difference of two shares is that of Agresti and Caffo 2000 (doi:10.1080/00031305.2000.10474560);
    it must leave 0 at a Bonferroni level over all values that are compared. Values with hidden counts are not compared.
    """
    known = {
        tag: {value: counts for value in since.acquisition[tag] if (counts := _counts(tag, value, before, since))}
        for tag in TAGS
        if tag in since.acquisition
    }
    tests = sum(map(len, known.values()))
    for tag, values in known.items():
        if not values:
            continue
        n = (before.patients, since.patients)
        value = max(values, key=lambda value: values[value][1] / n[1] - values[value][0] / n[0])
        if _risen(values[value], n, 1 - (1 - LEVEL) / tests)[0] > 0:
            yield _risen_tag(tag, value, values[value], before, since)


def _counts(tag: str, value: str, before: Profile, since: Profile) -> tuple[int, int] | None:
    """Patients with a value before and since, None where one is hidden; of one that is not listed at most 9."""
    earlier, later = before.acquisition.get(tag, {}).get(value, _unlisted(tag, before)), since.acquisition[tag][value]
    if value in (OTHER, SEVERAL) or not isinstance(earlier, int) or not isinstance(later, int):
        return None
    return earlier, later


def _unlisted(tag: str, before: Profile) -> int:
    """The most patients that can have a value that is not published."""
    return CELL - 1 if OTHER in before.acquisition.get(tag, {}) else 0


def _risen(counts: tuple[int, int], n: tuple[int, int], level: float) -> tuple[float, float]:
    """Interval of the second share less the first: a success and a failure more in each, then the normal one."""
    (p, m), (q, k) = (((count + 1) / (size + 2), size + 2) for count, size in zip(counts, n, strict=True))
    half = float(ndtri(1 - (1 - level) / 2)) * (p * (1 - p) / m + q * (1 - q) / k) ** 0.5
    return q - p - half, q - p + half


def _risen_tag(tag: str, value: str, counts: tuple[int, int], before: Profile, since: Profile) -> Evidence:
    n = (before.patients, since.patients)
    low, high = _risen(counts, n, LEVEL)
    gap = counts[1] / n[1] - counts[0] / n[0]
    noun, unit = TAGS[tag]
    most = "" if value in before.acquisition.get(tag, {}) or not counts[0] else "at most "
    return Evidence(
        question="appearance",
        cause=ACQUISITION,
        measure=tag,
        sites=(before.site, since.site),
        effect=gap,
        low=low,
        high=high,
        n=n,
        says=f"more patients have {noun} {value}{unit}: {counts[1]} of {n[1]} '{since.site}', {most}{counts[0]} of"
        f" {n[0]} '{before.site}', {gap:+.0%} of patients, 95 % [{low:+.0%}, {high:+.0%}]",
    )

"""Acquisition tags that set one site apart: another scanner, field strength, spacing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shiftscope.diagnosis.causes.outlying_sites import outlying_sites
from shiftscope.diagnosis.texts.phrases import names
from shiftscope.profiles.profile_document import CELL, OTHER, SEVERAL, Count, Profile

__all__ = ["TAGS", "SeparatingTags", "separating_tags"]

NEARLY_ALL = 0.9

TAGS = {
    "scanner": ("scanner", ""),
    "field_strength_t": ("field strength", " T"),
    "kvp": ("tube voltage", " kVp"),
    "spacing_mm": ("pixel spacing", " mm"),
    "bits": ("bit depth", ""),
    "month": ("month", ""),
}
"""Tag -> what it is called, and its unit; the one that identifies a scanner best first."""


@dataclass(frozen=True, slots=True)
class SeparatingTags:
    """Tags whose value (nearly) all patients of a site share, and (nearly) nobody elsewhere.

    Attributes:
        site: the site.
        others: where the value is not found.
        tags: tag -> the value, in the order of `TAGS`.
        shares: lowest, middle and highest possible difference of the shares of patients with the first tag's value.
        n: patients of the others together, and of the site.
        says: the sentence.
    """

    site: str
    others: tuple[str, ...]
    tags: Mapping[str, str]
    shares: tuple[float, float, float]
    n: tuple[int, int]
    says: str


def separating_tags(pairs: Sequence[tuple[Profile, Profile]], sites: int) -> list[SeparatingTags]:
    """Tags that separate the two sites of any of `pairs`, each value once.

    Args:
        pairs: sites that differ in appearance.
        sites: how many were compared.
    """
    known = {profile.site: profile for pair in pairs for profile in pair}
    differing: dict[str, dict[tuple[str, str], dict[str, float]]] = defaultdict(dict)
    for pair in pairs:
        for one, other in (pair, pair[::-1]):
            for tag in TAGS:
                value = _separated(tag, one, other)
                if value is not None:
                    differing[tag][one.site, other.site] = {value: 1.0}
    found: dict[tuple[str, tuple[str, ...]], dict[str, str]] = defaultdict(dict)
    for tag in TAGS:
        for group in outlying_sites(differing[tag], sites):
            found[group.site, group.others][tag] = group.key
    return [
        _separating(known[site], [known[other] for other in others], tags) for (site, others), tags in found.items()
    ]


def _separated(tag: str, one: Profile, other: Profile) -> str | None:
    """The value that nearly all patients of `one` have, if nearly all of `other` have another."""
    here, there = one.acquisition.get(tag, {}), other.acquisition.get(tag, {})
    for value, count in here.items():
        if value in (OTHER, SEVERAL) or not isinstance(count, int) or count < NEARLY_ALL * one.patients:
            continue
        if _without(value, there) >= NEARLY_ALL * other.patients:
            return value
    return None


def _without(value: str, counts: Mapping[str, Count]) -> int:
    """The fewest patients that have another value, whatever the hidden counts are.

    Of the values that are not published this one can be what 9 of them have: from 10 on it would be published.
    """
    published = sum(_fewest(count) for name, count in counts.items() if name not in (value, OTHER, SEVERAL))
    return published + max(0, _fewest(counts.get(OTHER, 0)) - (0 if value in counts else CELL - 1))


def _fewest(count: Count) -> int:
    return count if isinstance(count, int) else 1


def _separating(site: Profile, others: Sequence[Profile], tags: Mapping[str, str]) -> SeparatingTags:
    (tag, value), *rest = tags.items()
    noun, unit = TAGS[tag]
    count = _fewest(site.acquisition[tag][value])
    fewest, most = map(sum, zip(*(_range(tag, value, other) for other in others), strict=True))
    whole = "all" if count == site.patients else "nearly all"
    whom = names([other.site for other in others])
    elsewhere = f"at most {most} at {whom} have it" if most else f"nobody at {whom} has it"
    says = f"{whole} of '{site.site}' is one {noun}: {value}{unit} ({count} of {site.patients} patients), {elsewhere}"
    if rest:
        says += f"; likewise {', '.join(f'{TAGS[name][0]} ({text}{TAGS[name][1]})' for name, text in rest)}"
    total = sum(other.patients for other in others)
    low, high = count / site.patients - most / total, count / site.patients - fewest / total
    return SeparatingTags(
        site=site.site,
        others=tuple(other.site for other in others),
        tags=tags,
        shares=(low, (low + high) / 2, high),
        n=(total, site.patients),
        says=says,
    )


def _range(tag: str, value: str, profile: Profile) -> tuple[int, int]:
    """The fewest and the most patients that can have the value: counts may be hidden, and a tag may be missing."""
    counts = profile.acquisition[tag]
    published = counts.get(value, 0)
    rest = profile.patients - _without(value, counts)
    ceiling = published if isinstance(published, int) and published else CELL - 1 if published == "<10" else rest
    return (_fewest(published) if value in counts else 0), min(ceiling, rest)

"""Acquisition tags that set one site apart: another scanner, field strength, spacing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.diagnosis.causes.outlying_sites import Differing, SiteGroups
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


def separating_tags(
    pairs: Sequence[tuple[Profile, Profile]], sites: int, most: int | None = None
) -> list[SeparatingTags]:
    """Tags that separate the two sites of any of `pairs`, each value once.

    Args:
        pairs: sites that differ in appearance.
        sites: how many were compared.
        most: of them, the first; None for all.
    """
    named = {profile.site: profile for pair in pairs for profile in pair}
    known = [named[site] for site in sorted(named)]
    place = {profile.site: index for index, profile in enumerate(known)}
    i, j = (np.array([place[pair[end].site] for pair in pairs], dtype=int) for end in (0, 1))
    groups: dict[str, tuple[list[str], SiteGroups]] = {}
    for tag in TAGS:
        values, differing = _separated(tag, known, np.concatenate([i, j]), np.concatenate([j, i]))
        groups[tag] = values, SiteGroups.of(differing, sites)
    heaviest = (group for _, grouped in groups.values() for group in grouped.heaviest(most))
    found = [*dict.fromkeys((site, others) for site, _, others, _ in heaviest)][:most]
    keys = {tag: grouped.keys_of(found) for tag, (_, grouped) in groups.items()}
    return [
        _separating(
            known[site],
            [known[other] for other in others],
            {tag: groups[tag][0][key] for tag in TAGS if (key := keys[tag].get((site, others))) is not None},
        )
        for site, others in found
    ]


def _separated(tag: str, sites: Sequence[Profile], one: np.ndarray, other: np.ndarray) -> tuple[list[str], Differing]:
    """Values that nearly all patients of a site have, where nearly all of another have another value.

    Args:
        tag: which.
        sites: N.
        one, other: (m,) places of the sites.
    """
    counts = [site.acquisition.get(tag, {}) for site in sites]
    common = [_common(found, site.patients) for found, site in zip(counts, sites, strict=True)]
    values = [*dict.fromkeys(value for value in common if value is not None)]
    number = {value: index for index, value in enumerate(values)}
    patients = np.array([site.patients for site in sites])
    fewest = np.tile([_without("", found) for found in counts], (len(values), 1)).reshape(len(values), len(sites))
    for place, found in enumerate(counts):
        for value in found.keys() & number.keys():
            fewest[number[value], place] = _without(value, found)
    own = np.array([-1 if value is None else number[value] for value in common], dtype=int)
    rows = np.flatnonzero(own[one] >= 0)
    rows = rows[fewest[own[one[rows]], other[rows]] >= NEARLY_ALL * patients[other[rows]]] if values else rows[:0]
    return values, Differing(one[rows], other[rows], own[one[rows]], np.ones(len(rows)))


def _common(counts: Mapping[str, Count], patients: int) -> str | None:
    """The value that nearly all patients have."""
    for value, count in counts.items():
        if value not in (OTHER, SEVERAL) and isinstance(count, int) and count >= NEARLY_ALL * patients:
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

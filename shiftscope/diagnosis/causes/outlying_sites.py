"""Each finding once: of the site that stands out against all others, else of the pair."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["SiteGroup", "outlying_sites"]

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class SiteGroup(Generic[Key]):
    """A site, and those it differs from in one respect.

    Attributes:
        site: the one that stands out.
        key: in which respect.
        others: those it differs from, one where the finding is of a pair only.
        weight: sum over `others`.
    """

    site: str
    key: Key
    others: tuple[str, ...]
    weight: float


def outlying_sites(differing: Mapping[tuple[str, str], Mapping[Key, float]], sites: int) -> list[SiteGroup[Key]]:
    """Groups that hold every pair once, the heaviest first.

    A site stands out when it differs in the same respect from more than half of all others, two at the least. Sites are
    taken from the heaviest down; a pair that one covers is not in the group of another.

    Args:
        differing: (site, other) -> in which respects `site` differs from `other`, and how much. What differs from
            either site's point of view stands under both orders.
        sites: how many were compared.
    """
    by_site: dict[tuple[str, Key], dict[str, float]] = {}
    for (site, other), keys in sorted(differing.items()):
        for key, weight in keys.items():
            by_site.setdefault((site, key), {})[other] = weight
    covered: set[frozenset[str]] = set()
    groups = []
    for (site, key), others in sorted(by_site.items(), key=lambda item: -sum(item[1].values())):
        rest = [other for other in others if frozenset((site, other)) not in covered]
        if 2 * len(others) > sites - 1 and len(rest) > 1:
            groups.append(SiteGroup(site, key, tuple(rest), sum(others[other] for other in rest)))
            covered.update(frozenset((site, other)) for other in rest)
    left: dict[frozenset[str], SiteGroup[Key]] = {}
    for (site, other), keys in sorted(differing.items()):
        pair = frozenset((site, other))
        if pair not in covered and keys:
            best = max(keys, key=lambda key: keys[key])
            if pair not in left or keys[best] >= left[pair].weight:  # of two that are equal, the later site's
                left[pair] = SiteGroup(site, best, (other,), keys[best])
    return sorted([*groups, *left.values()], key=lambda group: -group.weight)

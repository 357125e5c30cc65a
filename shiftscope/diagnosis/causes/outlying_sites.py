"""One finding told once: by the site that stands out, else by the pair."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["SiteGroup", "told_once"]

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class SiteGroup(Generic[Key]):
    """A site, and those it differs from in one way.

    Attributes:
        site: the one that stands out.
        key: in which way.
        others: those it differs from, one where the finding is of a pair only.
        weight: sum over `others`.
    """

    site: str
    key: Key
    others: tuple[str, ...]
    weight: float


def told_once(views: Mapping[tuple[str, str], Mapping[Key, float]], sites: int) -> list[SiteGroup[Key]]:
    """Groups that hold every pair once, the heaviest first.

    A site stands out when it differs in the same way from more than half of all others, two at the least. Sites are
    taken from the heaviest down; what one has told is not told again by another.

    Args:
        views: (site, other) -> in which ways `site` differs from `other`, and how much. A way that is seen from both
            ends stands under both orders.
        sites: how many were compared.
    """
    ways: dict[tuple[str, Key], dict[str, float]] = {}
    for (site, other), keys in sorted(views.items()):
        for key, weight in keys.items():
            ways.setdefault((site, key), {})[other] = weight
    told: set[frozenset[str]] = set()
    groups = []
    for (site, key), others in sorted(ways.items(), key=lambda item: -sum(item[1].values())):
        rest = [other for other in others if frozenset((site, other)) not in told]
        if 2 * len(others) > sites - 1 and len(rest) > 1:
            groups.append(SiteGroup(site, key, tuple(rest), sum(others[other] for other in rest)))
            told.update(frozenset((site, other)) for other in rest)
    left: dict[frozenset[str], SiteGroup[Key]] = {}
    for (site, other), keys in sorted(views.items()):
        pair = frozenset((site, other))
        if pair not in told and keys:
            best = max(keys, key=lambda key: keys[key])
            if pair not in left or keys[best] >= left[pair].weight:  # of two equal views, the later site's
                left[pair] = SiteGroup(site, best, (other,), keys[best])
    return sorted([*groups, *left.values()], key=lambda group: -group.weight)

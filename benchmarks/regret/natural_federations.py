"""Federations of real hospitals in which nobody planted anything. Nothing is printed."""

from collections.abc import Iterator
from itertools import combinations

from specs import FAMILIES, Federation, SiteSpec, plain

__all__ = ["subsets_of_hospitals"]


def subsets_of_hospitals(
    family: str, hospitals: tuple[str, ...], thinned: tuple[int, ...], task: str = "classification"
) -> Iterator[Federation]:
    """All subsets of two or more; those of BUS-BRA alone are a family of their own.

    Args:
        thinned: patients of a site; 0 for all.
    """
    about = FAMILIES[family]
    alone = {*FAMILIES["BUS-BRA"].hospitals, *FAMILIES["BUS-BRA"].outlined_hospitals}
    for patients in thinned:
        for count in range(2, len(hospitals) + 1):
            for chosen in combinations(hospitals, count):
                if family != "BUS-BRA" and set(chosen) <= alone:
                    continue
                sites = {source: SiteSpec(source, draw=patients, patients=patients) for source in chosen}
                size = f"{patients} patients" if patients else "whole"
                name = f"{plain(family)}-natural-{'-'.join(chosen)}-{patients or 'whole'}"
                yield Federation(
                    name,
                    family,
                    "natural",
                    f"{' + '.join(chosen)}, {size}",
                    0.0,
                    "natural",
                    patients,
                    about.study,
                    sites,
                    task,
                )

"""The federations of the benchmark: some real, most with a shift that is known because it was planted.

    python benchmarks/regret/federations.py        a row for each, in the order they are run, and how many of each kind

Natural ones are all subsets of two or more hospitals of a group, whole and thinned. Planted ones divide the patients of
one source (or one phantom anatomy) into three sites that are alike, and change one of them, or all in different ways.
No patient is at two sites. The order goes round families and kinds, so that whatever was run first spans both.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from planted_federations import planted_federations
from specs import FAMILIES, Federation, SiteSpec, plain

__all__ = ["federations"]

THINNED = (0, 30, 60, 100)
"""Patients of a natural site; 0 for all."""


def federations() -> list[Federation]:
    """All of them, in the order in which they are run."""
    queues = {
        name: _interleaved([*_natural(name), *planted_federations(name)], turn) for turn, name in enumerate(FAMILIES)
    }
    longest = max(len(queue) for queue in queues.values())
    return [queue[place] for place in range(longest) for queue in queues.values() if place < len(queue)]


def _interleaved(found: list[Federation], turn: int) -> list[Federation]:
    """Kinds in turn, each as often as it has federations; every family starts at another kind, and another plant."""
    by_kind: dict[str, list[Federation]] = defaultdict(list)
    for item in found:
        by_kind["pairs" if "+" in item.kind else item.kind].append(item)
    placed = []
    for number, items in enumerate(by_kind.values()):
        start = turn * len(items) // len(FAMILIES)
        strided = [*items[::2], *items[1::2]]
        ordered = [*strided[start:], *strided[:start]]
        offset = ((3 * number + turn) % len(by_kind) + 0.5) / len(by_kind)
        placed += [((place + offset) / len(items), number, item) for place, item in enumerate(ordered)]
    return [item for _, _, item in sorted(placed, key=lambda entry: entry[:2])]


def _natural(family: str) -> Iterator[Federation]:
    """All subsets of the group's hospitals; those of BUS-BRA alone are a family of their own."""
    about = FAMILIES[family]
    for patients in THINNED:
        for count in range(2, len(about.hospitals) + 1):
            for chosen in combinations(about.hospitals, count):
                if family == "breast ultrasound" and set(chosen) == {"logiq5", "logiq7"}:
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
                )


def main() -> None:
    found = federations()
    for item in found:
        print(f"{item.name:70s} {item.kind:22s} {item.plant:26s} {item.severity:g} {item.form} {item.family}")
    print(
        len(found),
        "federations",
        dict(Counter(item.kind for item in found)),
        dict(Counter(item.family for item in found)),
    )
    if len({item.name for item in found}) != len(found):
        raise SystemExit("two federations have one name")


if __name__ == "__main__":
    main()

"""The federations of the benchmark: some real, most with a shift that is known because it was planted.

    python benchmarks/regret/federations.py        a row for each, in the order they are run, and how many of each kind

Natural ones are all subsets of two or more hospitals of a group, whole and thinned. Planted ones divide the patients of
one source (or one phantom anatomy) into three sites that are alike, and change one of them, or all in different ways.
No patient is at two sites. The order goes round families and kinds, so that whatever was run first spans both; those
whose task is to outline lesions come after all whose task is classes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from natural_federations import subsets_of_hospitals
from outline_federations import outline_federations
from planted_federations import planted_federations
from specs import FAMILIES, Federation

__all__ = ["federations"]

THINNED = (0, 30, 60, 100)
"""Patients of a natural site; 0 for all."""


def federations() -> list[Federation]:
    """All of them, in the order in which they are run: those of classes, then those of outlines."""
    return [*_in_turn(_of_classes), *_in_turn(outline_federations)]


def _of_classes(family: str) -> list[Federation]:
    return [*subsets_of_hospitals(family, FAMILIES[family].hospitals, THINNED), *planted_federations(family)]


def _in_turn(of_family: Callable[[str], Iterable[Federation]]) -> list[Federation]:
    """A federation of each family, then another of each, until all are there."""
    queues = {name: _interleaved(list(of_family(name)), turn) for turn, name in enumerate(FAMILIES)}
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


def main() -> None:
    found = federations()
    for item in found:
        print(
            f"{item.name:70s} {item.task:14s} {item.kind:22s} {item.plant:26s} {item.severity:g} {item.form}"
            f" {item.family}"
        )
    print(
        len(found),
        "federations",
        dict(Counter(item.task for item in found)),
        dict(Counter(item.kind for item in found)),
        dict(Counter(item.family for item in found)),
    )
    if len({item.name for item in found}) != len(found):
        raise SystemExit("two federations have one name")


if __name__ == "__main__":
    main()

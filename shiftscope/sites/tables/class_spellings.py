"""One class where labels differ in how they are written alone: case, blanks, Unicode form, decimals of a number."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from shiftscope.printable_text import shown
from shiftscope.sites.site import Case
from shiftscope.sites.tables.cells import folded, one_form, plain_number

__all__ = ["as_one_class"]

_LISTED = 3
_SIGNS = re.compile(r"[\s_.,;:/()]+|(?<=\w)-(?=\w)")  # not those of "HER2+" and "HER2-"


def as_one_class(cases: Sequence[Case], declared: Collection[str]) -> tuple[list[Case], list[str]]:
    """Give each class one spelling: that of the owner, a whole number without decimals, else the most frequent one with
    single blanks in composed Unicode, so that two hospitals spell it alike.

    Args:
        cases: of a site.
        declared: names of classes as the owner, a plan or a baseline spells them.

    Returns:
        The cases, and what was done, with what looks alike and was left apart, as sentences that stay at the site.
    """
    counts = Counter(case.label for case in cases if case.label is not None)
    spelled: dict[str, list[str]] = defaultdict(list)
    for label, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        spelled[_without_zeros(folded(label), counts)].append(label)
    names: dict[str, str] = {}
    notes: list[str] = []
    for labels in spelled.values():
        name = _name(labels, declared)
        names |= dict.fromkeys(labels, name)
        others = [label for label in labels if label != name]
        if others:
            cases_of = sum(counts[label] for label in others)
            notes.append(f"the class {shown(name)} is also written {_listed(others)}, in {cases_of} cases: one class")
    notes += [
        f"{shown(name)} is counted as a class; leave the cell empty where it means that there is no label"
        for name in sorted({*names.values()})
        if name.casefold() == "none"
    ]
    notes += _alike(sorted({*names.values()}))
    called = ((case, names.get(case.label or "")) for case in cases)
    return [case if label == case.label else replace(case, label=label) for case, label in called], notes


def _name(labels: Sequence[str], declared: Collection[str]) -> str:
    """How to call a class that is written in these ways, the most frequent first."""
    keys = {folded(label): label for label in sorted(declared, reverse=True)}
    known = next((label for label in labels if label in declared), None) or keys.get(folded(labels[0]))
    if known is not None:
        return known
    if plain_number(labels[0]) is None:
        return one_form(labels[0])
    return min((plain_number(label) or label for label in labels), key=len)


def _without_zeros(key: str, labels: Collection[str]) -> str:
    """A number without the zeros before it, where it is there without them too: "01" beside "1"."""
    bare = key.lstrip("0") or "0"
    return bare if key.isdecimal() and any(folded(label) == bare for label in labels) else key


def _alike(names: Sequence[str]) -> list[str]:
    """Classes whose names differ in signs alone; they may be one, and only the owner knows."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_SIGNS.sub("", folded(name))].append(name)
    return [
        f"the classes {' and '.join(map(shown, group))} differ in signs alone, and are counted apart; rename one where"
        " they are one"
        for key, group in groups.items()
        if len(group) > 1 and any(map(str.isalpha, key))
    ]


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(map(shown, labels[:_LISTED])) + (", ..." if len(labels) > _LISTED else "")

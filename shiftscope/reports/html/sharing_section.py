"""What left the hospitals, to the byte."""

import re
from collections.abc import Sequence

from shiftscope.profiles import Profile
from shiftscope.reports.html.material import SharedFile
from shiftscope.reports.sheet import Grid

__all__ = ["contents", "files", "promises"]

_PARTS: dict[str, tuple[str, ...]] = {
    "averages and spreads over patients, axis by axis": ("sketches",),
    "the same within each class of 10 patients or more": ("by_class",),
    "histograms of measures, at least 10 patients a cell": ("measures",),
    "average brightness and detail curves": ("quantiles", "spectrum"),
    "counts of patients by class, scanner and setting; below 10 only “<10”": ("labelled", "labels", "acquisition"),
    "files that were left out, by reason, without names": ("excluded",),
}
"""What stands in a profile, in words -> its keys."""

_REST = "name of the site, totals, how it was measured, versions, braces"
_KEY = re.compile(r'^ "(\w+)":')


def files(shared: Sequence[SharedFile]) -> Grid:
    """Every profile as it was shared."""
    return Grid(
        "The files that were shared",
        ("site", "bytes#", "patients in it#", "made with version", "differential privacy", "SHA-256 of the file"),
        [
            (
                item.profile.site,
                f"{item.size:,}",
                str(item.profile.patients),
                item.profile.version,
                "none" if item.profile.privacy is None else f"epsilon {item.profile.privacy.epsilon:g}",
                item.sha256,
            )
            for item in shared
        ],
    )


def contents(shared: Sequence[SharedFile], *, together: bool = False) -> Grid:
    """What the bytes of each profile are spent on; a column adds up to the file.

    Args:
        shared: the files.
        together: whether all of them are added up in one column.
    """
    named = {key for keys in _PARTS.values() for key in keys}
    columns = []
    for item in shared:
        spent = _bytes_by_key(item.profile)
        parts = [sum(spent.get(key, 0) for key in keys) for keys in _PARTS.values()]
        columns.append([*parts, item.size - sum(size for key, size in spent.items() if key in named), item.size])
    heads = [item.profile.site for item in shared]
    if together:
        heads, columns = [f"all {len(shared)} files"], [[sum(row) for row in zip(*columns, strict=True)]]
    rows = [
        (says, *(f"{size:,}" for size in row))
        for says, *row in zip((*_PARTS, _REST, "the whole file"), *columns, strict=True)
    ]
    return Grid("What is in them, in bytes", ("what", *(f"{head}#" for head in heads)), rows)


def promises(profiles: Sequence[Profile]) -> list[str]:
    """What differential privacy was promised, a sentence for each site that did."""
    return [
        f"{item.site}: epsilon {item.privacy.epsilon:g}, delta {item.privacy.delta:g}; noise in counts of patients:"
        f" standard deviation {item.privacy.count_noise:.3g}, in counts of a class {item.privacy.label_noise:.3g}."
        for item in profiles
        if item.privacy is not None
    ]


def _bytes_by_key(profile: Profile) -> dict[str, int]:
    """Bytes of the lines of each top-level key."""
    out: dict[str, int] = {}
    key = ""
    for line in profile.to_json().splitlines(keepends=True):
        if found := _KEY.match(line):
            key = found[1]
        if key:
            out[key] = out.get(key, 0) + len(line.encode())
    return out

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


def contents(shared: Sequence[SharedFile]) -> Grid:
    """What the bytes of each profile are spent on; a column adds up to the file."""
    rows: list[tuple[str, ...]] = []
    spent = [_bytes_by_key(item.profile) for item in shared]
    for says, keys in _PARTS.items():
        rows.append((says, *(f"{sum(one.get(key, 0) for key in keys):,}" for one in spent)))
    named = {key for keys in _PARTS.values() for key in keys}
    rest = [
        item.size - sum(size for key, size in one.items() if key in named)
        for item, one in zip(shared, spent, strict=True)
    ]
    rows.append((_REST, *(f"{size:,}" for size in rest)))
    rows.append(("the whole file", *(f"{item.size:,}" for item in shared)))
    return Grid("What is in them, in bytes", ("what", *(f"{item.profile.site}#" for item in shared)), rows)


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

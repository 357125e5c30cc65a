"""Which patients a model learns from, and which it is judged on."""

import hashlib
from collections.abc import Sequence

from shiftscope.errors import InputError
from shiftscope.plans import Split
from shiftscope.sites import Case

__all__ = ["divide"]

PARTS = ("train", "val", "test")


def divide(cases: Sequence[Case], split: Split, site: str) -> dict[str, list[Case]]:
    """Cases by part, no patient in two of them.

    Where the data bring a split it stands. Otherwise a patient's part follows from SHA-256 of (salt, patient) alone:
    the same in every run, for every seed, and still the same when the site grows. Where the draw leaves a small site
    no training or no test patient, the patients with the lowest and the highest hash take these parts.

    Raises:
        InputError: a patient in two parts, or no patient to train on or to test on.
    """
    part_of = _brought(cases, site) if any(case.split for case in cases) else _drawn(cases, split)
    parts: dict[str, list[Case]] = {part: [] for part in PARTS}
    for case in cases:
        parts[part_of[case.patient]].append(case)
    for part in ("train", "test"):
        if not parts[part]:
            raise InputError(
                f"site {site}: {len(part_of)} usable patients and none in '{part}'; expected at least one to train on"
                " and one to test on; add cases, or correct the split the data bring"
            )
    return parts


def _brought(cases: Sequence[Case], site: str) -> dict[str, str]:
    part_of: dict[str, str] = {}
    for case in cases:
        if case.split not in PARTS:
            raise InputError(
                f"site {site}: case {case.name} has split {case.split!r}; expected one of {', '.join(PARTS)}"
            )
        if part_of.setdefault(case.patient, case.split) != case.split:
            raise InputError(
                f"site {site}: patient {case.patient!r} is in '{part_of[case.patient]}' and in '{case.split}'"
                f" (case {case.name}); the model would be tested on a patient it has seen; correct the split"
            )
    return part_of


def _drawn(cases: Sequence[Case], split: Split) -> dict[str, str]:
    draw = {patient: _uniform(split.salt, patient) for patient in sorted({case.patient for case in cases})}
    part_of = {patient: _part(value, split) for patient, value in draw.items()}
    by_hash = sorted(draw, key=lambda patient: draw[patient])
    if len(by_hash) >= 2:
        if "train" not in part_of.values():
            part_of[by_hash[0]] = "train"
        if "test" not in part_of.values():
            part_of[by_hash[-1]] = "test"
    return part_of


def _part(value: float, split: Split) -> str:
    if value < split.train:
        return "train"
    return "val" if value < split.train + split.val else "test"


def _uniform(salt: str, patient: str) -> float:
    """A number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.sha256(f"{salt}\0{patient}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

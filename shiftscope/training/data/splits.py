"""Which patients a model learns from, and which it is judged on."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from shiftscope.errors import InputError, UsageError
from shiftscope.plans import Plan, Split
from shiftscope.sites import Case

__all__ = ["FOLDS", "PARTS", "divide", "divide_planned", "require_folds"]

PARTS = ("train", "val", "test")

FOLDS = 5
"""Of a trial and a rehearsal, where nobody asks for another number."""

_MOST_FOLDS = 20


def require_folds(folds: int) -> None:
    """See that so many folds can be asked for.

    Raises:
        UsageError: they cannot.
    """
    if not 1 <= folds <= _MOST_FOLDS:
        raise UsageError(f"--folds {folds}: expected 1 to {_MOST_FOLDS}")


def divide_planned(cases: Sequence[Case], plan: Plan, site: str, fold: int) -> dict[str, list[Case]]:
    """Cases by part, in one fold of the plan.

    Every patient is a test patient in exactly one of the folds, which hold equally many patients, give or take one,
    and equally many of each class. The others are divided into train and val by the shares of `plan.split`. A plan of
    one fold divides by `divide`.

    Raises:
        InputError: as `divide`; with several folds also where there are fewer patients than folds, or the data bring a
            split of their own.
    """
    if plan.folds == 1:
        return divide(cases, plan.split, site)
    if any(case.split for case in cases):
        raise InputError(
            f"site {site}: its data bring a split of their own, and the plan cuts every site into {plan.folds} folds;"
            " set folds = 1 in the plan (for a trial or a rehearsal: --folds 1)"
        )
    label_of = {case.patient: case.label or "" for case in sorted(cases, key=lambda case: case.name, reverse=True)}
    if len(label_of) < plan.folds:
        raise InputError(
            f"site {site}: {len(label_of)} usable patients, and the plan cuts every site into {plan.folds} folds;"
            " set folds = 1 in the plan (for a trial or a rehearsal: --folds 1), or add cases"
        )
    salt, share = plan.split.salt, plan.split.val / (plan.split.train + plan.split.val)
    tested = _in_order(label_of, salt)[fold :: plan.folds]
    others = _in_order({name: label for name, label in label_of.items() if name not in tested}, f"{salt}/{fold}")
    part_of = dict.fromkeys(tested, "test") | dict.fromkeys(others, "train")
    part_of |= dict.fromkeys(_evenly(others, share), "val")
    return _by_part(cases, part_of)


def _in_order(label_of: Mapping[str, str], salt: str) -> list[str]:
    """Patients class by class, within a class as their hashes fall: whatever is taken in even steps holds each class
    in its share."""
    return sorted(label_of, key=lambda patient: (label_of[patient], _uniform(salt, patient), patient))


def _evenly(patients: Sequence[str], share: float) -> list[str]:
    """A share of them in even steps, rounded, and never all."""
    places = np.floor(np.arange(len(patients) + 1) * share + 0.5)
    return [patient for patient, step in zip(patients, np.diff(places), strict=True) if step][: len(patients) - 1]


def divide(cases: Sequence[Case], split: Split, site: str) -> dict[str, list[Case]]:
    """Cases by part, no patient in two of them.

    Where the data bring a split it stands. Otherwise a patient's part follows from SHA-256 of (salt, patient) alone:
    the same in every run, for every seed, and still the same when the site grows. Where the draw leaves a small site
    no training or no test patient, the patients with the lowest and the highest hash take these parts.

    Raises:
        InputError: a patient in two parts, or no patient to train on or to test on.
    """
    part_of = _brought(cases, site) if any(case.split for case in cases) else _drawn(cases, split)
    parts = _by_part(cases, part_of)
    for part in ("train", "test"):
        if not parts[part]:
            raise InputError(
                f"site {site}: {len(part_of)} usable patients and none in '{part}'; expected at least one to train on"
                " and one to test on; add cases, or correct the split the data bring"
            )
    return parts


def _by_part(cases: Sequence[Case], part_of: Mapping[str, str]) -> dict[str, list[Case]]:
    parts: dict[str, list[Case]] = {part: [] for part in PARTS}
    for case in cases:
        parts[part_of[case.patient]].append(case)
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

"""Where a finished run keeps what the sites' shares were made into, and what a site knows of itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shiftscope.errors import EngineError, InputError
from shiftscope.harmonizers import NOTHING, Harmonizer, Statistics, combine, share
from shiftscope.training.runs.array_files import load_arrays, read_groups, write_groups
from shiftscope.training.runs.share_checks import require_quantiles

__all__ = ["bytes_of_asking", "in_fold", "keep_reference", "kept_reference", "own_statistics", "read_reference"]

_BYTES = "bytes"

_LISTED = 8  # names in a message


def kept_reference(run: Path, harmonizer: str, fold: int = 0, folds: int = 1) -> Path:
    """The file in which the run in `run` keeps the harmonizer's reference, one for each fold."""
    return run / "references" / f"{in_fold(harmonizer, fold, folds)}.safetensors"


def in_fold(harmonizer: str, fold: int, folds: int) -> str:
    """What a harmonizer's files are called: it is fitted anew in every fold, to the fold's training cases."""
    return harmonizer if folds == 1 else f"{harmonizer}-fold{fold + 1}"


def read_reference(path: Path, harmonizer: str) -> Statistics:
    """Read a reference.

    Raises:
        InputError: there is none, or the file holds something else.
    """
    if not path.is_file():
        if of_folds := sorted(path.parent.glob(f"{in_fold(harmonizer, 0, 2)[:-1]}*.safetensors")):
            raise InputError(
                f"{path}: no such file, for the run has a reference for each of {len(of_folds)} folds, made without the"
                f" patients it tests on; choose one, such as --reference {of_folds[0]}, or run shiftscope train with"
                " folds = 1"
            )
        raise InputError(
            f"{path}: no reference for {harmonizer}; run shiftscope train first, which asks the sites for it (--run DIR"
            " says where), or have the coordinator copy this file and give it as --reference FILE"
        )
    try:
        found = load_arrays(path)
        for name, array in found.items():
            _require_sound(name, array)
    except (EngineError, ValueError) as problem:
        raise InputError(f"{path}: expected a reference for {harmonizer} as a run keeps it: {problem}") from None
    return found


def keep_reference(path: Path, reference: Statistics, asked_bytes: int) -> None:
    """Keep a reference, and the payload bytes that its exchanges took."""
    write_groups(path, {"arrays": dict(reference)}, {_BYTES: str(asked_bytes)})


def bytes_of_asking(path: Path) -> int:
    """What the exchanges behind a kept reference took; 0 where an earlier version kept it, which did not say."""
    said = read_groups(path)[1].get(_BYTES, "0")
    return int(said) if said.isascii() and said.isdigit() else 0


def _require_sound(name: str, array: np.ndarray) -> None:
    if array.dtype.kind != "f" or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} holds numbers that are not finite, or none")
    require_quantiles(name, array)


def own_statistics(
    harmonizer: Harmonizer, patients: Sequence[Sequence[np.ndarray]], reference: Statistics, where: str
) -> Statistics:
    """What a site knows of itself after all exchanges, from the finished reference.

    An exchange reads of the reference only what those before it left there, so the finished one serves them all.

    Args:
        patients: the cases to learn from, by patient.
        where: the reference's file, for the error.

    Raises:
        InputError: the reference is another harmonizer's, or was made of other images.
    """
    _require_this_form(harmonizer, patients, reference, where)
    own = NOTHING
    for number in range(len(harmonizer.exchanges)):
        own = share(harmonizer, number, patients, own, reference)
    return own


def _require_this_form(
    harmonizer: Harmonizer, patients: Sequence[Sequence[np.ndarray]], reference: Statistics, where: str
) -> None:
    """See that the reference has the form that it would have were this site alone; two patients show it."""
    few = [cases[:1] for cases in patients[:2]]
    own, alone = NOTHING, NOTHING
    for number in range(len(harmonizer.exchanges)):
        own = share(harmonizer, number, few, own, alone)
        alone = combine(harmonizer, number, [own], alone)
    if missing := sorted(alone.keys() - reference.keys()):
        raise InputError(
            f"{where}: holds {_listed(reference)}, expected {_listed(alone)}: {missing[0]} is missing; is it the"
            " reference of another harmonizer?"
        )
    for name in sorted(alone):
        expected, got = alone[name].shape, reference[name].shape
        one_each = name in own and alone[name].ndim == own[name].ndim + 1  # a row for every site that shares
        if got != expected and not (one_each and len(got) == len(expected) and got[0] and got[1:] == expected[1:]):
            raise InputError(
                f"{where}: {name} has shape {got}, this site's images give {expected};"
                " was the reference made with another plan (colour, grey)?"
            )


def _listed(statistics: Statistics) -> str:
    names = sorted(statistics)
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "") or "nothing"

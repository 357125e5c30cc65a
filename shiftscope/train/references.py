"""Where a finished run keeps what the sites' shares were made into, and what a site knows of itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from shiftscope.errors import InputError
from shiftscope.harmonize import NOTHING, Harmonizer, Statistics, share
from shiftscope.train.states import load_arrays

__all__ = ["kept_reference", "own_statistics", "read_reference"]


def kept_reference(run: Path, harmonizer: str) -> Path:
    """The file in which the run in `run` keeps the harmonizer's reference."""
    return run / "references" / f"{harmonizer}.safetensors"


def read_reference(path: Path, harmonizer: str) -> Statistics:
    """Read a reference.

    Raises:
        InputError: there is none, or the file holds something else.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no reference for {harmonizer}; run shiftscope train first, which asks the sites for it (--run DIR"
            " says where), or have the coordinator copy this file and give it as --reference FILE"
        )
    try:
        return load_arrays(path)
    except (SafetensorError, OSError) as problem:
        raise InputError(f"{path}: expected a reference for {harmonizer} as a run keeps it: {problem}") from None


def own_statistics(
    harmonizer: Harmonizer, patients: Sequence[Sequence[np.ndarray]], reference: Statistics, where: str
) -> Statistics:
    """What a site knows of itself after all passes, from the finished reference.

    A pass reads of the reference only what the passes before it left there, so the finished one serves them all.

    Args:
        patients: the cases to learn from, by patient.
        where: the reference's file, for the error.

    Raises:
        InputError: the reference is another harmonizer's, or was made of other images.
    """
    own = NOTHING
    for number in range(len(harmonizer.passes)):
        own = share(harmonizer, number, patients, own, reference)
    common = own.keys() & reference.keys()
    if own and not common:
        raise InputError(
            f"{where}: holds {', '.join(sorted(reference)) or 'nothing'}, expected {', '.join(sorted(own))};"
            " is it the reference of another harmonizer?"
        )
    for name in sorted(common):
        if own[name].ndim == reference[name].ndim and own[name].shape != reference[name].shape:
            raise InputError(
                f"{where}: {name} has shape {reference[name].shape}, this site's images give {own[name].shape};"
                " was the reference made with another plan (colour, grey)?"
            )
    return own

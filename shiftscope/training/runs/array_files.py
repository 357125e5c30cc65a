"""Named arrays in files: safetensors, in groups, written atomically."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from shiftscope.errors import EngineError
from shiftscope.files import open_file, write_bytes
from shiftscope.printable_text import shown
from shiftscope.training.algorithms.aggregation import Tensors

__all__ = ["damaged", "load_arrays", "read_groups", "require_alike", "save_arrays", "write_groups"]


def save_arrays(path: Path, arrays: Tensors) -> None:
    """Keep named arrays at a site."""
    write_groups(path, {"arrays": arrays}, {})


def load_arrays(path: Path) -> Tensors:
    """The inverse of `save_arrays`.

    Raises:
        EngineError: there is none, or the file is damaged.
    """
    return read_groups(path)[0].get("arrays", {})


def write_groups(path: Path, groups: dict[str, Tensors], header: dict[str, str]) -> None:
    """Write groups of named arrays, with a header of strings."""
    flat = {
        f"{group}/{name}": np.asarray(array, order="C")
        for group, arrays in groups.items()
        for name, array in arrays.items()
    }
    write_bytes(path, save(flat, metadata={"format": "shiftscope", **header}))  # an empty header could not be read back


def read_groups(path: Path) -> tuple[dict[str, Tensors], dict[str, str]]:
    """The inverse of `write_groups`; groups without an array are not there.

    Raises:
        EngineError: there is none, or the file is damaged.
    """
    groups: dict[str, Tensors] = {}
    try:
        open_file(path).close()  # safetensors would wait for a pipe
        with safe_open(path, framework="numpy") as file:
            for key in file.keys():  # noqa: SIM118 - not a mapping
                group, slash, name = key.partition("/")
                if not slash:
                    raise ValueError(f"{shown(key)} is in no group")
                groups.setdefault(group, {})[name] = file.get_tensor(key)
            return groups, file.metadata() or {}
    except OSError as problem:
        raise EngineError(damaged(path, problem.strerror or str(problem))) from None
    except (SafetensorError, ValueError, TypeError, AttributeError) as problem:  # the last two: numbers numpy has not
        raise EngineError(damaged(path, shown(str(problem))[1:-1])) from None


def require_alike(path: Path, kept: Tensors, expected: Tensors) -> None:
    """See that the tensors read from `path` can stand for those expected: names, shapes, finite numbers.

    Raises:
        EngineError: they cannot.
    """
    if differing := sorted(kept.keys() ^ expected.keys()):
        raise EngineError(damaged(path, f"{shown(differing[0])} is in one of file and model only"))
    for name, array in kept.items():
        if array.shape != expected[name].shape:
            raise EngineError(damaged(path, f"{name} has shape {array.shape}, not {expected[name].shape}"))
        if not np.all(np.isfinite(array)):
            raise EngineError(damaged(path, f"{name} holds numbers that are not finite"))


def damaged(path: Path, why: str) -> str:
    """The message for a file that does not hold what it should."""
    return (
        f"{path}: expected tensors as a run keeps them, found something else ({why}); put the file back as it was, or"
        " start the run anew in another folder"
    )

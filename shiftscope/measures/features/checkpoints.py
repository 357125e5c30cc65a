"""Files of weights: what is read of them cannot run code."""

import hashlib
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["check_loaded", "read_checkpoint"]

_ENOUGH = 0.75
"""Share of a network's weights that must come from the file. The first layer is changed where colours differ."""


def read_checkpoint(path: Path) -> dict[str, "torch.Tensor"]:
    """The tensors of a safetensors file, or of a torch checkpoint that holds nothing but data.

    A torch checkpoint is a pickle, which can run what it likes when it is opened. timm's loader opens it with torch's
    restricted reader, which knows tensors and plain containers, and refuses all else.

    Raises:
        ValueError: no file, no checkpoint, broken, or one that holds more than data; in one line.
    """
    from safetensors import SafetensorError
    from timm.models import load_state_dict

    if not path.is_file():
        raise ValueError("a folder, expected a file" if path.is_dir() else "no such file")
    try:
        with warnings.catch_warnings():  # of a pickle's odd version, before it is refused; nothing is decoding yet
            warnings.simplefilter("ignore")
            tensors = load_state_dict(str(path), device="cpu", weights_only=True)
    except (
        *(ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError),
        *(RuntimeError, TypeError, ValueError, pickle.UnpicklingError, SafetensorError),
    ) as problem:
        raise ValueError(f"expected safetensors or a checkpoint of tensors alone: {_first_sentence(problem)}") from None
    return _only_tensors(tensors)


def check_loaded(
    network: "torch.nn.Module", tensors: dict[str, "torch.Tensor"], new_modules: tuple[str, ...] = ()
) -> None:
    """Refuse a network that kept random weights because the file is of another one.

    timm leaves out, without a word, what it finds under no name of the network's. Values are compared, not names,
    since it renames those of other projects.

    Args:
        network: after its weights were loaded.
        tensors: of the file.
        new_modules: names of the modules that begin anew.

    Raises:
        ValueError: fewer than three quarters of the layers' weights are in the file.
    """
    given = {_mark(tensor) for tensor in tensors.values()}
    weights = {
        name: weight
        for name, weight in network.named_parameters()
        if weight.ndim > 1 and not name.startswith(tuple(f"{module}." for module in new_modules))
    }
    found = sum(_mark(weight) in given for weight in weights.values())
    if found < _ENOUGH * len(weights):
        raise ValueError(f"the file is of another network: {found} of {len(weights)} layers are in it")


def _only_tensors(tensors: object) -> dict[str, "torch.Tensor"]:
    import torch

    if not isinstance(tensors, dict) or not tensors:
        raise ValueError(f"expected tensors by name, it holds {'nothing' if tensors == {} else type(tensors).__name__}")
    for name, value in tensors.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"expected tensors by name, it holds {type(value).__name__} under {name!r}")
    return tensors


def _mark(tensor: "torch.Tensor") -> bytes:
    """A digest of the values, whatever their precision and shape."""
    return hashlib.sha256(tensor.detach().cpu().float().contiguous().numpy().tobytes()).digest()


def _first_sentence(problem: BaseException) -> str:
    """What torch or safetensors said, without its advice to trust the file; the kind where it is a key or nothing."""
    said = str(problem).strip().splitlines()[:1]
    return said[0].split(". ")[0] if said and " " in said[0] else type(problem).__name__

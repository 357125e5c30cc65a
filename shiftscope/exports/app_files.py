"""What an exported app leaves on disk: tensors under their own names, as other programs read them."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from shiftscope.files import write_bytes
from shiftscope.training.algorithms.aggregation import Tensors

__all__ = ["save_tensors"]


def save_tensors(path: Path, tensors: Tensors) -> None:
    """Write a safetensors file, as a whole or not at all; `safetensors.torch.load_file` reads it as a state dict.

    Raises:
        ShiftscopeError: it cannot be written there.
    """
    write_bytes(path, save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}))

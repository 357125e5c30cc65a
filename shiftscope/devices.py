"""Where tensors are computed."""

import logging

from shiftscope.errors import UsageError

__all__ = ["find_device"]

_LOGGER = logging.getLogger(__name__)


def find_device(wanted: str) -> str:
    """ "cpu" or "cuda"; the GPU for "auto" where there is one.

    Raises:
        UsageError: "cuda" is asked for and there is none, or another name is given.
    """
    import torch

    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {wanted}: expected auto, cpu or cuda")
    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise UsageError("--device cuda: no GPU that torch can use; try --device cpu")
    if wanted == "auto" and not available:
        _LOGGER.info("no GPU found: computing on the CPU")
    return "cuda" if available and wanted != "cpu" else "cpu"

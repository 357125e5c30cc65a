"""What a model says of a case: class probabilities, slice by slice or block by block."""

import numpy as np
import torch
from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.data.patches import OVERLAP, padded, tiles
from shiftscope.training.models.networks import memory_format

__all__ = ["probabilities"]


def probabilities(model: nn.Module, pixels: np.ndarray, plan: Plan, device: str = "cpu") -> np.ndarray:
    """Class probabilities of a case; never more than `plan.batch_size` slices or blocks at once.

    With `plan.patch`, blocks overlap: for segmentation by MONAI's sliding window, weighted by a Gaussian so that the
    middle of a block counts more than its border; for classification every block has one say.

    Args:
        model: in evaluation mode.
        pixels: (z, c, y, x) in [0, 1].

    Returns:
        (z, classes, y, x) for segmentation; (slices or blocks, classes) for classification.
    """
    with torch.no_grad():
        if not plan.patch:
            return _in_batches(model, pixels, plan, device)
        if plan.task == "segmentation":
            return _slid(model, pixels, plan, device)
        whole = padded(pixels, plan.patch[0])
        shape = (len(whole), *whole.shape[2:])
        blocks = np.stack([whole[z, :, y, x].swapaxes(0, 1) for z, y, x in tiles(shape, plan.patch)])
        return _in_batches(model, blocks, plan, device)


def _in_batches(model: nn.Module, inputs: np.ndarray, plan: Plan, device: str) -> np.ndarray:
    """(n, c, [z,] y, x) -> (n, classes[, y, x])."""
    parts = []
    for start in range(0, len(inputs), plan.batch_size):
        batch = torch.from_numpy(inputs[start : start + plan.batch_size].astype(np.float32))
        logits = model(batch.to(device, memory_format=memory_format(plan)))
        parts.append(torch.softmax(logits, dim=1).cpu().numpy())
    return np.concatenate(parts)


def _slid(model: nn.Module, pixels: np.ndarray, plan: Plan, device: str) -> np.ndarray:
    from monai.inferers import sliding_window_inference

    def predict(blocks: torch.Tensor) -> torch.Tensor:
        return torch.softmax(model(blocks.contiguous(memory_format=memory_format(plan))), dim=1)

    filled = padded(pixels, plan.patch[0])  # as blocks are drawn; MONAI would fill up with zeros
    before = (len(filled) - len(pixels)) // 2
    volume = torch.from_numpy(filled.astype(np.float32)).transpose(0, 1)[None]
    whole = sliding_window_inference(
        volume,
        plan.patch,
        plan.batch_size,
        predict,
        overlap=OVERLAP,
        mode="gaussian",
        sw_device=device,
        device="cpu",
    )
    stitched: np.ndarray = whole[0].transpose(0, 1).numpy()
    return stitched[before : before + len(pixels)]

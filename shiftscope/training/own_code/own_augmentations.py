"""An augmentation of the operator's own, in place of ours: images and masks stay what they are, and stay together."""

from collections.abc import Callable

import numpy as np
import torch

from shiftscope.plans import Plan
from shiftscope.training.own_code.own_functions import made, run
from shiftscope.training.own_code.own_names import OwnName

__all__ = ["Augmentation", "own_augmentation", "try_augmentation"]

Augmentation = Callable[
    [torch.Tensor, torch.Tensor | None, np.random.Generator], tuple[torch.Tensor, torch.Tensor | None]
]

_TOGETHER = 0.3
"""Least correlation of a picture with its mask, of blobs that are their own masks, after an augmentation: a mask that
was not mirrored with its blob has about 0, and noise, blur, gamma or inversion leave far more."""


def own_augmentation(plan: Plan) -> Augmentation:
    """(images, masks, generator) -> both, as `function(plan)` gives it, each answer looked at.

    Images are (n, c, y, x) float32 with masks (n, 1, y, x) int64, or None for classification. With `plan.patch` they
    are blocks, (n, c, z, y, x) and (n, 1, z, y, x), drawn wider along y and x where the canvas allows; what is beyond
    the patch is cut off afterwards, so turning a block brings in what lies beside it.

    Raises:
        PlanError: it cannot be called; and while training, an answer of another shape or type, that is not finite, or
            masks with other values than the plan's classes.
    """
    name, augment = made(plan, "augment")
    if not callable(augment):
        raise name.misfit(f"gives {type(augment).__name__}", "a function of (images, masks, generator)")
    highest = max(1, len(plan.classes))

    def augmented(
        images: torch.Tensor, masks: torch.Tensor | None, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        seed = int(rng.integers(2**63 - 1))
        answer = run(name, seed, augment, images.clone(), None if masks is None else masks.clone(), rng)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise name.misfit(f"answers with {type(answer).__name__}", "a tuple of images and masks")
        _require_like(name, "images", answer[0], images)
        if masks is None:
            if answer[1] is not None:
                raise name.misfit("answers with masks where there are none", "None beside the images")
            return answer[0].detach(), None
        _require_like(name, "masks", answer[1], masks)
        low, high = int(answer[1].min()), int(answer[1].max())
        if low < 0 or high > highest:
            raise name.misfit(f"gives masks with values from {low} to {high}", f"0 to {highest}, as they came")
        return answer[0].detach(), answer[1]

    return augmented


def try_augmentation(plan: Plan) -> None:
    """Call it on blobs that are their own masks.

    Raises:
        PlanError: the same generator gives another answer, or masks no longer lie where their blobs are.
    """
    name, _ = made(plan, "augment")
    images, masks = _blobs(plan)
    given = masks if plan.task == "segmentation" else None
    (first, moved), (again, _) = (own_augmentation(plan)(images, given, np.random.default_rng(0)) for _ in range(2))
    if not torch.equal(first, again):
        raise name.misfit(
            "gives another answer each time from the same generator", "randomness from the generator it is given alone"
        )
    if moved is None:
        return
    pairs = [(image.mean(dim=0).ravel(), mask.ravel()) for image, mask in zip(first, moved, strict=True)]
    found = [abs(float(torch.corrcoef(torch.stack([a, b.float()]))[0, 1])) for a, b in pairs if a.std() and b.any()]
    if found and float(np.quantile(found, 0.2)) < _TOGETHER:  # half of the images may be mirrored, the others not
        raise name.misfit("moves images without their masks, or masks without their images", "both moved alike")


def _blobs(plan: Plan) -> tuple[torch.Tensor, torch.Tensor]:
    """Thirty-two bright discs away from the middle on dark ground, and their masks."""
    rng = np.random.default_rng(0)
    room = plan.patch or (plan.image_size, plan.image_size)
    y, x = np.mgrid[: room[-2], : room[-1]]
    turn = rng.uniform(0, 2 * np.pi, 32)[:, None, None]
    down, across = 0.5 + 0.28 * np.sin(turn), 0.5 + 0.28 * np.cos(turn)
    discs = np.hypot(y / room[-2] - down, x / room[-1] - across) < 0.14
    masks = torch.from_numpy(discs.astype(np.int64))[:, None]
    masks = masks[:, :, None].repeat(1, 1, plan.patch[0], 1, 1) if plan.patch else masks
    repeats = (1, 3 if plan.colour else 1, *[1] * len(room))
    return (0.1 + 0.8 * masks.float()).repeat(repeats), masks


def _require_like(name: OwnName, what: str, got: object, given: torch.Tensor) -> None:
    expected = f"{what} as they came, {given.dtype} of {tuple(given.shape)}"
    if not isinstance(got, torch.Tensor):
        raise name.misfit(f"gives {what} as {type(got).__name__}", expected)
    if (got.shape, got.dtype, got.device) != (given.shape, given.dtype, given.device):
        raise name.misfit(f"gives {what} as {got.dtype} of {tuple(got.shape)} on {got.device}", expected)
    if not torch.isfinite(got).all():
        raise name.misfit(f"gives {what} with values that are not finite", expected)

"""The network a plan asks for."""

from difflib import get_close_matches
from pathlib import Path
from typing import cast

import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan

__all__ = ["STRIDE", "build", "head_of"]

CHANNELS = (16, 32, 64, 128)
STRIDE = 2 ** (len(CHANNELS) - 1)
"""The U-Net halves the image this often, so its side must be a multiple of this."""


def build(plan: Plan, weights: Path | None = None) -> nn.Module:
    """A freshly initialised model, drawn from torch's current random state.

    Segmentation: MONAI's residual U-Net in two dimensions with BatchNorm, background and one output per class
    (0.4 million weights: 75 ms a step at 96 px and batch 8 on one core). Classification: the timm model of
    that name, started from the file `weights` but for its classifier where one is given.

    Raises:
        PlanError: no such model, or a size it cannot take.
    """
    return _unet(plan) if plan.task == "segmentation" else _timm(plan, weights)


def head_of(model: nn.Module) -> nn.Module:
    """The classifier of a timm model; a U-Net's last up block, which ends in the final convolution."""
    classifier = getattr(model, "get_classifier", None)
    found = classifier() if callable(classifier) else list(model.get_submodule("model").children())[-1]
    return cast(nn.Module, found)


def _unet(plan: Plan) -> nn.Module:
    from monai.networks.nets import UNet

    if plan.model != "unet":
        raise PlanError(f"model: no segmentation model {plan.model!r}; expected 'unet'")
    if plan.weights:
        raise PlanError(f"weights: {plan.weights} given, but the U-Net starts from random ones; leave it empty")
    if plan.image_size % STRIDE:
        raise PlanError(f"image_size: {plan.image_size} does not fit the U-Net; choose a multiple of {STRIDE}")
    unet: nn.Module = UNet(
        spatial_dims=2,
        in_channels=3 if plan.colour else 1,
        out_channels=1 + max(1, len(plan.classes)),
        channels=CHANNELS,
        strides=(2,) * (len(CHANNELS) - 1),
        num_res_units=2,
        norm="batch",
    )
    return unet


def _timm(plan: Plan, weights: Path | None) -> nn.Module:
    import timm

    if not timm.is_model(plan.model):
        near = (
            ", ".join(get_close_matches(plan.model, timm.list_models(), 3)) or "resnet18, densenet121, efficientnet_b0"
        )
        raise PlanError(f"model: timm has no {plan.model!r}; expected a timm model such as {near}")
    try:
        model: nn.Module = timm.create_model(
            plan.model,
            pretrained=weights is not None,
            pretrained_cfg_overlay={"file": str(weights)} if weights else None,
            num_classes=len(plan.classes),
            in_chans=3 if plan.colour else 1,
        )
    except (OSError, RuntimeError) as problem:
        raise PlanError(f"weights: {weights} cannot be loaded into {plan.model}: {problem}") from None
    _try(model, plan)
    return model


def _try(model: nn.Module, plan: Plan) -> None:
    """One pass over nothing, so that a size the model refuses is told before any site starts."""
    size = plan.image_size
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3 if plan.colour else 1, size, size))
    except (RuntimeError, AssertionError, ValueError) as problem:
        raise PlanError(f"image_size: {plan.model} does not take {size} px: {problem}") from None
    model.train()

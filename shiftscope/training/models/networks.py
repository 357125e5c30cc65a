"""The network a plan asks for."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.measures.features.checkpoints import check_loaded, read_checkpoint
from shiftscope.plans import Plan
from shiftscope.training.data.case_features import count_features
from shiftscope.training.own_code.own_models import own_model
from shiftscope.training.own_code.own_names import is_own

__all__ = ["LINEAR", "STRIDE", "build", "head_of", "memory_format", "stem_of"]

LINEAR = "linear"
"""The model whose inputs are features of the frozen public extractor, not pixels."""

CHANNELS = (16, 32, 64, 128)
STRIDE = 2 ** (len(CHANNELS) - 1)
"""The U-Net halves the image this often, so its side must be a multiple of this."""


def build(plan: Plan, weights: Path | None = None) -> nn.Module:
    """A freshly initialised model, drawn from torch's current random state.

    Segmentation: MONAI's residual U-Net in two dimensions with BatchNorm, background and one output per class
    (0.4 million weights: 75 ms a step at 96 px and batch 8 on one core). Classification: the timm model of
    that name, started from the file `weights` but for its classifier where one is given. With `plan.patch` both are
    three-dimensional: the same U-Net, and the classifiers of `volume_nets`, from random weights.

    Raises:
        PlanError: no such model, or a size it cannot take.
    """
    if plan.patch:
        _check_patch(plan)
    if is_own(plan.model):
        return own_model(plan)
    if plan.task == "segmentation":
        return _unet(plan)
    if plan.patch:
        return _volume_classifier(plan)
    return _linear(plan) if plan.model == LINEAR else _timm(plan, weights)


def memory_format(plan: Plan) -> torch.memory_format:
    """How weights and images lie in memory: channels last, which is up to three times as fast on a CPU."""
    return torch.channels_last_3d if plan.patch else torch.channels_last


def head_of(model: nn.Module) -> nn.Module:
    """The classifier of a timm or MONAI model; a U-Net's last up block, which ends in the final convolution."""
    classifier = getattr(model, "get_classifier", None)
    if callable(classifier):
        return cast(nn.Module, classifier())
    return list(_blocks(model))[-1]


def stem_of(model: nn.Module) -> list[torch.Tensor]:
    """A U-Net's first down block; of a timm or MONAI model all that comes before the end of its first stage."""
    features = getattr(model, "feature_info", None)
    if not features:
        blocks = list(_blocks(model))
        composed = (index for index, block in enumerate(blocks) if list(block.children()))
        early = blocks[: next(composed, 0) + 1]
        return [tensor for block in early for tensor in block.state_dict(keep_vars=True).values()]
    first = str(features[min(1, len(features) - 1)]["module"])
    modules = list(model.named_modules())
    inside = [index for index, (name, _) in enumerate(modules) if name == first or name.startswith(f"{first}.")]
    early = [module for _, module in modules[: max(inside, default=-1) + 1]]
    return [tensor for module in early for tensor in (*module.parameters(False), *module.buffers(False))]


def _blocks(model: nn.Module) -> Iterable[nn.Module]:
    """The outermost parts of a U-Net, a MONAI classifier or the linear model, in the order in which they run."""
    first, *others = model.children()
    return [*first.children(), *others] if isinstance(first, nn.Sequential) else [first, *others]


def _linear(plan: Plan) -> nn.Module:
    """Standardised features of the frozen public extractor, (n, d, 1, 1) -> one output per class."""
    if plan.weights:
        raise PlanError(f"weights: {plan.weights} given, but the linear model starts from random ones; leave it empty")
    width = count_features(plan.image_size)
    return nn.Sequential(nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(width, len(plan.classes)))


def _unet(plan: Plan) -> nn.Module:
    from monai.networks.nets import UNet

    if plan.model != "unet":
        raise PlanError(f"model: no segmentation model {plan.model!r}; expected 'unet'")
    if plan.weights:
        raise PlanError(f"weights: {plan.weights} given, but the U-Net starts from random ones; leave it empty")
    if not plan.patch and plan.image_size % STRIDE:
        raise PlanError(f"image_size: {plan.image_size} does not fit the U-Net; choose a multiple of {STRIDE}")
    unet: nn.Module = UNet(
        spatial_dims=3 if plan.patch else 2,
        in_channels=3 if plan.colour else 1,
        out_channels=1 + max(1, len(plan.classes)),
        channels=CHANNELS,
        strides=_strides(plan.patch) if plan.patch else (2,) * (len(CHANNELS) - 1),
        num_res_units=2,
        norm="batch",
    )
    return unet


def _strides(patch: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    from shiftscope.training.models.volume_nets import halvings, strides_of

    levels = len(CHANNELS) - 1
    for axis, length in zip("zyx", patch, strict=True):
        count = halvings(length, levels)
        if length % 2**count:
            raise PlanError(
                f"patch: {length} voxels along {axis} do not fit the U-Net, which halves them {count} times;"
                f" choose a multiple of {2**count}"
            )
    return strides_of(patch, levels)


def _check_patch(plan: Plan) -> None:
    if max(plan.patch[1:]) > plan.image_size:
        raise PlanError(
            f"patch: {' x '.join(map(str, plan.patch))} (z, y, x) is larger than the canvas of {plan.image_size} pixels"
            " a side; make the patch smaller or image_size larger"
        )


def _volume_classifier(plan: Plan) -> nn.Module:
    from shiftscope.training.models.volume_nets import CLASSIFIERS

    if plan.model not in CLASSIFIERS:
        raise PlanError(
            f"model: no three-dimensional {plan.model!r}; expected {', '.join(CLASSIFIERS)}, or leave patch out"
        )
    if plan.weights:
        raise PlanError(f"weights: {plan.weights} given, but 3-D models start from random ones; leave it empty")
    model = CLASSIFIERS[plan.model](3 if plan.colour else 1, len(plan.classes))
    _try(model, plan)
    return model


def _timm(plan: Plan, weights: Path | None) -> nn.Module:
    import timm

    if not timm.is_model(plan.model):
        near = (
            ", ".join(get_close_matches(plan.model, timm.list_models(), 3)) or "resnet18, densenet121, efficientnet_b0"
        )
        raise PlanError(f"model: timm has no {plan.model!r}; expected a timm model such as {near}")
    try:
        tensors = read_checkpoint(weights) if weights else None
        model: nn.Module = timm.create_model(
            plan.model,
            pretrained=tensors is not None,
            pretrained_cfg_overlay={"state_dict": tensors} if tensors else None,
            num_classes=len(plan.classes),
            in_chans=3 if plan.colour else 1,
        )
        if tensors:
            classifier = cast(dict[str, str | tuple[str, ...]], model.pretrained_cfg).get("classifier", ())
            check_loaded(model, tensors, (classifier,) if isinstance(classifier, str) else tuple(classifier))
    except (OSError, RuntimeError, ValueError) as problem:
        raise PlanError(f"weights: {weights} cannot be loaded into {plan.model}: {problem}") from None
    _try(model, plan)
    return model


def _try(model: nn.Module, plan: Plan) -> None:
    """One pass over zeros, so that a size the model refuses is refused before any site starts."""
    shape = plan.patch or (plan.image_size, plan.image_size)
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3 if plan.colour else 1, *shape))
    except (RuntimeError, AssertionError, ValueError) as problem:
        key, unit = ("patch", "voxels") if plan.patch else ("image_size", "px")
        raise PlanError(
            f"{key}: {plan.model} does not take {' x '.join(map(str, shape[not plan.patch :]))} {unit}: {problem}"
        ) from None
    model.train()

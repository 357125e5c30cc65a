"""The network a plan asks for."""

from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.training.models.decoder_nets import PREFIX, smp_network
from shiftscope.training.models.frozen_encoders import count_features
from shiftscope.training.models.model_parts import as_planned
from shiftscope.training.models.pretrained_weights import sha256_of
from shiftscope.training.models.timm_networks import require_timm, scale_of, timm_network
from shiftscope.training.own_code.own_models import own_model
from shiftscope.training.own_code.own_names import is_own

__all__ = ["LINEAR", "build", "count_parameters", "memory_format"]

UNET, LINEAR = "unet", "linear"
"""The small network for outlines, and the model whose inputs are features of a frozen network, not pixels."""

CHANNELS = (16, 32, 64, 128)
"""Of the U-Net `unet`, level by level."""

LARGEST_TRIED = 384
"""Up to this size in pixels, one that fits is looked for where the plan's does not."""


def build(plan: Plan, weights: Path | None = None) -> nn.Module:
    """A freshly initialised model, drawn from torch's current random state; `docs/models.md` lists them.

    Args:
        weights: the file that the timm model in it starts from, where the plan names weights (`find_weights`).

    Returns:
        The network itself, or in a `PlannedNetwork` where the plan names its head or stem, or it has trained weights:
        what these expect of images is then done in there.

    Raises:
        PlanError: no such model, or a size or weights it cannot take.
    """
    if plan.patch:
        _check_patch(plan)
    if weights is not None:
        _check_file(plan, weights)
    network = _network(plan, weights)
    if plan.weights and weights is None:
        raise PlanError(f"weights: {plan.weights} is what the plan starts from, and no file of it was handed over")
    scale = None if weights is None or plan.model == LINEAR else scale_of(plan.encoder or plan.model, weights)
    model = as_planned(network, plan, scale)
    if plan.model.startswith(PREFIX) or (
        plan.task == "classification" and plan.model != LINEAR and not is_own(plan.model)
    ):
        _try(model, plan)  # the others know by arithmetic what they take
    return model


def count_parameters(plan: Plan) -> int:
    """Weights of the plan's network, or of the frozen encoder before its linear model: what a machine has to hold.

    None is drawn, no memory is taken for them and no file of weights is read. The operator's own model alone is made
    for real, by its own code.

    Raises:
        PlanError: no such model.
    """
    if plan.model == LINEAR and plan.encoder is None:
        return 0  # the public extractor comes with the package
    own = is_own(plan.model)
    with nullcontext() if own else torch.device("meta"):
        if plan.model == LINEAR:
            require_timm(str(plan.encoder), "encoder")
            network = timm_network(str(plan.encoder), None, 3, 0)
        else:
            network = _network(
                plan.model_copy(update={"weights": None, "colour": bool(plan.colour or plan.weights)}), None
            )
    return sum(parameter.numel() for parameter in network.parameters())


def memory_format(plan: Plan) -> torch.memory_format:
    """How weights and images lie in memory: channels last, which is up to three times as fast on a CPU."""
    return torch.channels_last_3d if plan.patch else torch.channels_last


def _network(plan: Plan, weights: Path | None) -> nn.Module:
    if is_own(plan.model):
        return own_model(plan)
    if plan.model != LINEAR and not plan.model.startswith(PREFIX):
        _check_whole(plan)
    return _segmenter(plan, weights) if plan.task == "segmentation" else _classifier(plan, weights)


def _check_file(plan: Plan, weights: Path) -> None:
    if not weights.is_file():
        raise PlanError(f"weights: {weights} is not there any more; put it back, or start anew")
    if plan.weights_sha256 not in (None, digest := sha256_of(weights)):
        raise PlanError(
            f"weights_sha256: {plan.weights_sha256} is what the plan starts from, and {weights} has {digest}"
        )


def _check_whole(plan: Plan) -> None:
    """A network that is no decoder stands on nothing, and only timm's start from a file."""
    if plan.encoder is not None:
        raise PlanError(
            f"encoder: {plan.encoder} given, and {plan.model} is a whole network; leave it out, or set model to"
            f' "{PREFIX}Unet" or another decoder, or to "{LINEAR}"'
        )
    if plan.weights and (plan.task == "segmentation" or plan.patch):
        called = "the U-Net" if plan.model == UNET else "3-D models" if plan.patch else plan.model
        start = "start" if called == "3-D models" else "starts"
        raise PlanError(f"weights: {plan.weights} given, but {called} {start} from random ones; leave it empty")


def _segmenter(plan: Plan, weights: Path | None) -> nn.Module:
    from shiftscope.training.models.segmentation_nets import SEGMENTERS, monai_segmenter

    channels, outputs = _channels(plan, weights), 1 + max(1, len(plan.classes))
    if plan.model == UNET:
        return _unet(plan, channels, outputs)
    if plan.model in SEGMENTERS:
        return monai_segmenter(plan, channels, outputs)
    if not plan.model.startswith(PREFIX):
        raise PlanError(
            f"model: no segmentation model {plan.model!r}; expected '{UNET}', {', '.join(SEGMENTERS)}, or a decoder"
            f" such as {PREFIX}Unet"
        )
    if plan.patch:
        raise PlanError(
            f"patch: {plan.model} sees slices, not blocks; leave patch out, or choose {UNET}, {', '.join(SEGMENTERS)}"
        )
    return smp_network(plan, weights, channels, outputs)


def _classifier(plan: Plan, weights: Path | None) -> nn.Module:
    if plan.patch:
        return _volume_classifier(plan)
    if plan.model == LINEAR:
        return _linear(plan, weights)
    require_timm(plan.model, "model")
    return timm_network(plan.model, weights, _channels(plan, weights), len(plan.classes))


def _channels(plan: Plan, weights: Path | None) -> int:
    """Of the images the network sees: trained weights know three."""
    return 3 if plan.colour or weights else 1


def _linear(plan: Plan, weights: Path | None) -> nn.Module:
    """Standardised features of a frozen network, (n, d, 1, 1) -> one output per class."""
    width = count_features(plan, weights)
    return nn.Sequential(nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(width, len(plan.classes)))


def _unet(plan: Plan, channels: int, outputs: int) -> nn.Module:
    """MONAI's residual U-Net with BatchNorm: 0.4 million weights, 75 ms a step at 96 px and batch 8 on one core."""
    from monai.networks.nets import UNet

    from shiftscope.training.models.volume_nets import fitting_strides

    levels = len(CHANNELS) - 1
    if not plan.patch and plan.image_size % 2**levels:
        raise PlanError(f"image_size: {plan.image_size} does not fit the U-Net; choose a multiple of {2**levels}")
    unet: nn.Module = UNet(
        spatial_dims=3 if plan.patch else 2,
        in_channels=channels,
        out_channels=outputs,
        channels=CHANNELS,
        strides=fitting_strides(plan, levels) if plan.patch else (2,) * levels,
        num_res_units=2,
        norm="batch",
    )
    return unet


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
    return CLASSIFIERS[plan.model](_channels(plan, None), len(plan.classes))


def _try(model: nn.Module, plan: Plan) -> None:
    """One pass over zeros, so that a size the model refuses is refused before any site starts."""
    shape = plan.patch or (plan.image_size, plan.image_size)
    if (problem := _refusal(model, plan, shape)) is not None:
        key, unit = ("patch", "voxels") if plan.patch else ("image_size", "px")
        larger = () if plan.patch else range(plan.image_size // 32 * 32 + 32, LARGEST_TRIED + 1, 32)
        fits = next((size for size in larger if _refusal(model, plan, (size, size)) is None), None)
        raise PlanError(
            f"{key}: {plan.model}{f' on {plan.encoder}' if plan.encoder else ''} does not take"
            f" {' x '.join(map(str, shape[not plan.patch :]))} {unit}: {problem}"
            + (f"; {fits} {unit} fit" if fits else "; choose another size or model")
        )
    model.train()


def _refusal(model: nn.Module, plan: Plan, shape: tuple[int, ...]) -> str | None:
    """What the model says against an image or a block of this shape; None where it takes it."""
    try:
        with torch.no_grad():
            given = model.eval()(torch.zeros(1, 3 if plan.colour else 1, *shape)).shape[2:]
    except (RuntimeError, AssertionError, ValueError, IndexError) as problem:
        return str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
    if plan.task == "segmentation" and given != shape:
        return f"its maps have {' x '.join(map(str, given))}"
    return None

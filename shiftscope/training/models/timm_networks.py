"""timm's models, from random weights or from a file."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, cast

import timm
import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.measures.features.checkpoints import check_loaded, read_checkpoint
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.models.model_parts import InputScale
from shiftscope.training.models.pretrained_weights import pretrained_entry, sha256_of

__all__ = ["forget_checkpoint", "require_timm", "scale_of", "tensors_for", "timm_network"]


def require_timm(name: str, key: str) -> None:
    """See that timm has a model.

    Raises:
        PlanError: naming the key, and models that are called alike.
    """
    if not timm.is_model(name):
        near = ", ".join(get_close_matches(name, timm.list_models(), 3)) or "resnet18, densenet121, efficientnet_b0"
        raise PlanError(f"{key}: timm has no {name!r}; expected a timm model such as {near}")


def timm_network(name: str, weights: Path | None, channels: int, outputs: int) -> nn.Module:
    """The timm model `name` with `outputs` outputs, 0 for pooled features; all but these from `weights` where given.

    Raises:
        PlanError: the file cannot be loaded, or is of another model.
    """
    try:
        tensors = tensors_for(name, weights) if weights else None
        network: nn.Module = timm.create_model(
            name,
            pretrained=tensors is not None,
            pretrained_cfg_overlay={"state_dict": tensors} if tensors else None,
            num_classes=outputs,
            in_chans=channels,
        )
        if tensors:
            classifier = cast(dict[str, str | tuple[str, ...]], network.pretrained_cfg).get("classifier", ())
            begin_anew = (classifier,) if isinstance(classifier, str) else tuple(classifier)
            check_loaded(network, tensors, begin_anew)
            forget_checkpoint(network)
            for layer in (network.get_submodule(name) for name in begin_anew):
                if isinstance(
                    layer, nn.Linear
                ):  # timm's start for few classes is so large that it drowns what is known
                    layer.reset_parameters()
    except (OSError, RuntimeError, ValueError) as problem:
        raise PlanError(f"weights: {weights} cannot be loaded into {name}: {problem}") from None
    return network


def tensors_for(name: str, weights: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, those of a packaged one under timm's names.

    Raises:
        ValueError: the file is no checkpoint of tensors, or is not what the package was released with.
    """
    tensors = read_checkpoint(weights)
    if name not in PACKAGED or sha256_of(weights) != PACKAGED[name].sha256:
        return tensors
    slots = _slots(name)
    if [tuple(tensor.shape) for tensor in tensors.values()] != list(slots.values()):
        raise ValueError(f"its tensors are not in the order of timm {timm.__version__}; install timm 1.0.31")
    return dict(zip(slots, tensors.values(), strict=True))


@cache
def _slots(name: str) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the model's tensors in their order; no number is drawn."""
    with torch.device("meta"):
        return {called: tuple(tensor.shape) for called, tensor in timm.create_model(name).state_dict().items()}


def scale_of(name: str, weights: Path) -> InputScale:
    """What the weights expect of each colour in images from 0 to 1: of the packaged file, or as timm has it.

    Raises:
        PlanError: they were not trained on three colours.
    """
    if name in PACKAGED and sha256_of(weights) == PACKAGED[name].sha256:
        return InputScale(PACKAGED[name].mean, PACKAGED[name].std)
    entry = pretrained_entry(name)
    if entry is None:
        return InputScale(timm.data.IMAGENET_DEFAULT_MEAN, timm.data.IMAGENET_DEFAULT_STD)
    if len(entry.mean) != 3:
        raise PlanError(f"weights: those of {name} are of images with {len(entry.mean)} channels; choose another model")
    return InputScale(tuple(entry.mean), tuple(entry.std))


def forget_checkpoint(network: Any) -> None:
    """timm keeps the tensors it was given beside the network, and every copy of the network would hold them too."""
    network.pretrained_cfg.pop("state_dict", None)

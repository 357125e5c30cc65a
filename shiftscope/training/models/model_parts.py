"""The head and the early layers of a network, named in the plan or found by what the network is."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan

__all__ = ["REFUSALS", "InputScale", "PlannedNetwork", "as_planned", "head_of", "inner_network", "stem_of"]

REFUSALS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, RuntimeError),
    *(TypeError, ValueError),
)
"""What networks of other libraries raise where they do not take what they are given, or what is done to them."""


@dataclass(frozen=True, slots=True)
class InputScale:
    """Mean and standard deviation that trained weights expect, of each of three colours in images from 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class PlannedNetwork(nn.Module):
    """A network with what the plan says of it: where its head and stem are, and what its weights expect of images.

    Grey images are repeated to three channels, and normalised in here, so that whatever harmonizers do is done to
    images from 0 to 1. Mean and std are no part of the state, so they are neither sent nor averaged.

    Attributes:
        network: the network itself.
        head, stem: names of modules of `network`; () for those that are found.
        mean, std: (1, 3, 1, 1), or None where images stay as they are.
    """

    mean: torch.Tensor | None
    std: torch.Tensor | None

    def __init__(
        self, network: nn.Module, head: Sequence[str], stem: Sequence[str], scale: InputScale | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.head, self.stem = tuple(head), tuple(stem)
        for name in ("mean", "std"):
            values = None if scale is None else torch.tensor(getattr(scale, name)).view(1, 3, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 1 or 3, y, x) in 0..1 -> what the network gives; without a scale, any input of the network."""
        return cast(torch.Tensor, self.network(self.scaled(images)))

    def scaled(self, images: torch.Tensor) -> torch.Tensor:
        """As the network expects them."""
        if self.mean is None or self.std is None:
            return images
        scaled = (images.expand(-1, 3, -1, -1) - self.mean) / self.std
        return scaled.contiguous(memory_format=torch.channels_last)


def as_planned(network: nn.Module, plan: Plan, scale: InputScale | None = None) -> nn.Module:
    """The network with the parts that the plan names; the network itself where nothing is said of it.

    Raises:
        PlanError: the plan names a module that the network lacks, or one without tensors.
    """
    modules = dict(network.named_modules())
    for key in ("head", "stem"):
        for name in getattr(plan, key):
            if name not in modules:
                near = get_close_matches(name, modules, 3) or [name for name in modules if name and "." not in name]
                raise PlanError(
                    f"{key}: {type(network).__name__} has no module {name!r}; expected names of its named_modules(),"
                    f" such as {', '.join(near[-3:])}"
                )
            if not modules[name].state_dict():
                raise PlanError(
                    f"{key}: module {name!r} of {type(network).__name__} holds no tensors; name one with weights"
                )
    if plan.head or plan.stem or scale:
        return PlannedNetwork(network, plan.head, plan.stem, scale)
    return network


def inner_network(model: nn.Module) -> nn.Module:
    """The network as it was built."""
    return model.network if isinstance(model, PlannedNetwork) else model


def head_of(model: nn.Module) -> list[nn.Module]:
    """The last block of a network, as modules.

    Those the plan names; a timm model's classifiers; the segmentation head of segmentation-models-pytorch and its
    decoder's last block; the last up block of MONAI's segmentation networks with their final convolution; the last
    layer of its classifiers. Of any other network, the last module in the order of registration that has parameters.
    """
    if isinstance(model, PlannedNetwork):
        return [model.network.get_submodule(name) for name in model.head] or head_of(model.network)
    classifier = getattr(model, "get_classifier", None)
    if callable(classifier):
        found = classifier()  # timm's distilled models have two
        return list(found) if isinstance(found, tuple) else [found]
    if _is_smp(model):
        return [_last_block(cast(nn.Module, model.decoder)), cast(nn.Module, model.segmentation_head)]
    if ends := _ends_of_monai(model):
        return ends[1]
    return [(_blocks(model) or _with_parameters(model))[-1]]


def stem_of(model: nn.Module) -> list[torch.Tensor]:
    """The tensors of the early layers.

    Those the plan names; of a timm model, and of an encoder, all that comes before the end of its first stage; the
    first down block of MONAI's segmentation networks; of its classifiers all up to the first stage. Of any other
    network, the first module in the order of registration that has parameters.
    """
    if isinstance(model, PlannedNetwork):
        named = [model.network.get_submodule(name) for name in model.stem]
        return _tensors(named) if named else stem_of(model.network)
    if _is_smp(model):
        encoder = cast(nn.Module, model.encoder)
        inside = getattr(encoder, "model", None)  # of a network of timm's
        return stem_of(inside if isinstance(inside, nn.Module) else encoder)
    if early := _before_first_stage(model):
        return [tensor for module in early for tensor in (*module.parameters(False), *module.buffers(False))]
    if ends := _ends_of_monai(model):
        return _tensors(ends[0])
    if blocks := _blocks(model):
        composed = (index for index, block in enumerate(blocks) if list(block.children()))
        return _tensors(blocks[: next(composed, 0) + 1])
    return _tensors(_with_parameters(model)[:1])


def _tensors(modules: Sequence[nn.Module]) -> list[torch.Tensor]:
    return [tensor for module in modules for tensor in module.state_dict(keep_vars=True).values()]


def _with_parameters(model: nn.Module) -> list[nn.Module]:
    """The modules that hold parameters themselves, in the order of registration; the network itself if no other."""
    inside = [module for module in model.modules() if module is not model]
    return [module for module in inside if list(module.parameters(recurse=False))] or [model]


def _is_smp(model: nn.Module) -> bool:
    """Whether it is an encoder, decoder and head of segmentation-models-pytorch."""
    return all(
        isinstance(getattr(model, name, None), nn.Module) for name in ("encoder", "decoder", "segmentation_head")
    )


def _last_block(decoder: nn.Module) -> nn.Module:
    """The last of its blocks; where it has no list of them, its last part that has parameters."""
    blocks = getattr(decoder, "blocks", decoder)
    return ([block for block in blocks.children() if list(block.parameters())] or [decoder])[-1]


def _before_first_stage(model: nn.Module) -> list[nn.Module]:
    """By what timm says of where features can be taken; nothing where it says nothing."""
    features = getattr(model, "feature_info", None)
    listed = getattr(features, "info", features)
    if not listed:
        return []
    first = str(listed[min(1, len(listed) - 1)]["module"])
    modules = list(model.named_modules())
    for called in (first, first.replace(".", "_")):  # a network of features alone has its stages side by side
        inside = [index for index, (name, _) in enumerate(modules) if name == called or name.startswith(f"{called}.")]
        if inside:
            return [module for _, module in modules[: inside[-1] + 1]]
    return []


def _ends_of_monai(model: nn.Module) -> tuple[list[nn.Module], list[nn.Module]] | None:
    """The early blocks and the last blocks of a segmentation network whose parts do not lie in the order they run."""
    from monai.networks import nets

    if isinstance(model, nets.SegResNet):
        return [model.convInit, model.down_layers[0]], [model.up_layers[-1], model.conv_final]
    if isinstance(model, nets.DynUNet):
        outer = model.skip_layers
        return [outer.downsample], [outer.upsample, model.output_block]
    if isinstance(model, nets.AttentionUnet):
        first, layer, last = model.model
        return [first], [layer.attention, layer.upconv, layer.merge, last]
    return None


def _blocks(model: nn.Module) -> list[nn.Module]:
    """The outermost parts of a chain, a U-Net or a MONAI classifier, in the order in which they run."""
    from monai.networks import nets

    if not isinstance(model, nn.Sequential | nets.UNet | nets.DenseNet | nets.ResNet) or not list(model.children()):
        return []
    first, *others = model.children()
    parts = [*first.children(), *others] if isinstance(first, nn.Sequential) else [first, *others]
    return [part for part in parts if part.state_dict()]

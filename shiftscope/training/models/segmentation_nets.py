"""MONAI's networks for outlines, in two and three dimensions, sized to the image or the block they see."""

from collections.abc import Callable, Mapping

from monai.networks import nets
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.training.models.volume_nets import fitting_strides, halvings

__all__ = ["SEGMENTERS", "monai_segmenter"]


def monai_segmenter(plan: Plan, channels: int, outputs: int) -> nn.Module:
    """The network of that name in `SEGMENTERS`, from random weights, with BatchNorm.

    Raises:
        PlanError: the size of the image or the block does not fit it.
    """
    return SEGMENTERS[plan.model](plan, channels, outputs)


def _unet(plan: Plan, channels: int, outputs: int) -> nn.Module:
    """The residual U-Net of MONAI's examples: up to four levels down, 16 to 256 channels."""
    wide = (16, 32, 64, 128, 256)
    strides = fitting_strides(plan, len(wide) - 1)
    network: nn.Module = nets.UNet(len(strides[0]), channels, outputs, wide, strides, num_res_units=2, norm="batch")
    return network


def _attention_unet(plan: Plan, channels: int, outputs: int) -> nn.Module:
    """Attention gates on the skip connections (Oktay et al. 2018, arXiv:1804.03999)."""
    wide = (16, 32, 64, 128)
    strides = fitting_strides(plan, len(wide) - 1)
    network: nn.Module = nets.AttentionUnet(len(strides[0]), channels, outputs, wide, strides)
    return network


def _dynunet(plan: Plan, channels: int, outputs: int) -> nn.Module:
    """nnU-Net's plain U-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z), without deep supervision."""
    wide = (16, 32, 64, 128, 256)
    down = fitting_strides(plan, len(wide) - 1)
    strides = ((1,) * len(down[0]), *down)
    network: nn.Module = nets.DynUNet(
        len(down[0]), channels, outputs, (3,) * len(wide), strides, down, wide, norm_name="batch"
    )
    for part in ("input_block", "downsamples", "bottleneck", "upsamples"):
        delattr(network, part)  # `skip_layers` runs them: every tensor would be sent, and averaged, under two names
    return network


def _segresnet(plan: Plan, channels: int, outputs: int) -> nn.Module:
    """Residual encoder and a slim decoder (Myronenko 2018, arXiv:1810.11654); halves every axis alike."""
    lengths = plan.patch or (plan.image_size, plan.image_size)
    levels = min(halvings(length, 3) for length in lengths)
    if odd := [length for length in lengths if length % 2**levels]:
        key, unit = ("patch", "voxels") if plan.patch else ("image_size", "pixels")
        raise PlanError(
            f"{key}: {odd[0]} {unit} do not fit SegResNet, which halves every axis {levels} times here; choose"
            f" multiples of {2**levels}"
        )
    network: nn.Module = nets.SegResNet(
        len(lengths),
        init_filters=16,
        in_channels=channels,
        out_channels=outputs,
        norm="batch",
        blocks_down=(1, 2, 2, 4)[: levels + 1],
        blocks_up=(1,) * levels,
    )
    return network


SEGMENTERS: Mapping[str, Callable[[Plan, int, int], nn.Module]] = {
    "UNet": _unet,
    "AttentionUnet": _attention_unet,
    "DynUNet": _dynunet,
    "SegResNet": _segresnet,
}
"""Name in MONAI -> (plan, channels, outputs) -> network."""

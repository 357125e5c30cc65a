"""Which colour: chroma of images that truly have colour."""

from typing import TYPE_CHECKING

from shiftscope.measures.measure import Measure
from shiftscope.measures.order_statistics import at_least

if TYPE_CHECKING:
    import torch

__all__ = ["MEASURES", "scalars", "vector"]

MEASURES: dict[str, Measure] = {
    "redness": Measure(
        name="redness",
        unit="log ratio",
        sentence="How red the image is against green.",
        formula="ln(mean red / mean green)",
        range=(-1.0, 2.0),
        direction="higher is redder",
        undefined="grey images",
        reference="log-chromaticity: Finlayson et al. 2001, doi:10.1109/ICCV.2001.937538",
    ),
    "blueness": Measure(
        name="blueness",
        unit="log ratio",
        sentence="How blue the image is against green.",
        formula="ln(mean blue / mean green)",
        range=(-2.0, 1.0),
        direction="higher is bluer",
        undefined="grey images",
        reference="log-chromaticity: Finlayson et al. 2001, doi:10.1109/ICCV.2001.937538",
    ),
    "saturation": Measure(
        name="saturation",
        unit="1",
        sentence="How vivid the colours are.",
        formula="mean((max(r, g, b) - min(r, g, b)) / max(r, g, b))",
        range=(0.0, 1.0),
        direction="higher is more vivid",
        undefined="grey images",
        reference="HSV saturation: Smith 1978, doi:10.1145/965139.807361",
    ),
}

_DARK = 1 / 255


def scalars(rgb: "torch.Tensor") -> dict[str, "torch.Tensor"]:
    """`redness`, `blueness`, `saturation` of each image: (b, 3, h, w) in 0..1 -> (b,) each."""
    import torch

    red, green, blue = rgb.flatten(2).mean(dim=2).clamp(min=_DARK).unbind(1)
    return {
        "redness": torch.log(red / green),
        "blueness": torch.log(blue / green),
        "saturation": _vividness(rgb).mean(dim=1),
    }


def vector(rgb: "torch.Tensor", foreground: "torch.Tensor") -> "torch.Tensor":
    """What the colour axis compares: (b, 3, h, w) -> (b, 8).

    The three scalars, the spread of log-chromaticity over the image (two numbers and their correlation), the spread of
    saturation, and the share of nearly colourless pixels; all over the foreground, because a black frame has no colour.

    Args:
        rgb: (b, 3, h, w) in 0..1.
        foreground: (b, h, w) bool.
    """
    import torch

    weight = foreground.flatten(1).view(torch.uint8).float()
    weight.div_(weight.sum(dim=1, keepdim=True).clamp(min=1))

    def mean(values: "torch.Tensor") -> "torch.Tensor":
        return (values * weight).sum(dim=1)

    def deviation(values: "torch.Tensor") -> "torch.Tensor":
        return mean((values - mean(values)[:, None]).square()).sqrt()

    red, green, blue = (mean(band).clamp(min=_DARK) for band in rgb.flatten(2).unbind(1))
    log_red, log_green, log_blue = rgb.clamp(min=_DARK).log_().flatten(2).unbind(1)
    rg, bg = log_red - log_green, log_blue - log_green
    rg_sd, bg_sd = deviation(rg), deviation(bg)
    joint = mean((rg - mean(rg)[:, None]) * (bg - mean(bg)[:, None]))
    vivid = _vividness(rgb)
    numbers = [
        torch.log(red / green),
        torch.log(blue / green),
        mean(vivid),
        rg_sd,
        bg_sd,
        joint / (rg_sd * bg_sd).clamp(min=1e-6),
        deviation(vivid),
        mean(1 - at_least(vivid, 0.1).view(torch.uint8).float()),
    ]
    return torch.stack(numbers, dim=1)


def _vividness(rgb: "torch.Tensor") -> "torch.Tensor":
    """HSV saturation of every pixel: (b, 3, h, w) -> (b, h w)."""
    import torch

    red, green, blue = rgb.unbind(1)
    high, low = torch.maximum(red, green).maximum(blue), torch.minimum(red, green).minimum(blue)
    return (high - low).div_(high.clamp(min=_DARK)).flatten(1)

"""Which colour: chroma of images that truly have colour."""

from typing import TYPE_CHECKING

from shiftscope.measures.measure import Measure

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
    high, low = rgb.amax(dim=1), rgb.amin(dim=1)
    vivid = ((high - low) / high.clamp(min=_DARK)).flatten(1).mean(dim=1)
    return {"redness": torch.log(red / green), "blueness": torch.log(blue / green), "saturation": vivid}


def vector(rgb: "torch.Tensor") -> "torch.Tensor":
    """What the colour axis compares: (b, 3, h, w) -> (b, 8).

    The three scalars, the spread of log-chromaticity over the image (two numbers and their correlation), the spread of
    saturation, and the share of nearly colourless pixels.
    """
    import torch

    numbers = scalars(rgb)
    logs = torch.log(rgb.clamp(min=_DARK)).flatten(2)
    rg, bg = logs[:, 0] - logs[:, 1], logs[:, 2] - logs[:, 1]
    rg_sd, bg_sd = rg.std(dim=1, correction=0), bg.std(dim=1, correction=0)
    joint = ((rg - rg.mean(dim=1, keepdim=True)) * (bg - bg.mean(dim=1, keepdim=True))).mean(dim=1)
    vivid = ((rgb.amax(dim=1) - rgb.amin(dim=1)) / rgb.amax(dim=1).clamp(min=_DARK)).flatten(1)
    rest = [
        rg_sd,
        bg_sd,
        joint / (rg_sd * bg_sd).clamp(min=1e-6),
        vivid.std(dim=1, correction=0),
        (vivid < 0.1).float().mean(dim=1),
    ]
    return torch.stack([*numbers.values(), *rest], dim=1)

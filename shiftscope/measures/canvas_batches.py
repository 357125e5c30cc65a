"""All that is measured on canvases, a batch at a time, with one transfer to the device."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures import AXES
from shiftscope.measures.appearance import colour, intensity, noise, texture
from shiftscope.measures.basis import feature_basis, load_basis
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features import layout_features
from shiftscope.measures.features.extractors import Extractor
from shiftscope.measures.lesions import crops

if TYPE_CHECKING:
    import torch

__all__ = ["grey_of", "harmonized_coordinates", "measure_canvases", "measure_vectors"]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def grey_of(canvases: "torch.Tensor") -> "torch.Tensor":
    """Luminance: (b, c, s, s) -> (b, s, s)."""
    if canvases.shape[1] == 1:
        return canvases[:, 0]
    red, green, blue = (band * weight for band, weight in zip(canvases.unbind(1), _LUMA, strict=True))
    return red.add_(green).add_(blue)


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
    fine = noise.residual(grey)
    rings, numbers = texture.amplitude(grey), texture.scalars(grey, fine)
    foreground = intensity.foreground(grey)
    vectors = {
        "intensity": intensity.quantiles(grey, foreground),
        "texture": texture.vector(rings, numbers),
        "noise": noise.vector(grey, fine),
        "layout": layout_features.vector(grey),
        "features_shallow": shallow,
        "features_deep": deep,
    }
    numbers |= noise.scalars(grey, foreground, fine) | intensity.scalars(grey)
    numbers |= {"amplitude": rings, "quantiles": intensity.quantiles(grey)}
    if canvases.shape[1] == 3:
        vectors["colour"] = colour.vector(canvases, foreground)
        numbers |= colour.scalars(canvases)
    if masks is not None:
        around = intensity.surroundings(masks)
        vectors["intensity_outside"] = intensity.quantiles(grey, intensity.foreground(grey, around))
        vectors["lesion"] = layout_features.vector(crops.crops(grey, masks, layout_features.GRID))
        numbers["brightness_outside"] = intensity.brightness(grey, around)
    return _arrays(vectors), _arrays(numbers)


def _arrays(tensors: "dict[str, torch.Tensor]") -> dict[str, np.ndarray]:
    """The tensors, (b,) or (b, n), as float64 arrays, in one transfer from the device."""
    import torch

    columns = [tensor[:, None] if tensor.ndim == 1 else tensor for tensor in tensors.values()]
    table = torch.cat([column.double() for column in columns], dim=1).cpu().numpy()
    ends = np.cumsum([column.shape[1] for column in columns])
    parts = np.split(table, ends[:-1], axis=1)
    return {
        name: part[:, 0] if tensor.ndim == 1 else part
        for (name, tensor), part in zip(tensors.items(), parts, strict=True)
    }


def measure_canvases(
    canvases: "torch.Tensor", masks: "torch.Tensor | None", extractor: Extractor
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """`measure_vectors` with the vectors as coordinates in the public basis: axis -> (b, k), and the numbers."""
    vectors, numbers = measure_vectors(canvases, masks, extractor)
    return {axis: _project(axis, vector, extractor) for axis, vector in vectors.items()}, numbers


def harmonized_coordinates(
    grey: "torch.Tensor", sizes: Sequence[int], canonical: Canonical, extractor: Extractor
) -> dict[str, np.ndarray]:
    """Coordinates of the features after each harmonizer: axis -> (b, k).

    Args:
        grey: (b, s, s) in 0..1, the canvases of several cases one after the other.
        sizes: canvases of each case.
        canonical: the site's maps.
        extractor: for the features.
    """
    out = {}
    for name, variant in canonical.variants(grey, sizes).items():
        shallow, deep = extractor.compute(variant()[:, None])
        for axis, vector in _arrays({f"{name}_shallow": shallow, f"{name}_deep": deep}).items():
            out[axis] = _project(axis, vector, extractor)
    return out


def _project(axis: str, vectors: np.ndarray, extractor: Extractor) -> np.ndarray:
    """Features as they are and after any harmonizer share one basis, so that their distances can be set against each
    other."""
    if AXES[axis].question != "features":
        return load_basis()[0][axis].project(vectors)
    layer = f"features_{axis.rpartition('_')[2]}"
    return feature_basis(layer, extractor.name, vectors.shape[1], AXES[layer].width).project(vectors)[
        :, : AXES[axis].width
    ]

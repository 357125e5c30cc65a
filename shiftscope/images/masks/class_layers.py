"""Masks that keep each class in a layer of its own: one-hot channels, pages, volumes."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.masks.label_map import LabelMap

__all__ = ["labels_of_layers"]

_NEARLY = 0.01


def labels_of_layers(layers: np.ndarray, path: Path) -> LabelMap:
    """One label map of several layers.

    Layers that are equal are one. Layers of two values that do not overlap are a class each, from 1 up; where they
    cover everything, the larger of the first and the last is background. Layers that lie in one another, the whole
    lesion and its core, count how many cover a pixel. Probabilities that sum to 1 go to the most probable layer.

    Args:
        layers: (n, z, y, x), n at least 2, finite.
        path: for messages.

    Raises:
        Unreadable: "unsupported": anything else, as moments of a film, or classes that overlap.
    """
    if (layers == layers[0]).all():
        return LabelMap((layers[0] != 0).astype(np.uint8), odd=("mask_layers",))
    if layers.dtype.kind == "f" and np.abs(layers.sum(axis=0) - 1).max() <= _NEARLY and layers.min() >= 0:
        chosen = np.arange(len(layers))[:, None, None, None] == layers.argmax(axis=0)
        return _exclusive(chosen)
    drawn = layers != 0
    if not all(_one_value(layer[on]) for layer, on in zip(layers, drawn, strict=True)):
        raise Unreadable(path, "unsupported", _several(len(layers), "each with labels of its own"))
    cover = drawn.sum(axis=0, dtype=np.uint8)
    if cover.max() <= 1:
        return _exclusive(drawn)
    order = np.argsort([layer.sum() for layer in drawn])[::-1]
    if all((drawn[inner] <= drawn[outer]).all() for outer, inner in pairwise(order)):
        return LabelMap(cover, odd=("mask_layers",))
    raise Unreadable(path, "unsupported", _several(len(layers), "that overlap"))


def _exclusive(drawn: np.ndarray) -> LabelMap:
    """Layers of which at most one covers a pixel."""
    classes = np.arange(1, len(drawn) + 1)
    if drawn.any(axis=0).all():
        last = drawn[-1].sum() > drawn[0].sum()
        classes = np.append(classes[:-1], 0) if last else np.arange(len(drawn))
    labels = np.zeros(drawn.shape[1:], np.uint8)
    for layer, label in zip(drawn, classes, strict=True):
        labels[layer] = label
    return LabelMap(labels, odd=("mask_layers",))


def _one_value(values: np.ndarray) -> bool:
    return not values.size or bool((values == values[0]).all())


def _several(count: int, how: str) -> str:
    return f"{count} layers {how} as one mask; give one volume of class numbers, that of the image"

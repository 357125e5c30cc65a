"""The fixed public coordinates in which sites are compared.

Every axis turns a case into a vector; the basis scales it robustly and projects it on leading principal directions, so
that the first 4 coordinates are the start of the first 8. It is package data, built once from synthetic images by
`benchmarks/build_basis.py` and never from a site. The features of an extractor other than the default have no fitted
basis: they are normalised per case and projected on fixed random directions (Johnson and Lindenstrauss 1984), which any
two machines compute alike.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from shiftscope.measures.features.extractors import DEFAULT

__all__ = ["WIDTHS", "Basis", "fit_basis", "load_basis"]

VERSION = 1
WIDTHS = (4, 8, 16, 32)
"""Sizes of a published sketch: the smallest from 20 patients, else the largest d with n >= 10 d."""

NUISANCE = 8
"""Directions of appearance that the layout axis leaves out."""

_CLIP = 8.0  # robust standard deviations: one odd case cannot carry a mean


@dataclass(frozen=True, slots=True)
class Basis:
    """Coordinates of one axis.

    Attributes:
        centre: (D,) median of the public corpus.
        spread: (D,) its robust standard deviation.
        directions: (D, k) orthonormal columns, leading first.
    """

    centre: np.ndarray
    spread: np.ndarray
    directions: np.ndarray

    def project(self, vectors: np.ndarray) -> np.ndarray:
        """(n, D) -> (n, k), or (D,) -> (k,)."""
        scaled = np.minimum(np.maximum((vectors - self.centre) / self.spread, -_CLIP), _CLIP)
        coordinates: np.ndarray = scaled @ self.directions
        return coordinates


@dataclass(frozen=True, slots=True)
class _RandomBasis:
    """Random directions for features without a fitted basis: each case is centred and scaled by itself."""

    directions: np.ndarray

    def project(self, vectors: np.ndarray) -> np.ndarray:
        centred = vectors - vectors.mean(axis=1, keepdims=True)
        scaled = centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-9)
        coordinates: np.ndarray = scaled @ self.directions
        return coordinates


def fit_basis(vectors: np.ndarray, width: int, nuisance: np.ndarray | None = None) -> Basis:
    """Fit on a public corpus.

    Args:
        vectors: (n, D) finite.
        width: directions, at most D; width D keeps the coordinates as they are: scaled, not rotated.
        nuisance: (m, D) differences that the axis must not see: the leading `NUISANCE` directions they span are left
            out (nuisance attribute projection, Solomonoff et al. 2005, doi:10.1109/ICASSP.2005.1415187).
    """
    centre = np.median(vectors, axis=0)
    quartiles = np.percentile(vectors, [25, 75], axis=0)
    # half the plain deviation where the middle half hardly varies (counts, shares that are mostly 0)
    spread = np.maximum((quartiles[1] - quartiles[0]) / 1.349, 0.5 * vectors.std(axis=0))
    spread = np.maximum(spread, 1e-6)
    if width >= vectors.shape[1]:
        return Basis(centre, spread, np.eye(vectors.shape[1]))
    scaled = np.clip((vectors - centre) / spread, -_CLIP, _CLIP)
    if nuisance is not None:
        nuisance_directions = np.linalg.svd(nuisance / spread, full_matrices=False)[2][:NUISANCE]
        scaled = scaled - scaled @ nuisance_directions.T @ nuisance_directions
    _, _, directions = np.linalg.svd(scaled - scaled.mean(axis=0), full_matrices=False)
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    return Basis(centre, spread, (directions * signs[:, None])[:width].T)


@cache
def _stored() -> tuple[dict[str, Basis], str]:
    source = resources.files("shiftscope.measures") / f"basis-{VERSION}.npz"
    with resources.as_file(source) as path, np.load(path) as arrays:
        parts = {key: arrays[key] for key in sorted(arrays.files)}
    digest = hashlib.sha256()
    for key, array in parts.items():
        digest.update(key.encode())
        digest.update(array.tobytes())
    axes = sorted({key.split(".")[0] for key in parts})
    bases = {
        axis: Basis(*(parts[f"{axis}.{part}"].astype(np.float64) for part in ("centre", "spread", "directions")))
        for axis in axes
    }
    return bases, digest.hexdigest()


def load_basis() -> tuple[dict[str, Basis], str]:
    """The public basis of every axis, and the SHA-256 that names it in a profile."""
    return _stored()


@cache
def _random_basis(axis: str, size: int, width: int) -> _RandomBasis:
    seed = int.from_bytes(hashlib.sha256(f"{axis}/{size}".encode()).digest()[:8], "big")
    directions = np.random.Generator(np.random.PCG64(seed)).standard_normal((size, width)) / np.sqrt(size)
    return _RandomBasis(directions)


def feature_basis(axis: str, extractor: str, size: int, width: int) -> Basis | _RandomBasis:
    """The basis of a feature axis: the stored one for the default extractor, random directions for any other."""
    return load_basis()[0][axis] if extractor == DEFAULT else _random_basis(axis, size, width)

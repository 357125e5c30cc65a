"""Features of the frozen encoder, computed once for each image, plant and harmonizer. Nothing is printed.

Images as they are, and harmonizers that share nothing, give the same features in every federation and fold: they are
kept in OUT/features, unplanted ones for a whole source. What depends on other sites or on a fold is not kept.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from encoders import encode, encode_maps
from members import Members, image_key, members_of
from sources import SOURCES, canvases_of, cohort_of
from specs import SiteSpec

from shiftscope.harmonizers import HARMONIZERS, NOTHING

__all__ = ["Encoded", "by_patient"]


def alone(canvases: np.ndarray, harmonizer: str | None) -> np.ndarray:
    """Canvases behind a harmonizer that shares nothing, float16 as the data loader has them."""
    if harmonizer is None:
        return canvases
    change = HARMONIZERS[harmonizer].apply
    return np.concatenate([change(case[None].astype(np.float32), NOTHING, NOTHING) for case in canvases]).astype(
        np.float16
    )


@dataclass(frozen=True, slots=True)
class Encoded:
    """The folder of features, and where the images are.

    Attributes:
        data: the real groups.
        folder: one file for each source or planted site, and harmonizer.
    """

    data: Path
    folder: Path

    def of(self, spec: SiteSpec, harmonizer: str | None) -> np.ndarray:
        """(n, d) float16 of a site's images, in the order of `members`: pooled, or where lesions are outlined, maps."""
        behind = harmonizer or "plain"
        if spec.change:
            return self._kept(
                f"{image_key(spec)}-{behind}", lambda: self.encode(spec.source, alone(self.canvases(spec), harmonizer))
            )
        whole = self._kept(
            f"{spec.source}-{behind}", lambda: self.encode(spec.source, alone(self._whole(spec.source), harmonizer))
        )
        return np.asarray(whole[self.members(spec).rows])

    @staticmethod
    def encode(source: str, canvases: np.ndarray) -> np.ndarray:
        """(n, c, y, x) in [0, 1] -> (n, d) float16, as the source's task needs them."""
        return encode_maps(canvases) if SOURCES[source].outlined else encode(canvases)

    def canvases(self, spec: SiteSpec) -> np.ndarray:
        """(n, c, y, x) float16."""
        return _canvases(spec, self.data)

    def members(self, spec: SiteSpec) -> Members:
        """Who they are."""
        return _members(spec, self.data)

    def _whole(self, source: str) -> np.ndarray:
        cohort = cohort_of(source, self.data)
        return canvases_of(cohort.phantoms, cohort.colour, cohort.pixels)

    def _kept(self, name: str, features: Callable[[], np.ndarray]) -> np.ndarray:
        path = self.folder / f"{name}.npy"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.npy")
            np.save(unfinished, features())
            unfinished.replace(path)
        found: np.ndarray = np.load(path)
        return found


@lru_cache(maxsize=16)
def _members(spec: SiteSpec, data: Path) -> Members:
    return members_of(spec, data)


@lru_cache(maxsize=16)
def _canvases(spec: SiteSpec, data: Path) -> np.ndarray:
    return _members(spec, data).canvases()


def by_patient(rows: Sequence[np.ndarray], patients: Sequence[str]) -> list[list[np.ndarray]]:
    """Cases grouped by patient, as a harmonizer is fitted to them."""
    grouped: dict[str, list[np.ndarray]] = {}
    for row, patient in zip(rows, patients, strict=True):
        grouped.setdefault(patient, []).append(row)
    return list(grouped.values())

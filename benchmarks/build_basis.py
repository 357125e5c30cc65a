"""Build the public basis: package data in which all sites are compared, from synthetic images alone.

python benchmarks/build_basis.py [--phantoms 3000]
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from shiftscope import images, measures
from shiftscope.measures import basis
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import grey_of, measure_vectors
from shiftscope.measures.features import layout_features
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.phantoms import ANATOMIES, APPEARANCE, SIGNED, Phantom, sample
from shiftscope.profiles.patients.prepared_cases import CANVAS

SEED = 7
SIZE = 256
VOLUMES = 160
PAIRED = 40
TARGET = Path(measures.__file__).parent / f"basis-{basis.VERSION}.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=3000)
    arrays = fitted(SEED, parser.parse_args().phantoms)
    np.savez_compressed(TARGET, **{key: arrays[key] for key in sorted(arrays)})
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1024:.0f} KB")


def fitted(seed: int, count: int) -> dict[str, np.ndarray]:
    """Centre, spread and directions of every axis, from `count` phantoms."""
    rng = np.random.default_rng(seed)
    extractor = load_extractor()
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    grey_canvases: dict[str, list[np.ndarray]] = defaultdict(list)
    for phantom in sample(rng, count, size=SIZE):
        canvas = torch.from_numpy(images.canvas(phantom.pixels[None], CANVAS))
        drawn = bool(phantom.mask.any())
        mask = torch.from_numpy(images.mask_canvas(phantom.mask[None], CANVAS) > 0) if drawn else None
        for axis, vector in measure_vectors(canvas, mask, extractor)[0].items():
            rows[axis].append(vector)
        grey_canvases[phantom.anatomy].append(grey_of(canvas).numpy())
        if drawn:
            pixels, labels = phantom.pixels[None], phantom.mask[None]
            add(rows, "morphology", morphology.measure(labels), morphology.VECTOR_2D)
            add(rows, "boundary", boundary.measure(pixels, labels), boundary.VECTOR)
    # features are compared before and after the public normalization: one basis must serve both
    for canvases in grey_canvases.values():
        grey = torch.from_numpy(np.concatenate(canvases))
        looked = Canonical.fit([grey[:256]]).apply(grey)
        for start in range(0, len(looked), 256):
            shallow, deep = extractor.compute(looked[start : start + 256, None])
            rows["features_shallow"].append(shallow.numpy())
            rows["features_deep"].append(deep.numpy())
    for _ in range(VOLUMES):
        volume = ANATOMIES["brain"](rng, size=48, depth=24, lesion_scale=float(np.exp(rng.normal(0, 0.3))))
        if volume.mask.any():
            add(rows, "morphology_3d", morphology.measure(volume.mask), morphology.VECTOR_3D)
    nuisance = {"layout": layout_under_appearance(rng)}
    arrays = {}
    for axis, parts in rows.items():
        vectors = np.concatenate(parts)
        vectors = vectors[np.isfinite(vectors).all(axis=1)]
        masked = measures.AXES[axis].holds_area or measures.AXES[axis].question == "annotation"
        width = vectors.shape[1] if masked else measures.AXES[axis].width
        fitted = basis.fit_basis(vectors, width, nuisance.get(axis))
        for part in ("centre", "spread", "directions"):
            arrays[f"{axis}.{part}"] = getattr(fitted, part).astype(np.float32)
        kept = np.var(fitted.project(vectors), axis=0)
        shape = f"{vectors.shape[1]} -> {fitted.directions.shape[1]}"
        print(f"{axis}: {len(vectors)} cases, {shape}, variances {kept.round(1)}")
    return arrays


def layout_under_appearance(rng: np.random.Generator) -> np.ndarray:
    """How every change of appearance moves the mean layout of the same patients: (m, D) differences."""
    out = []
    for draw in ANATOMIES.values():
        patients = [draw(rng, size=SIZE) for _ in range(PAIRED)]
        before = layouts_of(patients).mean(axis=0)
        for name, plant in APPEARANCE.items():
            for severity in (0.6, 1.0, *((-0.6, -1.0) if name in SIGNED else ())):
                after = layouts_of([plant(patient, severity, rng) for patient in patients])
                out.append(after.mean(axis=0) - before)
    return np.stack(out)


def layouts_of(patients: list[Phantom]) -> np.ndarray:
    canvases = np.concatenate([images.canvas(patient.pixels[None], CANVAS) for patient in patients])
    return layout_features.vector(grey_of(torch.from_numpy(canvases))).numpy()


def add(rows: dict[str, list[np.ndarray]], axis: str, values: dict[str, float | None], names: tuple[str, ...]) -> None:
    """Append the vector of `names`, None as NaN."""
    rows[axis].append(np.array([[values[name] for name in names]], dtype=float))


if __name__ == "__main__":
    main()

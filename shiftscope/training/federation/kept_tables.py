"""Features of a site's cases as they are kept in its folder, and as heads learn from them."""

from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
import torch

from shiftscope.plans import Plan
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.models.frozen_encoders import pyramid_function
from shiftscope.training.rehearsals.head_tables import HeadTable, divided
from shiftscope.training.rehearsals.linear_heads import FeatureRows
from shiftscope.training.rehearsals.pixel_heads import AT_ONCE, FeatureMaps, maps_of
from shiftscope.training.rehearsals.rehearsed_strategies import count_outputs
from shiftscope.training.runs.jobs import Job

__all__ = ["arrays_of", "kept_table", "mean_squares"]


def arrays_of(samples: Mapping[int, Samples], job: Job) -> Tensors:
    """What is kept of a table: a row a case for classes, a slice a row for outlines.

    Args:
        samples: fold -> the same cases, otherwise divided: features for classes, images for outlines.

    Returns:
        "features" (n, d) float16; "shapes" (levels, 3) channels, y, x of each level; "targets" (n,) or (n, size, size);
        "cases" (n,) which case a row is of; "patients" (n,) numbers; "train", "val", "test" (folds, n) boolean.
    """
    every, inside = divided(samples)
    cases = np.arange(len(every))
    if job.plan.task == "classification":
        features = np.stack([sample.pixels.reshape(-1) for sample in every])
        shapes, targets = [(features.shape[1], 1, 1)], np.array([int(sample.target) for sample in every])
    else:
        cases = np.repeat(cases, [len(sample.pixels) for sample in every])
        features, shapes = _maps(every, job)
        targets = np.concatenate([np.asarray(sample.target) for sample in every])
    patients = np.unique([sample.patient for sample in every], return_inverse=True)[1]
    return {
        "features": features.astype(np.float16),
        "shapes": np.array(shapes),
        "targets": targets,
        "cases": cases,
        "patients": patients[cases],
        **{part: rows[:, cases] for part, rows in inside.items()},
    }


def mean_squares(arrays: Tensors) -> list[float]:
    """Of the features of each level."""
    return [float(np.square(part, dtype=np.float32).mean()) for part in _levels(arrays)]


def kept_table(
    arrays: Tensors, harmonizer: str | None, folds: tuple[int, ...], scale: Sequence[float], plan: Plan
) -> HeadTable:
    """The table of `arrays_of`, features divided by `scale`, level by level."""
    scaled = np.concatenate(
        [part / np.float32(of_level) for part, of_level in zip(_levels(arrays), scale, strict=True)], axis=1
    )
    rows: FeatureRows | FeatureMaps
    if plan.task == "classification":
        rows = FeatureRows(torch.from_numpy(scaled), torch.from_numpy(arrays["targets"]))
    else:
        shapes = [(int(channels), int(y), int(x)) for channels, y, x in arrays["shapes"]]
        targets = torch.from_numpy(arrays["targets"])
        features = torch.from_numpy(scaled.astype(np.float16))
        rows = maps_of(features, shapes, targets, count_outputs(plan), arrays["cases"])
    parts = {part: arrays[part] for part in ("train", "val", "test")}
    return HeadTable(harmonizer, folds, rows, arrays["patients"].astype(str), **parts)


def _levels(arrays: Tensors) -> list[np.ndarray]:
    ends = np.cumsum(arrays["shapes"].prod(axis=1))
    return np.split(arrays["features"], ends[:-1], axis=1)


def _maps(samples: Sequence[Sample], job: Job) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """(slices, d) and the shape of each level."""
    compute = pyramid_function(job.plan, job.weights, job.device)
    slices = (image for sample in samples for image in sample.pixels)
    rows: list[np.ndarray] = []
    shapes: list[tuple[int, int, int]] = []
    while batch := list(islice(slices, AT_ONCE)):
        maps = compute(np.stack(batch).astype(np.float32))
        shapes = [(int(found.shape[1]), int(found.shape[2]), int(found.shape[3])) for found in maps]
        rows.append(np.concatenate([found.reshape(len(batch), -1) for found in maps], axis=1).astype(np.float16))
    return np.concatenate(rows), shapes

"""How good a model is on one site's cases: per case first, so that no figure depends on the batch size."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from shiftscope.plans import Plan
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.evaluation.inference import probabilities

__all__ = [
    "PRIMARY",
    "CaseScores",
    "auroc",
    "balanced_accuracy",
    "dice",
    "judge",
    "mean_of",
    "metrics_of",
    "surface_distance",
]

_LONGEST = 200  # characters of a name in a result

CaseScores = dict[str, np.ndarray]
"""What is known per test case, first axis cases: stays at the site."""


def judge(model: nn.Module, samples: Sequence[Sample], plan: Plan, device: str = "cpu") -> CaseScores:
    """Per case: `dice` and `surface_px` (segmentation), or `probabilities` (n, classes) and `truth` (classification).

    With two classes or more to outline, "dice of CLASS" and "surface_px of CLASS" come beside them: NaN where neither
    the case nor the prediction has the class, for a mean over such cases would tell how rare the class is (nnU-Net
    leaves them out as well). A class invented where there is none, or missed, has a Dice of 0.

    A volume is one case: Dice over the volume. Judged slice by slice, surface distance and class probabilities are
    averaged over slices; judged in blocks of `plan.patch`, the surface is that of the volume, and probabilities are
    averaged over blocks.
    """
    model.eval()
    rows = [_case(probabilities(model, sample.pixels, plan, device), sample, plan) for sample in samples]
    return {key: np.array([row[key] for row in rows], dtype=np.float64) for key in (rows[0] if rows else ())}


def dice(predicted: np.ndarray, truth: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two boolean arrays of any shape, in [0, 1], more is better.

    Both empty is 1, one empty is 0: a lesion invented where there is none costs as much as one missed.
    """
    size = int(predicted.sum()) + int(truth.sum())
    return 2 * int((predicted & truth).sum()) / size if size else 1.0


def surface_distance(predicted: np.ndarray, truth: np.ndarray, steps: Sequence[float] | None = None) -> float:
    """Mean distance of the two outlines, both ways, in pixels of the canvas, less is better; NaN where one is empty.

    Args:
        predicted, truth: (z, y, x) boolean.
        steps: lengths of a voxel along z, y, x in pixels of the canvas: the surfaces are those of the volume. Without
            them outlines are drawn on slices, and averaged over those on which both have one.
    """
    from monai.metrics import compute_average_surface_distance

    both = np.flatnonzero(predicted.any(axis=(1, 2)) & truth.any(axis=(1, 2)))
    if not (len(both) if steps is None else predicted.any() and truth.any()):
        return float("nan")
    chosen = [array[both][:, None] if steps is None else array[None, None] for array in (predicted, truth)]
    pair = (torch.from_numpy(np.ascontiguousarray(array)) for array in chosen)
    spacing = None if steps is None else [float(step) for step in steps]
    with warnings.catch_warnings():
        # MONAI calls a helper of its own with an argument it has deprecated.
        warnings.filterwarnings("ignore", category=FutureWarning, message=".*always_return_as_numpy")
        distances = compute_average_surface_distance(*pair, include_background=True, symmetric=True, spacing=spacing)
    return float(distances.mean())


def mean_of(key: str) -> Callable[[CaseScores, np.ndarray], np.ndarray]:
    """The weighted mean of a per-case value; undefined cases are left out."""

    def mean(cases: CaseScores, weights: np.ndarray) -> np.ndarray:
        defined = np.isfinite(cases[key])
        return _ratio(weights[:, defined] @ cases[key][defined], weights[:, defined].sum(axis=1))

    return mean


def auroc(cases: CaseScores, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve: of the second class for two classes, else the mean of one class against the rest.

    The share of (positive, negative) pairs in the right order, ties half. Unit [0, 1], .5 is chance. Undefined
    (NaN) where a class of the plan has no case, or no other case.

    Args:
        cases: `probabilities` (n, classes) and `truth` (n,).
        weights: (b, n), one row per resampling, how often each case counts.

    Returns:
        (b,), undefined where the resampling lacks a class.
    """
    classes = cases["probabilities"].shape[1]
    chosen = [1] if classes == 2 else range(classes)
    areas = [_one_class(cases["probabilities"][:, k], cases["truth"] == k, weights) for k in chosen]
    mean: np.ndarray = np.mean(areas, axis=0)
    return mean


def balanced_accuracy(cases: CaseScores, weights: np.ndarray) -> np.ndarray:
    """The mean over the classes present of the share of their cases that are recognised; shapes as in `auroc`."""
    right = cases["probabilities"].argmax(axis=1) == cases["truth"]
    present = [k for k in range(cases["probabilities"].shape[1]) if (cases["truth"] == k).any()]
    recall = [_ratio(weights @ (right & (cases["truth"] == k)), weights @ (cases["truth"] == k)) for k in present]
    mean: np.ndarray = np.mean(recall, axis=0)
    return mean


def metrics_of(plan: Plan) -> Mapping[str, Callable[[CaseScores, np.ndarray], np.ndarray]]:
    """Metric -> (cases, weights (b, n)) -> (b,), of the plan's task and classes."""
    if plan.task == "classification":
        return {"auroc": auroc, "balanced_accuracy": balanced_accuracy}
    kinds = ("dice", "surface_px")
    return {
        name: mean_of(name)
        for name in (*kinds, *(_of_class(kind, k, plan) for kind in kinds for k in _apart_classes(plan)))
    }


PRIMARY = {"segmentation": "dice", "classification": "auroc"}
"""The metric the verdict is about; more is better."""


def _case(outputs: np.ndarray, sample: Sample, plan: Plan) -> dict[str, np.ndarray | float]:
    """One case's scores from its class probabilities (z, classes[, y, x])."""
    if plan.task == "classification":
        return {"probabilities": outputs.mean(axis=0), "truth": float(sample.target)}
    predicted, classes = outputs.argmax(axis=1), range(1, outputs.shape[1])
    pairs = [(predicted == k, np.asarray(sample.target) == k) for k in classes]
    steps = _steps(sample) if plan.patch else None
    distances = np.array([surface_distance(*pair, steps) for pair in pairs])
    overlaps = np.array([dice(*pair) for pair in pairs])
    defined = distances[np.isfinite(distances)]
    there = np.array([mine.any() or truth.any() for mine, truth in pairs])
    apart = {"dice": np.where(there, overlaps, np.nan), "surface_px": distances}
    return {
        "dice": float(overlaps.mean()),
        "surface_px": float(defined.mean()) if len(defined) else float("nan"),
        **{_of_class(kind, k, plan): float(values[k]) for kind, values in apart.items() for k in _apart_classes(plan)},
    }


def _apart_classes(plan: Plan) -> range:
    """Numbers of the classes whose figures stand apart: of one foreground they are the mean itself."""
    return range(len(plan.classes) if len(plan.classes) > 1 else 0)


def _of_class(kind: str, number: int, plan: Plan) -> str:
    """What a figure of one class is called: by its name, or by its number where the name is too long for that."""
    named = f"{kind} of {plan.classes[number]}"
    return named if len(named) <= _LONGEST else f"{kind} of class {number + 1}"


def _steps(sample: Sample) -> list[float]:
    """A voxel of the canvas along z, y, x, in units of its mean side in the plane; a cube where the file is silent."""
    if sample.geometry is None:
        return [1.0, 1.0, 1.0]
    spacing, counts = sample.geometry
    now = np.array([len(sample.pixels), *sample.pixels.shape[2:]])
    lengths = spacing * counts / now
    return [float(length) for length in lengths / lengths[1:].mean()]


def _one_class(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    above = np.sign(scores[positive][:, None] - scores[~positive][None]) / 2 + 0.5
    w_positive, w_negative = weights[:, positive], weights[:, ~positive]
    return _ratio(((w_positive @ above) * w_negative).sum(axis=1), w_positive.sum(axis=1) * w_negative.sum(axis=1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Division with NaN, unwarned, where nothing counts."""
    ratio: np.ndarray = np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
    return ratio

"""Metrics against hand computation, scikit-learn and SciPy."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion, distance_transform_edt
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from small_hospitals import plan_for
from torch import nn

from shiftscope.plans import RunResult
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.evaluation.scores import (
    auroc,
    balanced_accuracy,
    dice,
    judge,
    mean_of,
    metrics_of,
    surface_distance,
)
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions


def square(y: int, x: int, width: int, size: int = 24) -> np.ndarray:
    mask = np.zeros((1, size, size), dtype=bool)
    mask[0, y : y + width, x : x + width] = True
    return mask


def test_dice_by_hand() -> None:
    assert dice(square(4, 4, 4), square(4, 6, 4)) == pytest.approx(0.5)
    assert dice(square(4, 4, 4), square(4, 4, 4)) == 1
    assert dice(square(0, 0, 0), square(0, 0, 0)) == 1
    assert dice(square(4, 4, 1), square(0, 0, 0)) == 0
    assert dice(square(0, 0, 0), square(4, 4, 9)) == 0


def test_surface_distance_against_scipy() -> None:
    a, b = square(4, 4, 8), square(6, 5, 10)
    edges = [mask[0] & ~binary_erosion(mask[0]) for mask in (a, b)]
    there = distance_transform_edt(~edges[1])[edges[0]]
    back = distance_transform_edt(~edges[0])[edges[1]]
    assert surface_distance(a, b) == pytest.approx(np.concatenate([there, back]).mean(), rel=1e-5)
    assert surface_distance(a, a) == 0
    assert np.isnan(surface_distance(a, square(0, 0, 0)))


def test_auroc_and_balanced_accuracy_against_sklearn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=60).astype(float)
    raw = rng.random((60, 3)).round(1) + 0.4 * np.eye(3)[truth.astype(int)]
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=5).astype(float)
    many, two = {"probabilities": probabilities, "truth": truth}, truth < 2
    for row, area, recall in zip(weights, auroc(many, weights), balanced_accuracy(many, weights), strict=True):
        expected = np.mean([roc_auc_score(truth == k, probabilities[:, k], sample_weight=row) for k in range(3)])
        assert area == pytest.approx(expected)
        assert recall == pytest.approx(balanced_accuracy_score(truth, probabilities.argmax(axis=1), sample_weight=row))
    binary = {"probabilities": probabilities[two][:, :2], "truth": truth[two]}
    area = auroc(binary, np.ones((1, two.sum())))[0]
    assert area == pytest.approx(roc_auc_score(truth[two], probabilities[two][:, 1]))


def test_auroc_is_undefined_with_one_class() -> None:
    cases = {"probabilities": np.full((4, 2), 0.5), "truth": np.ones(4)}
    assert np.isnan(auroc(cases, np.ones((1, 4)))).all()


def test_undefined_cases_do_not_count() -> None:
    cases = {"surface_px": np.array([1.0, np.nan, 3.0])}
    np.testing.assert_allclose(mean_of("surface_px")(cases, np.array([[1, 1, 1], [1, 5, 0]])), [2, 1])
    assert np.isnan(mean_of("surface_px")(cases, np.array([[0, 1, 0]]))).all()


class Threshold(nn.Module):
    """Foreground where a pixel is above a half."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.cat([0.5 - batch, batch - 0.5], dim=1)


def sample(mask: np.ndarray, pixels: np.ndarray) -> Sample:
    return Sample("p", pixels[:, None].astype(np.float16), mask.astype(np.uint8))


def test_dice_is_per_case_whatever_the_batch_size(hospitals: dict[str, Path]) -> None:
    volume = np.concatenate([square(4, 4, 8), square(0, 0, 0), square(4, 4, 8)])
    predicted = volume.copy()
    predicted[1, :4, :4] = True
    samples = [sample(volume, predicted), sample(square(4, 4, 8), square(4, 4, 4))]
    results = [judge(Threshold(), samples, plan_for(hospitals, batch_size=size)) for size in (2, 3, 7)]
    for result in results:
        np.testing.assert_allclose(result["dice"], [2 * 128 / (128 + 144), 2 * 16 / (16 + 64)])
        assert result["surface_px"][0] == 0
    assert judge(Threshold(), [], plan_for(hospitals)) == {}


class Painted(nn.Module):
    """The class that a pixel's grey level names: 0, 1 / 4, 2 / 4."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.cat([-((4 * batch - k) ** 2) for k in range(3)], dim=1)


def test_figures_of_each_class_by_hand(hospitals: dict[str, Path]) -> None:
    """A class that neither the case nor the prediction has says nothing of the model; one invented or missed does."""
    truths = [np.zeros((1, 24, 24)) for _ in range(4)]
    truths[0][square(2, 2, 4)], truths[0][square(12, 12, 4)] = 1, 2
    truths[1][square(2, 2, 4)] = 1
    truths[3][square(2, 2, 4)] = 2
    drawn = [truth.copy() for truth in truths]
    drawn[0][square(12, 12, 4)], drawn[0][square(12, 14, 4)] = 0, 2  # half of the second class beside its place
    drawn[1][square(12, 12, 4)] = 2  # invented
    drawn[3][:] = 0  # missed
    cases = [sample(truth, picture / 4) for truth, picture in zip(truths, drawn, strict=True)]
    plan = plan_for(hospitals, classes=("liver", "spleen"))
    scores = judge(Painted(), cases, plan)
    nan = float("nan")
    np.testing.assert_allclose(scores["dice of liver"], [1, 1, nan, nan])
    np.testing.assert_allclose(scores["dice of spleen"], [0.5, 0, nan, 0])
    np.testing.assert_allclose(scores["dice"], [0.75, 0.5, 1, 0.5])
    np.testing.assert_allclose(scores["surface_px of liver"], [0, 0, nan, nan])
    assert 0 < scores["surface_px of spleen"][0] < 2
    assert np.isnan(scores["surface_px of spleen"][1:]).all()
    metrics = metrics_of(plan)
    assert list(metrics) == [
        *("dice", "surface_px", "dice of liver", "dice of spleen", "surface_px of liver", "surface_px of spleen")
    ]
    assert set(metrics) == set(scores)
    assert metrics["dice of spleen"](scores, np.ones((1, 4)))[0] == pytest.approx(0.5 / 3)
    none = judge(Painted(), [cases[2]], plan)
    assert np.isnan(metrics["dice of liver"](none, np.ones((1, 1)))).all()


def test_figures_of_each_class_have_names_that_a_result_takes(hospitals: dict[str, Path]) -> None:
    """One class is the mean itself; a name may be as long as a name can be."""
    for classes in ((), ("liver",)):
        assert list(metrics_of(plan_for(hospitals, classes=classes))) == ["dice", "surface_px"]
    names = list(metrics_of(plan_for(hospitals, classes=("x" * 200, "y" * 200, "z" * 188))))
    assert all(len(name) <= 200 for name in names)
    assert names[2:5] == ["dice of class 1", "dice of class 2", f"dice of {'z' * 188}"]
    classified = plan_for(hospitals, task="classification", classes=("x", "y"))
    assert list(metrics_of(classified)) == ["auroc", "balanced_accuracy"]


def test_class_probabilities_are_averaged_over_slices(clinics: dict[str, Path]) -> None:
    class Brightness(nn.Module):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            mean = batch.mean(dim=(1, 2, 3))
            return torch.stack([torch.zeros_like(mean), mean], dim=1)

    pixels = np.stack([np.zeros((8, 8)), np.ones((8, 8))])[:, None].astype(np.float16)
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_resnet")
    result = judge(Brightness(), [Sample("p", pixels, 1)], plan)
    expected = (0.5 + 1 / (1 + np.exp(-1.0))) / 2
    np.testing.assert_allclose(result["probabilities"], [[1 - expected, expected]], atol=1e-6)
    assert result["truth"].tolist() == [1.0]


def test_a_result_holds_the_figures_of_each_class(pair: dict[str, Path], tmp_path: Path) -> None:
    """One value a seed, beside the metric; where no case has a class, and none is predicted, null."""
    plan = plan_for(pair, classes=("disc", "ring"), rounds=3, local_steps=8)
    result = train(plan, pair, RunOptions(engine="inline", out=tmp_path / "run"))
    for site in result.sites.values():
        assert list(site.also) == ["dice of disc", "dice of ring", "surface_px", *_of("surface_px", "disc", "ring")]
        discs, rings = (site.also[f"dice of {name}"]["baseline"][0] for name in ("disc", "ring"))
        assert discs is not None
        assert rings in (None, 0.0)
    assert RunResult.read(tmp_path / "run" / "result.json") == result


def _of(kind: str, *names: str) -> list[str]:
    return [f"{kind} of {name}" for name in names]

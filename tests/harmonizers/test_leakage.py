"""The gate: what it calls lost was planted as lost, what it lets pass was not."""

import ast
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

import shiftscope.harmonizers
from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.coarse_features import case_features
from shiftscope.harmonizers.leakage import (
    MARGIN_CONTRAST,
    MARGIN_SEPARABILITY,
    Drop,
    _areas,
    contrast,
    contrast_drop,
    separability,
    separability_drop,
)

ROOT = Path(__file__).resolve().parents[2]


def pictures(count: int, seed: int = 0, size: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.6, (count, 1, 1, size, size)).astype(np.float32)


def bright_and_dark(count: int = 80) -> tuple[list[np.ndarray], list[str]]:
    """Classes that differ in brightness and in nothing else."""
    labels = ["bright" if number % 2 else "dark" for number in range(count)]
    return [case + 0.03 * (label == "bright") for case, label in zip(pictures(count), labels, strict=True)], labels


def features(cases: list[np.ndarray]) -> np.ndarray:
    return np.array([case_features(case) for case in cases])


def test_chance_and_certainty() -> None:
    cases, labels = bright_and_dark()
    found = separability(features(cases), labels)
    assert found is not None
    assert found > 0.99
    shuffled = [
        separability(features(cases), np.random.default_rng(seed).permutation(labels).tolist()) for seed in range(8)
    ]
    assert abs(np.mean([value for value in shuffled if value is not None]) - 0.5) < 0.08


def test_areas_are_those_of_scikit_learn_with_weights() -> None:
    rng = np.random.default_rng(1)
    member = np.zeros((60, 3), bool)
    member[np.arange(60), rng.integers(0, 3, 60)] = True
    scores, weights = rng.integers(0, 9, (60, 3)).astype(float), rng.integers(0, 4, (5, 60)).astype(float)
    expected = [
        np.mean([roc_auc_score(member[:, k], scores[:, k], sample_weight=weight) for k in range(3)])
        for weight in weights
    ]
    np.testing.assert_allclose(_areas(scores, member, weights), expected)


def test_it_is_a_cross_validated_ridge() -> None:
    """The same figure, within the luck of the folds, from scikit-learn's ridge on folds of its own."""
    rng = np.random.default_rng(2)
    table, labels = rng.normal(0, 1, (160, 12)), rng.integers(0, 2, 160)
    table[:, 0] += labels
    scores = np.zeros(160)
    for _ in range(5):
        order = rng.permutation(160)
        for held in np.array_split(order, 5):
            train = np.setdiff1d(order, held)
            centre, spread = table[train].mean(axis=0), table[train].std(axis=0)
            model = Ridge(alpha=12).fit((table[train] - centre) / spread, labels[train])
            scores[held] += model.predict((table[held] - centre) / spread)
    assert separability(table, labels.tolist()) == pytest.approx(roc_auc_score(labels, scores), abs=0.02)


def test_a_patient_is_never_on_both_sides_of_a_fold() -> None:
    """Features that name the patient separate nothing; taken for cases of their own they separate everything."""
    rng = np.random.default_rng(3)
    names = np.repeat(np.arange(30), 6)
    labels = (names % 2).tolist()
    table = rng.normal(0, 1, (30, 20))[names] + rng.normal(0, 0.01, (180, 20))
    alone, together = separability(table, labels), separability(table, labels, patients=names.tolist())
    assert alone is not None
    assert together is not None
    assert alone > 0.9
    assert together < 0.75


def test_small_classes_are_undefined() -> None:
    cases, labels = bright_and_dark(40)
    table = features(cases)
    few = ["rare" if number < 9 else "usual" for number in range(40)]
    assert separability(table, few) is None
    assert separability_drop(table, table, few) is None
    assert separability(table, labels, patients=[number % 4 for number in range(40)]) is None
    assert separability(table[:0], []) is None
    three = [*few[:9], *labels[9:]]
    assert separability(table, three) is not None


def test_more_than_two_classes() -> None:
    cases = list(pictures(90))
    labels = [number % 3 for number in range(90)]
    table = features([case + 0.03 * label for case, label in zip(cases, labels, strict=True)])
    found = separability(table, labels)
    assert found is not None
    assert found > 0.8


def test_what_standardizing_erases_is_found() -> None:
    """zscore takes a difference of brightness away; a map per site, the same for all its cases, does not."""
    cases, labels = bright_and_dark()
    sites = {"here": [[case] for case in cases], "there": [[case**2] for case in cases]}
    drops = {}
    for name in ("zscore", "match_case", "quantile_map"):
        owns, reference = fit(HARMONIZERS[name], sites)
        mapped = [HARMONIZERS[name].apply(case, owns["here"], reference) for case in cases]
        drop = separability_drop(features(cases), features(mapped), labels)
        assert drop is not None
        drops[name] = drop
    assert drops["zscore"].exceeds(MARGIN_SEPARABILITY)
    assert drops["match_case"].exceeds(MARGIN_SEPARABILITY)
    assert not drops["quantile_map"].exceeds(MARGIN_SEPARABILITY)
    assert abs(drops["quantile_map"].drop) < 0.01


def test_nothing_changed_is_no_drop() -> None:
    cases, labels = bright_and_dark()
    drop = separability_drop(features(cases), features(cases), labels)
    assert drop is not None
    assert (drop.drop, drop.low, drop.high) == (0, 0, 0)
    assert not drop.exceeds(0)


def test_the_same_call_gives_the_same_figures() -> None:
    cases, labels = bright_and_dark()
    noisy = features([case + 0.05 * other for case, other in zip(cases, pictures(80, 5), strict=True)])
    assert separability_drop(features(cases), noisy, labels) == separability_drop(features(cases), noisy, labels)


def test_the_interval_holds_the_drop_and_narrows_with_cases() -> None:
    rng = np.random.default_rng(6)

    def width(count: int) -> float:
        labels = [number % 2 for number in range(count)]
        clean = rng.normal(0, 1, (count, 5)) + np.array(labels)[:, None]
        drop = separability_drop(clean, clean + rng.normal(0, 2, clean.shape), labels)
        assert drop is not None
        assert drop.low < drop.drop < drop.high
        return drop.high - drop.low

    assert width(400) < 0.7 * width(60)


def test_both_conditions_of_a_loss() -> None:
    assert Drop(100, 0.9, 0.7, 0.2, 0.1, 0.3).exceeds(0.05)
    assert not Drop(100, 0.9, 0.87, 0.03, 0.02, 0.04).exceeds(0.05)
    assert not Drop(20, 0.9, 0.7, 0.2, -0.1, 0.5).exceeds(0.05)


def test_contrast_by_hand() -> None:
    pixels = np.zeros((1, 1, 8, 8), np.float32)
    target = np.zeros((1, 8, 8), np.uint8)
    target[0, :, :4] = 1
    pixels[0, 0] = np.where(target[0] == 1, 0.7, 0.4) + np.where(np.arange(8)[:, None] % 2, 0.1, -0.1)
    assert contrast(pixels, target) == pytest.approx(0.3 / 0.1, rel=1e-5)
    assert contrast(1 - pixels, target) == pytest.approx(0.3 / 0.1, rel=1e-5)
    padded = np.pad(pixels, ((0, 0), (0, 0), (3, 3), (0, 0)))
    assert contrast(padded, np.pad(target, ((0, 0), (3, 3), (0, 0)))) == pytest.approx(0.3 / 0.1, rel=1e-5)


def test_contrast_is_undefined_without_a_lesion_or_a_difference() -> None:
    pixels = pictures(1)[0]
    assert contrast(pixels, np.zeros((1, 64, 64), np.uint8)) is None
    assert contrast(pixels, np.ones((1, 64, 64), np.uint8)) is None
    half = np.tile(np.arange(64) < 32, (1, 64, 1)).astype(np.uint8)
    assert contrast(np.full((1, 1, 64, 64), 0.5, np.float32), half) is None


def test_fading_is_a_share_and_lost_lesions_count_as_zero() -> None:
    before: list[float | None] = [1.0] * 20
    halved = contrast_drop(before, [0.5] * 20)
    assert halved is not None
    assert halved.drop == pytest.approx(0.5)
    assert halved.exceeds(MARGIN_CONTRAST)
    lost = contrast_drop(before, [1.0] * 10 + [None] * 10)
    assert lost is not None
    assert lost.drop == pytest.approx(0.5)
    assert lost.low < 0.5 < lost.high
    assert contrast_drop([None] * 15 + [1.0] * 9, [None] * 24) is None


def test_noise_that_buries_lesions_is_found() -> None:
    rng = np.random.default_rng(7)
    target = np.zeros((1, 64, 64), np.uint8)
    target[0, 20:40, 20:40] = 1
    clean = [0.5 * case + 0.3 * target[:, None] for case in pictures(30)]
    noisy = [np.clip(case + rng.normal(0, 0.15, case.shape), 0.01, 1) for case in clean]
    drop = contrast_drop([contrast(c, target) for c in clean], [contrast(c, target) for c in noisy])
    assert drop is not None
    assert drop.exceeds(MARGIN_CONTRAST)


def test_the_margins_are_those_the_measurement_gives() -> None:
    """The largest standard error among the sites, rounded up to the next 0.05: docs/harmonizers.md."""
    measured = json.loads((ROOT / "docs/results/leakage.json").read_text())
    for figure, margin in {"separability": MARGIN_SEPARABILITY, "contrast": MARGIN_CONTRAST}.items():
        largest = max(site["standard_error"] for site in measured["noise"] if site["figure"] == figure)
        assert margin == pytest.approx(0.05 * math.ceil(largest / 0.05))
        for row in (*measured["rows"], *measured["harmless"]):
            if row["figure"] == figure:
                assert row["lost"] == (row["drop"] > margin and row["low"] > 0)


def test_two_hundred_cases_take_less_than_a_second() -> None:
    cases, labels = bright_and_dark(200)
    start = time.process_time()
    table = features(cases)
    separability_drop(table, table, labels)
    assert time.process_time() - start < 1


def test_no_harmonizer_can_reach_it() -> None:
    """It sees labels: whatever a harmonizer is made of must not import it."""
    folder = Path(shiftscope.harmonizers.__file__).parent
    importers = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").endswith("leakage"))
        or (isinstance(node, ast.Import) and any(name.name.endswith("leakage") for name in node.names))
        or (isinstance(node, ast.ImportFrom) and any(name.name == "leakage" for name in node.names))
    }
    assert importers == set()

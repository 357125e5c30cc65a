"""How many patients a score rests on: by hand, and what a mean of too few would give away."""

from collections.abc import Sequence

import numpy as np
import pytest
from small_plans import planned_sites, small_plan

from shiftscope.plans import Plan
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.evaluation.scored_patients import patients_deciding, patients_scored
from shiftscope.training.evaluation.scores import metrics_of

SITES = planned_sites(("a", "b"), 40)
OUTLINES = small_plan(task="segmentation", sites=SITES, classes=())
ORGANS = small_plan(task="segmentation", sites=SITES, classes=("liver", "spleen"))
CLASSES = small_plan(task="classification", sites=SITES, classes=("benign", "malignant"))


def outlined(*having: str, owners: Sequence[str] | None = None) -> list[Sample]:
    """A case each: "" without any finding, "1" with the first class, "12" with both."""
    samples = []
    for number, found in enumerate(having):
        target = np.zeros((1, 4, 4), np.uint8)
        for place, name in enumerate(found):
            target[0, place] = int(name)
        owner = f"p{number}" if owners is None else owners[number]
        samples.append(Sample(owner, np.zeros((1, 1, 4, 4), np.float16), target))
    return samples


def labelled(*labels: int, owners: Sequence[str] | None = None) -> list[Sample]:
    pixels = np.zeros((1, 1, 4, 4), np.float16)
    return [
        Sample(f"p{number}" if owners is None else owners[number], pixels, label) for number, label in enumerate(labels)
    ]


def judged(plan: Plan, cases: int, **series: list[float]) -> dict[str, np.ndarray]:
    """Scores by case, all of them 0.5 where `series` says nothing else."""
    names = dict.fromkeys(metrics_of(plan), [0.5] * cases)
    return {name: np.array(values, float) for name, values in (names | series).items()}


def test_who_has_nothing_to_outline_hides_nobody() -> None:
    """Nine empty patients who count as 1, and one who counts as .62: ten times the mean less nine is his score."""
    samples = outlined("1", *[""] * 9)
    scores = np.array([0.62, *[1.0] * 9])
    assert 10 * scores.mean() - 9 == pytest.approx(0.62)
    found = patients_scored(samples, judged(OUTLINES, 10), OUTLINES)
    assert found["dice"] == patients_deciding(samples, OUTLINES) == 1


def test_a_surface_is_of_those_that_have_one_on_both_sides() -> None:
    samples = outlined(*["1"] * 6)
    cases = judged(OUTLINES, 6, surface_px=[1.0, 2.0, *[np.nan] * 4])
    assert patients_scored(samples, cases, OUTLINES) == {"dice": 6, "surface_px": 2}


def test_a_class_that_is_invented_in_others_is_still_of_who_has_it() -> None:
    """A Dice of 0 for everybody who has no spleen: the mean is a fraction of the one score that there is."""
    samples = outlined("12", *["1"] * 7)
    found = patients_scored(samples, judged(ORGANS, 8), ORGANS)
    assert found["dice of spleen"] == found["dice"] == 1


def test_a_model_that_never_says_one_class_hides_nobody_of_the_other() -> None:
    """Twelve livers that are never outlined count as 0, eleven spleens that nobody has as 1: the mean is of the one."""
    liver, spleen = np.zeros(12), np.array([0.42, *[1.0] * 11])
    mean = ((liver + spleen) / 2).mean()
    assert 2 * 12 * mean - 11 == pytest.approx(0.42)
    samples = outlined("12", *["1"] * 11)
    cases = judged(ORGANS, 12, surface_px=[3.0] * 12)
    assert {*patients_scored(samples, cases, ORGANS).values()} == {1}
    assert patients_deciding(samples, ORGANS) == 1, "the verdict's own metric, and how it varies"
    enough = outlined(*["12"] * 6, *["1"] * 6)
    assert {*patients_scored(enough, judged(ORGANS, 12), ORGANS).values()} == {patients_deciding(enough, ORGANS)} == {6}


def test_figures_of_classes_leave_together() -> None:
    """With the liver's figure the mean over both tells the spleen's."""
    liver, spleen = np.full(8, 0.9), np.array([0.3, *[1.0] * 7])
    assert 16 * ((liver + spleen) / 2).mean() - 8 * liver.mean() - 7 == pytest.approx(0.3)
    found = patients_scored(outlined("12", *["1"] * 7), judged(ORGANS, 8), ORGANS)
    assert found == dict.fromkeys(
        ("dice", "surface_px", "dice of liver", "dice of spleen", "surface_px of liver", "surface_px of spleen"), 1
    )


def test_a_class_that_nobody_has_is_like_one_that_one_patient_has() -> None:
    found = patients_scored(outlined(*["1"] * 8), judged(ORGANS, 8), ORGANS)
    assert (found["dice of liver"], found["dice of spleen"], found["dice"], found["surface_px"]) == (0, 0, 0, 0)


def test_classes_rest_on_the_smallest_of_them() -> None:
    assert patients_scored(labelled(0, 0, 0, 1, 1), {}, CLASSES) == {"auroc": 2, "balanced_accuracy": 2}
    assert patients_scored(labelled(0, 0, 0), {}, CLASSES) == {"auroc": 0, "balanced_accuracy": 0}


def test_many_cases_of_one_patient_are_one_patient() -> None:
    owners = ["one"] * 20 + ["two", "three"]
    assert patients_deciding(outlined(*["1"] * 22, owners=owners), OUTLINES) == 1
    assert patients_deciding(labelled(*[0] * 22, *[1] * 22, owners=owners * 2), CLASSES) == 1
    assert patients_deciding(outlined(*["1"] * 4, owners=["one", "one", "two", "three"]), OUTLINES) == 3


def test_nobody_is_nobody() -> None:
    for plan in (OUTLINES, ORGANS, CLASSES):
        assert {*patients_scored([], {}, plan).values()} == {0}
        assert patients_deciding([], plan) == 0

"""What one patient more or less lets a reader compute: nothing of that patient."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin
from shiftscope.sites import Site, case_digests

SITE = Site("here", Path("here"), "images", (), "manifest", (), {})
RNG = np.random.default_rng(0)
WIDTHS = {
    "intensity": 8,
    "texture": 8,
    "colour": 8,
    "intensity_outside": 8,
    "morphology": 8,
    "boundary": 4,
    "lesion": 8,
}


def patient(
    without: tuple[str, ...] = (), label: str | None = None, acquisition: dict[str, str] | None = None
) -> Patient:
    coordinates = {axis: RNG.normal(size=width) for axis, width in WIDTHS.items() if axis not in without}
    numbers = {name: np.asarray(RNG.normal()) for name in ("brightness", "log_area", "roughness", "empty")}
    return Patient(1, 1, label, coordinates, numbers, acquisition or {}, frozenset({"2-D"}), "colour" not in without)


def tallied(patients: list[Patient], site: Site = SITE) -> Profile:
    accumulator = SiteAccumulator()
    for item in patients:
        accumulator.add(item)
    return accumulator.export(Origin.of(site, 0, load_extractor(), {}, enumerate(case_digests(site))))


def test_axes_of_the_masks_are_over_the_same_patients() -> None:
    """One lesion without a visible edge leaves all axes and measures of masks, not only the boundary's."""
    made = tallied([patient() for _ in range(49)] + [patient(without=("boundary",))])
    n = {axis: made.sketches[axis].n for axis in ("morphology", "boundary", "intensity_outside")}  # type: ignore[union-attr]
    assert set(n.values()) == {49}
    assert made.measures["log_area"].n == made.measures["roughness"].n == 49
    assert made.measures["brightness"].n == 50


def test_area_goes_with_an_axis_only_where_all_patients_have_it() -> None:
    def area(patients: list[Patient], axis: str) -> bool:
        sketch = tallied(patients).sketches[axis]
        assert sketch is not None
        return sketch.area is not None

    everyone = [patient() for _ in range(50)]
    assert area(everyone, "intensity")
    assert area(everyone, "colour")
    assert not area([*everyone, patient(without=("morphology",))], "intensity")
    one_grey = [*everyone, patient(without=("colour",))]
    assert area(one_grey, "intensity")
    assert not area(one_grey, "colour")


def test_a_mean_that_is_a_count_is_not_published() -> None:
    assert "empty" not in tallied([patient() for _ in range(20)]).measures


def test_classes_with_hidden_counts_are_not_sketched() -> None:
    made = tallied([patient(label=label) for label, n in (("a", 50), ("b", 10), ("c", 1)) for _ in range(n)])
    assert made.labels == {"a": "hidden", "b": "hidden", "c": "<10"}
    assert made.labelled == 61
    assert made.by_class == {}


def test_maker_and_model_are_one_table() -> None:
    tags = [{"manufacturer": "GE", "model": model} for model, n in (("A", 30), ("B", 25)) for _ in range(n)]
    made = tallied([patient(acquisition=tag) for tag in tags])
    assert made.acquisition == {"scanner": {"GE A": 30, "GE B": 25}}


def test_values_of_tags_that_few_patients_share_are_one_value() -> None:
    """Months, spacings and doses of single persons; a value that ten share is published."""
    tags = [{"month": f"2024-{k % 12 + 1:02d}", "spacing_mm": f"0.{k:03d}", "kvp": "120"} for k in range(40)]
    tags += [{"kvp": "90"}] * 20
    made = tallied([patient(acquisition=tag) for tag in tags])
    assert made.acquisition == {"kvp": {"120": 40, "90": 20}, "month": {"other": 40}, "spacing_mm": {"other": 40}}


def test_scanners_of_unknown_words_are_one_value() -> None:
    """A header can hold anything, in every file too."""
    names = ["GE LOGIQ E9", "Dr Smiths Scanner", "SMITH^JOHN", "several"]
    made = tallied([patient(acquisition={"model": name}) for name in names for _ in range(12)])
    assert made.acquisition == {"scanner": {"GE LOGIQ E9": 12, "other": 24, "several": 12}}


def test_fewer_than_ten_labels_are_not_published() -> None:
    """The total would reveal each: three labels, one class."""
    made = tallied([patient(label="malignant") for _ in range(3)] + [patient() for _ in range(37)])
    assert (made.labels, made.labelled) == ({}, 0)


def test_classes_are_not_sketched_where_each_file_counts_as_a_patient() -> None:
    """Whoever has many files would be a class of their own."""
    people = [patient(label=label) for label in ("benign", "malignant") for _ in range(30)]
    assert set(tallied(people).by_class) == {"benign", "malignant"}
    guessed = tallied(people, replace(SITE, patient_source="file"))
    assert (guessed.by_class, guessed.labels) == ({}, {"benign": 30, "malignant": 30})
    assert set(tallied(people, replace(SITE, patient_source="one_file_per_patient")).by_class) == {
        "benign",
        "malignant",
    }

"""Parts agree on the patients on whom harmonizers are measured, and the sample gives nobody away."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from shiftscope.measures import AXES, HARMONIZED
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin, recipe_of
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample, SampledPatient

ORIGIN = Origin(
    site="here",
    layout="manifest",
    patient_source="manifest",
    seed=0,
    recipe=recipe_of(load_extractor()),
    excluded={},
    people=(),
    cases=(),
)
DRAWN = np.random.default_rng(0)
AREAS = DRAWN.normal(-3, 0.5, 400)


def mark(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def person(number: int) -> Patient:
    rng = np.random.default_rng(number)
    axes = ("intensity", "intensity_outside", "lesion", "boundary", "morphology", "features_shallow", "features_deep")
    coordinates = {axis: rng.normal(size=AXES[axis].width) for axis in axes}
    coordinates["morphology"][0] = AREAS[number]
    label = "benign" if number % 3 else "malignant"
    return Patient(1, 1, label, coordinates, {}, {}, frozenset({"2-D"}), False)


def sampled(number: int) -> SampledPatient:
    rng = np.random.default_rng(1000 + number)
    coordinates = {axis: rng.normal(size=16) for axis in HARMONIZED}
    return SampledPatient(mark(number), coordinates, float(AREAS[number]), "benign" if number % 3 else "malignant")


def gathered(numbers: range, limit: int) -> SiteAccumulator:
    """The sums of some patients, with the first of them by mark as the sample."""
    out = SiteAccumulator(sample=HarmonizedSample(limit))
    out.add_all([person(number) for number in numbers])
    first = sorted(numbers, key=mark)[:limit]
    out.sample.merge(HarmonizedSample(limit, sorted((sampled(k) for k in first), key=lambda one: one.mark)))
    return out


def text(sums: SiteAccumulator) -> str:
    return sums.export(ORIGIN).to_json()


def test_the_sample_of_parts_is_that_of_the_whole() -> None:
    """In any order, whatever their sizes; the profile is the same to the byte."""
    whole = gathered(range(300), 100)
    for cuts in ([(0, 3), (3, 220), (220, 300)], [(150, 300), (0, 150)]):
        merged = SiteAccumulator(sample=HarmonizedSample(100))
        for start, end in cuts:
            merged.merge(gathered(range(start, end), 100))
        assert [one.mark for one in merged.sample.patients] == [one.mark for one in whole.sample.patients]
        assert text(merged) == text(whole)


def test_another_sample_is_not_added() -> None:
    one = gathered(range(30), 100)
    with pytest.raises(ValueError, match="measured on 100 patients here and on all there"):
        one.merge(SiteAccumulator())


def test_files_of_one_name_in_two_folders_are_both_there() -> None:
    one, other = (HarmonizedSample(9, [replace(sampled(k), mark=mark(0))]) for k in (1, 2))
    one.merge(other)
    assert len(one.patients) == 2


@pytest.mark.parametrize(
    ("patients", "limit", "n"), [(300, 100, 100), (105, 100, 95), (100, 100, 100), (110, 100, 100)]
)
def test_the_area_of_the_sample_leaves_nobody_or_ten(patients: int, limit: int, n: int) -> None:
    """The mean area of all patients and of all but one would be that one's."""
    made = gathered(range(patients), limit).export(ORIGIN)
    whole, part = made.sketches["intensity"], made.sketches["canonical_deep"]
    assert whole is not None
    assert whole.n == patients
    assert part is not None
    assert part.n == n
    assert part.area is not None
    kept = sorted(range(patients), key=mark)[:n]
    assert part.area.mean == pytest.approx(AREAS[kept].mean())
    rows = np.stack([sampled(k).coordinates["canonical_deep"] for k in kept])
    np.testing.assert_allclose(part.mean, rows.mean(axis=0)[: len(part.mean)])
    assert Profile.model_validate(made.model_dump()) == made


def test_patients_of_the_sample_of_whom_nothing_could_be_read_leave_nobody_alone() -> None:
    """They are in no sum; those who were measured outside the sample are nobody or ten all the same."""
    sums = gathered(range(104), 100)
    unread = sorted(sums.sample.patients, key=lambda one: one.mark)[:5]
    sums.sample = HarmonizedSample(
        100, [replace(one, coordinates={}) if one in unread else one for one in sums.sample.patients]
    )
    sums.sample.limit = 105
    sums.sample.merge(HarmonizedSample(105, [sampled(k) for k in sorted(range(104), key=mark)[100:]]))
    part = sums.export(ORIGIN).sketches["canonical_deep"]
    assert part is not None
    assert part.n == 94
    assert part.area is not None


def test_another_number_of_coordinates_is_not_added() -> None:
    one = HarmonizedSample(9, [sampled(1)])
    with pytest.raises(ValueError, match="expected 16, as others have for"):
        one.merge(HarmonizedSample(9, [replace(sampled(2), coordinates={"canonical_deep": np.zeros(8)})]))


def test_without_an_area_of_all_there_is_none_of_the_sample() -> None:
    sums = gathered(range(200), 100)
    bare = {axis: row for axis, row in person(250).coordinates.items() if axis in ("intensity", "features_deep")}
    sums.add(replace(person(250), coordinates=bare, masks=0))
    sketch = sums.export(ORIGIN).sketches["zscore_deep"]
    assert sketch is not None
    assert sketch.area is None
    assert sketch.n == 100


def test_classes_of_the_sample_leave_nobody_or_ten() -> None:
    made = gathered(range(300), 100).export(ORIGIN)
    parts = {label: axes["zscore_shallow"].n for label, axes in made.by_class.items()}
    kept = sorted(range(300), key=mark)[:100]
    assert parts == {"benign": sum(k % 3 > 0 for k in kept), "malignant": sum(k % 3 == 0 for k in kept)}


def test_a_forged_area_of_the_sample_is_refused() -> None:
    values = gathered(range(300), 100).export(ORIGIN).to_dict()
    values["sketches"]["canonical_deep"]["area"]["mean"] += 5
    with pytest.raises(ValueError, match="no negative squares for the rest"):
        Profile.model_validate({key: value for key, value in values.items() if key != "schema"})
    values = gathered(range(300), 100).export(ORIGIN).to_dict()
    values["sketches"]["canonical_deep"]["n"] = 295
    with pytest.raises(ValueError, match="300, since it has an area of all patients"):
        Profile.model_validate({key: value for key, value in values.items() if key != "schema"})

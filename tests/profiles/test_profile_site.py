"""Profiling whole sites: deterministic, complete, small, and silent about single patients."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from shiftscope.errors import InputError, NotComparable, TooManyFailures
from shiftscope.measures.features.extractors import Extractor, load_extractor
from shiftscope.phantoms import ANATOMIES, Phantom, write_site
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.sites import Declarations, read_site


@pytest.fixture(scope="module")
def extractor() -> Extractor:
    return load_extractor()


def profiled(folder: Path, extractor: Extractor, options: Options | None = None, **said: object) -> Profile:
    site = read_site(folder, given=Declarations.model_validate(said))
    return profile_site(site, extractor, options or Options())[0]


def phantoms(n: int, anatomy: str = "ultrasound", seed: int = 0, **options: int) -> list[Phantom]:
    rng = np.random.default_rng(seed)
    return [ANATOMIES[anatomy](rng, size=48, **options) for _ in range(n)]


def test_jobs_do_not_change_a_byte(fixtures: Path, extractor: Extractor) -> None:
    texts = {profiled(fixtures / "twins" / "east", extractor, Options(jobs=n)).to_json() for n in (1, 2)}
    assert len(texts) == 1


def test_names_of_files_do_not_matter(fixtures: Path, extractor: Extractor, tmp_path: Path) -> None:
    """The same images under other names are the same site, up to the order of summation."""
    source = fixtures / "twins" / "east"
    for kind in ("images", "masks"):
        (tmp_path / "site" / kind).mkdir(parents=True)
        for path in sorted((source / kind).iterdir()):
            shutil.copy(path, tmp_path / "site" / kind / f"z{path.name[::-1][4:]}.png")
    one, two = profiled(source, extractor), profiled(tmp_path / "site", extractor)
    assert one.fingerprint == two.fingerprint
    for axis, sketch in one.sketches.items():
        other = two.sketches[axis]
        assert (sketch is None) == (other is None)
        if sketch is not None and other is not None:
            np.testing.assert_allclose(sketch.mean, other.mean, rtol=1e-4, atol=1e-5)


def test_what_leaves_a_site(fixtures: Path, extractor: Extractor, tmp_path: Path) -> None:
    folder = tmp_path / "hospital"
    write_site(phantoms(14), folder, layout="manifest", format="dicom")
    for source in (folder, fixtures / "both" / "early", fixtures / "brighter" / "east"):
        made = profiled(source, extractor)
        text = made.to_json()
        assert len(text.encode()) <= 60 * 1024
        names = {case.patient for case in read_site(source).cases} | {case.name for case in read_site(source).cases}
        assert not [name for name in names if f'"{name}"' in text]
        assert str(source.parent) not in text
        assert not re.search(r"\d{4}-\d{2}-\d{2}|\b\d+\.\d+\.\d+\.\d+\.\d+", text), "a date or a UID"
        assert not re.search(r'"(min|max)', text)
        assert Profile.from_dict(json.loads(text), "here", InputError).to_json() == text


def test_cases_of_one_patient_are_averaged_first(extractor: Extractor, tmp_path: Path) -> None:
    """Every image three times under one patient is the same profile as once, but for the number of cases."""
    drawn = phantoms(12)
    write_site(drawn, tmp_path / "once", layout="images+masks", format="png")
    for kind in ("images", "masks"):
        (tmp_path / "thrice" / kind).mkdir(parents=True)
        for path in sorted((tmp_path / "once" / kind).iterdir()):
            for copy in "abc":
                shutil.copy(path, tmp_path / "thrice" / kind / f"{path.stem}_{copy}{path.suffix}")
    once = profiled(tmp_path / "once", extractor)
    thrice = profiled(tmp_path / "thrice", extractor, patient_regex=r"(.*)_[abc]$")
    assert (thrice.patients, thrice.cases, thrice.patient_source) == (12, 36, "regex")
    for axis, sketch in once.sketches.items():
        other = thrice.sketches[axis]
        if sketch is not None and other is not None:
            np.testing.assert_allclose(sketch.mean, other.mean, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(sketch.cov, other.cov, rtol=1e-3, atol=1e-4)


def test_bad_files_are_counted_by_reason_and_named_here(fixtures: Path, extractor: Extractor) -> None:
    truth = json.loads((fixtures / "truth.json").read_text())["broken/wreck"]["bad"]
    made, failures = profile_site(read_site(fixtures / "broken" / "wreck"), extractor, Options())
    assert made.excluded == dict(Counter(truth.values()))
    root = fixtures / "broken" / "wreck"
    assert {failure.path.name: failure.reason for failure in failures} == {
        Path(name).name: reason for name, reason in truth.items()
    }
    assert all(failure.path.is_relative_to(root) for failure in failures)
    assert not [name for name in truth if Path(name).name in made.to_json()]
    with pytest.raises(TooManyFailures, match="--max-failures allows 3"):
        profile_site(read_site(root), extractor, Options(max_failures=3))


def test_nothing_readable_is_one_clear_error(extractor: Extractor, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "images" / name).write_text("no image")
    with pytest.raises(InputError) as caught:
        profile_site(read_site(tmp_path), extractor, Options())
    assert "\n" not in str(caught.value)


def test_below_ten_patients_only_counts_leave(extractor: Extractor, tmp_path: Path) -> None:
    write_site(phantoms(9), tmp_path, layout="images+masks", format="png")
    made = profiled(tmp_path, extractor)
    assert made.patients == 9
    assert made.quantiles is None
    assert made.spectrum is None
    assert not made.measures
    assert not made.by_class
    assert set(made.sketches.values()) == {None}


def test_volumes_and_colour(extractor: Extractor, tmp_path: Path) -> None:
    write_site(phantoms(21, "brain", depth=6), tmp_path / "volumes", layout="manifest", format="nifti")
    write_site(phantoms(21, "endoscopy"), tmp_path / "colour", layout="images+masks", format="png")
    volumes, colour = (profiled(tmp_path / name, extractor) for name in ("volumes", "colour"))
    assert (volumes.depth, volumes.colour) == ("3-D", False)
    assert volumes.sketches["morphology"] is None
    assert (colour.depth, colour.colour) == ("2-D", True)
    assert colour.sketches["colour"] is not None
    assert "redness" in colour.measures


def test_profiles_of_another_kind_are_refused(fixtures: Path, extractor: Extractor) -> None:
    made = profiled(fixtures / "twins" / "east", extractor)
    other = made.model_copy(update={"site": "b", "recipe": made.recipe.model_copy(update={"extractor": "resnet18"})})
    with pytest.raises(NotComparable, match="'east' and 'b' were measured differently: extractor is"):
        made.require_comparable(other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")
def test_a_gpu_gives_the_same_profile(fixtures: Path, extractor: Extractor) -> None:
    source = read_site(fixtures / "twins" / "east")
    here = profile_site(source, extractor, Options())[0]
    there = profile_site(source, load_extractor(device="cuda"), Options(device="cuda"))[0]
    for axis, sketch in here.sketches.items():
        other = there.sketches[axis]
        assert (sketch is None) == (other is None)
        if sketch is not None and other is not None:
            variances = np.asarray(sketch.cov)[np.cumsum(np.arange(1, len(sketch.mean) + 1)) - 1]
            assert np.abs(np.subtract(sketch.mean, other.mean)).max() < 0.02 * np.sqrt(variances.mean()), axis

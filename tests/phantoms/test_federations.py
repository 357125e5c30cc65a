"""Federations hold the shift they were given and no other; the committed ones are what the code draws."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from scipy.ndimage import laplace

from shiftscope.errors import REASONS, UsageError
from shiftscope.phantoms import (
    BAD_FILES,
    DEMO,
    FEDERATIONS,
    GOOD_FILES,
    LITTER,
    Hospital,
    Phantom,
    PlantedFederation,
    demo_hospitals,
    draw_hospital,
    sample,
    write_federation,
)

IMAGES = {".png", ".dcm", ".gz"}


def drawn(name: str, seed: int = 2, size: int = 64) -> dict[str, list[Phantom]]:
    federation = FEDERATIONS[name]
    rng = np.random.default_rng(seed)
    return {
        site: draw_hospital(federation.anatomy, hospital, rng, size=size)
        for site, hospital in federation.hospitals.items()
    }


def brightness(phantoms: list[Phantom]) -> np.ndarray:
    return np.array([phantom.pixels.mean() for phantom in phantoms])


def log_area(phantoms: list[Phantom]) -> np.ndarray:
    return np.log([phantom.mask.sum() for phantom in phantoms])


def grain(phantoms: list[Phantom]) -> np.ndarray:
    return np.log([np.abs(laplace(phantom.pixels)).mean() for phantom in phantoms])


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """Difference of means in pooled standard deviations."""
    return float((b.mean() - a.mean()) / np.sqrt((a.var() + b.var()) / 2))


def pixels_of(path: Path) -> np.ndarray:
    if path.suffix == ".png":
        with Pillow.open(path) as picture:
            return np.asarray(picture, float)
    if path.suffix == ".dcm":
        return pydicom.dcmread(path).pixel_array.astype(float)
    return np.asarray(nib.load(path).dataobj, float)


def images_in(folder: Path) -> Iterator[Path]:
    """Images and masks that the phantoms wrote; what `break_site` added is left out."""
    for path in sorted(folder.rglob("p*")):
        if path.is_file() and path.suffix in IMAGES:
            yield path


def test_every_promised_federation_exists() -> None:
    kinds = {name: (f.kind, f.label, f.annotation) for name, f in FEDERATIONS.items()}
    assert kinds == {
        "twins": ("none", False, False),
        "brighter": ("appearance", False, False),
        "noisier": ("appearance", False, False),
        "bigger_lesions": ("structural", False, False),
        "rarer_labels": ("none", True, False),
        "sloppy_masks": ("none", False, True),
        "both": ("mixed", False, False),
        "broken": ("none", False, False),
    }


def test_twins_differ_as_two_halves_of_one_hospital_do() -> None:
    pairs = [tuple(drawn("twins", seed, size=48).values()) for seed in range(12)]
    for measure in (brightness, log_area, grain):
        gaps = [gap(measure(east), measure(west)) for east, west in pairs]
        assert abs(np.mean(gaps)) < 0.2  # 12 differences with a standard error of 0.22 each
        assert 0.1 < np.std(gaps) < 0.4


def test_brighter_films_are_brighter_and_hold_the_same_lungs() -> None:
    east, west, bright = drawn("brighter").values()
    assert gap(brightness(east), brightness(bright)) > 3
    assert abs(gap(brightness(east), brightness(west))) < 0.6
    share = [np.mean([phantom.label == "abnormal" for phantom in site]) for site in (east, west, bright)]
    assert share == [0.5, 0.5, 0.5]


def test_noisier_scans_have_more_grain_and_no_other_tumours() -> None:
    clear, noisy = drawn("noisier").values()
    assert gap(grain(clear), grain(noisy)) > 2
    assert abs(gap(log_area(clear), log_area(noisy))) < 0.6


def test_bigger_lesions_are_bigger_in_the_same_pictures() -> None:
    small, large = drawn("bigger_lesions").values()
    assert np.exp(log_area(large).mean() - log_area(small).mean()) == pytest.approx(2.2, rel=0.2)
    assert abs(gap(grain(small), grain(large))) < 0.6
    assert abs(gap(brightness(small), brightness(large))) < 0.6


def test_rarer_labels_change_the_shares_and_no_class() -> None:
    referral, screening = drawn("rarer_labels").values()
    assert sum(phantom.label == "malignant" for phantom in referral) == 34
    assert sum(phantom.label == "malignant" for phantom in screening) == 10
    for label in ("benign", "malignant"):
        a, b = ([phantom for phantom in site if phantom.label == label] for site in (referral, screening))
        assert abs(gap(log_area(a), log_area(b))) < 0.8


def test_sloppy_masks_cover_more_of_the_same_pictures() -> None:
    careful, sloppy = drawn("sloppy_masks").values()
    assert gap(log_area(careful), log_area(sloppy)) > 0.6
    darker = [
        [phantom.pixels[phantom.mask > 0].mean() - phantom.pixels.mean() for phantom in site]
        for site in (careful, sloppy)
    ]
    assert abs(gap(brightness(careful), brightness(sloppy))) < 0.6
    assert np.mean(darker[0]) == pytest.approx(np.mean(darker[1]), abs=0.05)


def test_both_moves_appearance_and_structure() -> None:
    early, late = drawn("both").values()
    assert gap(brightness(early), brightness(late)) < -2
    assert gap(log_area(early), log_area(late)) > 1


def test_every_kind_of_bad_file_is_there(tmp_path: Path) -> None:
    write_federation("broken", tmp_path, size=32)
    present = {path.relative_to(tmp_path / "wreck").as_posix() for path in (tmp_path / "wreck").rglob("*")}
    assert {*BAD_FILES, *GOOD_FILES, *LITTER} <= present
    assert set(BAD_FILES.values()) == set(REASONS) - {"unsupported", "missing", "no_patient", "mask_geometry"}
    assert not any(path.suffix == ".dcm" for path in (tmp_path / "sound").rglob("*"))


def test_breaking_a_site_twice_is_breaking_it_once(tmp_path: Path) -> None:
    def names() -> set[str]:
        return {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}

    write_federation("broken", tmp_path, size=32)
    first = names()
    write_federation("broken", tmp_path, size=32)
    assert names() == first


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one of twins"):
        write_federation("triplets", tmp_path)
    with pytest.raises(ValueError, match="unknown plant"):
        PlantedFederation("", "ultrasound", "none", {"a": Hospital(plants=(("sepia", 1.0),))})


@pytest.mark.parametrize("name", FEDERATIONS)
def test_a_seed_is_a_federation_byte_for_byte(name: str, tmp_path: Path) -> None:
    for folder in ("first", "again"):
        write_federation(name, tmp_path / folder, seed=5, size=24)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file())
    assert files
    for path in files:
        assert (tmp_path / "first" / path).read_bytes() == (tmp_path / "again" / path).read_bytes(), path


@pytest.mark.parametrize("name", FEDERATIONS)
def test_committed_fixtures_are_what_the_code_draws(name: str, fixtures: Path, tmp_path: Path) -> None:
    write_federation(name, tmp_path, seed=2, size=64)
    committed, fresh = ([path.relative_to(root) for path in images_in(root)] for root in (fixtures / name, tmp_path))
    assert committed == fresh
    for path in fresh:
        was, now = pixels_of(fixtures / name / path), pixels_of(tmp_path / path)
        step = 16 if now.max() > 255 else 1  # one grey level of 8 bits, whatever the depth
        # another processor may round otherwise, and tip a pixel on the rim of a mask
        assert (np.abs(was - now) > step).mean() < 0.005, path


def test_truth_says_what_was_planted(fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(fixtures))
    import make_fixtures

    try:
        assert json.loads((fixtures / "truth.json").read_text(encoding="utf-8")) == make_fixtures.truth()
        assert (make_fixtures.SEED, make_fixtures.SIZE) == (2, 64)
    finally:
        del sys.modules["make_fixtures"]


def test_the_readme_describes_every_federation(fixtures: Path) -> None:
    text = (fixtures / "README.md").read_text(encoding="utf-8")
    for name, federation in FEDERATIONS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert f"| {federation.kind} |" in row
        assert ("| label |" in row, "| annotation |" in row) == (federation.label, federation.annotation)
        for site, hospital in federation.hospitals.items():
            assert f"{site} {hospital.patients}" in row


def test_the_demo_writes_four_hospitals(tmp_path: Path) -> None:
    written = demo_hospitals(tmp_path, seed=1, size=48)
    assert set(written) == set(DEMO.hospitals)
    suffixes = [{path.suffix for path in (folder / "images").iterdir()} for folder in written.values()]
    assert suffixes == [{".png"}, {".png"}, {".dcm"}, {".gz"}]
    for site, folder in written.items():
        assert len(list((folder / "images").iterdir())) == DEMO.hospitals[site].patients
        assert len(list((folder / "masks").iterdir())) == DEMO.hospitals[site].patients


def test_the_corpus_is_varied() -> None:
    phantoms = list(sample(np.random.default_rng(0), 80, size=48))
    assert len(phantoms) == 80
    assert {phantom.anatomy for phantom in phantoms[:4]} == {"ultrasound", "chest", "brain", "endoscopy"}
    assert all(phantom.pixels.shape[:2] == (48, 48) for phantom in phantoms)
    again = list(sample(np.random.default_rng(0), 8, size=48))
    for one, other in zip(phantoms, again, strict=False):
        np.testing.assert_array_equal(one.pixels, other.pixels)
    films = [phantom.pixels.mean() for phantom in phantoms if phantom.anatomy == "chest"]
    assert np.std(films) > 0.08  # planted gains are wider than the patients' own, 0.04

"""Harmonized copies: what training saw, in a folder that is a site again, and a picture of it."""

import csv
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from small_hospitals import classified, plan_for, segmented

from shiftscope.copies.copy_pictures import draw_sheet
from shiftscope.copies.harmonized_sites import write_copies
from shiftscope.copies.image_changes import Changes
from shiftscope.copies.mapped_cases import map_case
from shiftscope.copies.site_fits import FittedHarmonizer, check_copies, fit_site
from shiftscope.errors import InputError, PlanError, TooManyFailures, UsageError
from shiftscope.harmonizers import HARMONIZERS, Statistics, combine, fit, share
from shiftscope.images import as_seen, canvas, read
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.plans import Plan
from shiftscope.progress import Progress
from shiftscope.sites import Site, load, read_site
from shiftscope.training.data.model_inputs import channels, load_samples
from shiftscope.training.runs.array_files import save_arrays
from shiftscope.training.runs.kept_references import read_reference

WRITTEN = [name for name, one in HARMONIZERS.items() if one.mix is None and one.on in ("pixels", "colour")]

AGREEMENT = {
    **dict.fromkeys(("quantile_map", "polarity", "quantile_spectrum", "fda", "macenko", "reinhard"), 0.006),
    **dict.fromkeys(("zscore", "match_case", "nyul", "n4"), 0.02),
    "percentile": 0.04,
    "clahe": 0.1,
}
"""Mean difference between the canvas of a copy and the harmonized canvas that training saw.

A map of the site, or of slow patterns, nearly commutes with resizing. What looks at each case's own grey levels finds
wider tails at full resolution, where noise is not averaged yet, and CLAHE stretches that noise within its windows.
"""


def ignore(_case: object, _viewed: object) -> None: ...


def statistics(plan: Plan, folders: dict[str, Path], name: str) -> tuple[dict[str, Statistics], Statistics]:
    """As a run would make them: each site's own, and the reference."""
    patients = {}
    for site, folder in folders.items():
        grouped: dict[str, list[np.ndarray]] = {}
        for sample in load_samples(read_site(folder, name=site), plan).train:
            grouped.setdefault(sample.patient, []).append(sample.pixels.astype(np.float32))
        patients[site] = list(grouped.values())
    return fit(HARMONIZERS[name], patients)


def phantoms(root: Path, anatomy: str, gains: dict[str, float], **how: str) -> dict[str, Path]:
    for number, (site, gain) in enumerate(gains.items()):
        rng = np.random.default_rng([3, number])
        drawn = [ANATOMIES[anatomy](rng, size=96) for _ in range(24)]
        write_site([replace(one, pixels=one.pixels**gain) for one in drawn], root / site, **how)  # type: ignore[arg-type]
    return {site: root / site for site in gains}


def copied(site: Site, plan: Plan, reference: Statistics, out: Path) -> FittedHarmonizer:
    fitted = fit_site(site, plan, reference, "kept")
    write_copies(site, fitted, out, ignore)
    return fitted


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def clouds(root: Path, gains: dict[str, float], *, colour: bool) -> dict[str, Path]:
    """Sites of smooth pictures with little noise; most of what is in them outlives a canvas."""
    for number, (site, gain) in enumerate(gains.items()):
        rng = np.random.default_rng([5, number])
        for kind in ("images", "masks"):
            (root / site / kind).mkdir(parents=True)
        for case in range(24):
            field = gaussian_filter(rng.normal(size=(96, 96, 3)), (5, 5, 0.7))
            field = 0.5 + rng.uniform(0.12, 0.18) * field / field.std() + rng.normal(0, 0.01, field.shape)
            values = np.rint(np.clip(field, 0.02, 1) ** gain * 255).astype(np.uint8)
            Image.fromarray(values if colour else values[..., 0]).save(root / site / "images" / f"p{case:02d}.png")
            mask = (field[..., 0] > 0.6).astype(np.uint8) * 255
            Image.fromarray(mask).save(root / site / "masks" / f"p{case:02d}.png")
    return {site: root / site for site in gains}


def difference(site: Site, again: Site, plan: Plan, own: Statistics, reference: Statistics) -> float:
    """Mean over cases, between canvases of the copies and what training makes of the cases."""
    apply, found = HARMONIZERS[plan.harmonizer or ""].apply, []
    for before, after in zip(site.cases, again.cases, strict=True):
        old, new = (channels(canvas(as_seen(load(one)[0]), plan.image_size), plan.colour) for one in (before, after))
        found.append(np.abs(new - apply(old.astype(np.float16).astype(np.float32), own, reference)).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "macenko"])
def test_the_canvas_of_a_copy_is_what_training_saw(name: str, tmp_path: Path) -> None:
    folders = clouds(tmp_path, {"a": 1.0, "b": 1.5}, colour=HARMONIZERS[name].on == "colour")
    plan = plan_for(folders, harmonizer=name, colour=HARMONIZERS[name].on == "colour", image_size=48)
    owns, reference = statistics(plan, folders, name)
    site = read_site(folders["b"], name="b")
    fitted = copied(site, plan, reference, tmp_path / "copies")
    assert fitted.own.keys() == owns["b"].keys()
    for key, array in owns["b"].items():
        np.testing.assert_array_equal(fitted.own[key], array)  # the finished reference serves every pass
    again = read_site(tmp_path / "copies", name="b")
    left = difference(site, again, plan, owns["b"], reference)
    assert left < AGREEMENT[name]
    assert difference(site, site, plan, owns["b"], reference) > 1.5 * left


@pytest.mark.real
@pytest.mark.parametrize("name", WRITTEN)
def test_so_it_is_on_real_images(name: str, real_data: Path, tmp_path: Path) -> None:
    colour = HARMONIZERS[name].on == "colour"
    names = ("polyp", "kvasir_seg", "cvc_clinicdb") if colour else ("breast_us", "busi", "busbra_logiq7")
    sites = {name: read_site(real_data / names[0] / name) for name in names[1:]}
    sites = {name: replace(site, cases=site.cases[:20]) for name, site in sites.items()}
    plan = plan_for({name: site.root for name, site in sites.items()}, harmonizer=name, colour=colour, image_size=96)
    owns, reference = fit(
        HARMONIZERS[name],
        {
            name: [[sample.pixels.astype(np.float32)] for sample in load_samples(site, plan).train]
            for name, site in sites.items()
        },
    )
    site = replace(sites[names[2]], cases=sites[names[2]].cases[:6])
    fitted = FittedHarmonizer(name, plan, owns[names[2]], reference)
    write_copies(site, fitted, tmp_path / "copies", ignore)
    assert difference(site, read_site(tmp_path / "copies"), plan, owns[names[2]], reference) < AGREEMENT[name]


def test_every_harmonizer_that_writes_pixels_is_held_to_an_agreement() -> None:
    assert set(AGREEMENT) == set(WRITTEN)


@pytest.mark.parametrize(
    ("layout", "format", "suffix"),
    [
        ("images+masks", "png", ".png"),
        ("images+masks", "nifti", ".nii.gz"),
        ("images+masks", "dicom", ".png"),
        ("manifest", "png", ".png"),
        ("classes", "dicom", ".png"),
    ],
)
def test_a_copy_is_the_same_site_again(layout: str, format: str, suffix: str, tmp_path: Path) -> None:
    folders = phantoms(tmp_path, "chest", {"a": 1.0, "b": 1.4}, layout=layout, format=format)
    site = read_site(folders["a"], name="a")
    task = "classification" if layout == "classes" else "segmentation"
    plan = plan_for(folders, harmonizer="zscore", task=task, classes=site.classes if layout == "classes" else ())
    copied(site, plan, {}, tmp_path / "copies")
    again = read_site(tmp_path / "copies", name="a")
    assert {path.name[-len(suffix) :] for case in again.cases for path in case.images} == {suffix}
    for before, after in zip(site.cases, again.cases, strict=True):
        assert (after.name, after.label, after.patient) == (before.name, before.label, before.patient)
        image, mask = load(after)
        assert image.pixels.shape == load(before)[0].pixels.shape
        assert [digest(drawn) for drawn in after.masks] == [digest(drawn) for drawn in before.masks]
        if mask is not None:
            old = load(before)[1]
            assert old is not None
            np.testing.assert_array_equal(mask.labels, old.labels)
    assert again.patient_source == ("manifest" if site.patient_source != "file" else "file")


def test_splits_the_data_bring_and_labels_stay(tmp_path: Path) -> None:
    folder = classified(tmp_path, {"a": 1.0})["a"]
    for label in ("large", "small"):
        for number, path in enumerate(sorted((folder / label).iterdir())):
            target = tmp_path / "split" / ("test" if number % 3 == 0 else "train") / label / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    site = read_site(tmp_path / "split", name="a")
    plan = plan_for({"a": tmp_path / "split"}, harmonizer="zscore", task="classification", classes=("large", "small"))
    copied(site, plan, {}, tmp_path / "copies")
    written = {(case.name, case.label, case.split) for case in read_site(tmp_path / "copies").cases}
    assert written == {(case.name, case.label, case.split) for case in site.cases}


def test_volumes_keep_their_affine_and_are_seen_as_harmonized(tmp_path: Path) -> None:
    affine = np.array([[0, 0, 5.0, -40], [-1, 0, 0, 10], [0, -1, 0, 30], [0, 0, 0, 1.0]])  # thick sagittal slices
    rng = np.random.default_rng(0)
    for number in range(4):
        for kind in ("images", "masks"):
            (tmp_path / "a" / kind).mkdir(parents=True, exist_ok=True)
        image = rng.gamma(2, 100, (20, 24, 4)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(image, affine), tmp_path / "a" / "images" / f"v{number}.nii")
        nibabel.save(
            nibabel.Nifti1Image((image > 300).astype(np.uint8), affine), tmp_path / f"a/masks/v{number}.nii.gz"
        )
    site = read_site(tmp_path / "a", name="a")
    fitted = copied(site, plan_for({"a": tmp_path / "a"}, harmonizer="zscore"), {}, tmp_path / "copies")
    for before, after in zip(site.cases, read_site(tmp_path / "copies").cases, strict=True):
        np.testing.assert_array_equal(nibabel.load(after.images[0]).affine, affine)
        np.testing.assert_array_equal(as_seen(load(after)[0])[:, None], map_case(before, fitted).after)
        assert load(after)[0].spacing_mm == load(before)[0].spacing_mm == (5.0, 1.0, 1.0)


def test_copies_of_several_masks_and_of_lost_headers_have_one_that_fits(tmp_path: Path) -> None:
    """The files of the masks would not be read as the mask again: one is united, the other has no place."""
    affine = np.diag([-1.0, 1.0, 2.0, 1.0]) + np.array([[0, 0, 0, 20.0], *[[0.0] * 4] * 3])
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "a" / kind).mkdir(parents=True)
    for number in range(3):
        values = rng.gamma(2, 100, (20, 24, 4)).astype(np.int16)
        nibabel.save(nibabel.Nifti1Image(values, affine), tmp_path / "a" / "images" / f"v{number}.nii")
        lost = nibabel.Nifti1Image((values > 300).astype(np.uint8), np.eye(4))
        nibabel.save(lost, tmp_path / f"a/masks/v{number}.nii.gz")
        nibabel.save(nibabel.Nifti1Image((values < 50).astype(np.uint8), affine), tmp_path / f"extra{number}.nii.gz")
    site = read_site(tmp_path / "a", name="a")
    cases = tuple(
        replace(case, masks=(*case.masks, tmp_path / f"extra{number}.nii.gz")) if number else case
        for number, case in enumerate(site.cases)
    )
    site = replace(site, cases=cases)
    copied(site, plan_for({"a": tmp_path / "a"}, harmonizer="zscore"), {}, tmp_path / "copies")
    for before, after in zip(site.cases, read_site(tmp_path / "copies").cases, strict=True):
        old, new = load(before)[1], load(after)[1]
        assert old is not None
        assert new is not None
        np.testing.assert_array_equal(new.labels, old.labels)
        assert new.odd == ()


def test_resampled_copies_and_masks_share_the_reference_geometry(tmp_path: Path) -> None:
    folders = phantoms(tmp_path, "brain", {"a": 1.0}, format="nifti")
    site = read_site(folders["a"], name="a")
    reference = {"spacing_mm": np.array([1.0, 2.0, 1.5]), "field_mm": np.array([1.0, 120.0, 150.0])}
    copied(site, plan_for(folders, harmonizer="resample"), reference, tmp_path / "copies")
    for before, after in zip(site.cases, read_site(tmp_path / "copies").cases, strict=True):
        image, mask = load(after)
        assert image.pixels.shape == (1, 60, 100)
        assert image.spacing_mm is not None
        assert image.spacing_mm[1:] == (2.0, 1.5)
        assert mask is not None
        old, labels = load(before)
        assert labels is not None
        assert old.spacing_mm is not None
        inside = mask.labels.sum() * 3.0, labels.labels.sum() * old.spacing_mm[1] * old.spacing_mm[2]
        assert inside[0] == pytest.approx(inside[1], rel=0.15)  # the same square millimetres of lesion
        if not labels.labels.any():
            continue
        mean = [
            pixels[where > 0].mean() for pixels, where in ((as_seen(image), mask.labels), (as_seen(old), labels.labels))
        ]
        assert mean[0] == pytest.approx(mean[1], abs=0.05)  # the mask still lies on the lesion


def test_a_site_that_joins_late_or_only_tests_is_fitted_on_all_its_cases(tmp_path: Path) -> None:
    folders = segmented(tmp_path, {"a": 1.0, "b": 1.6, "late": 2.2})
    plan = plan_for({site: folders[site] for site in ("a", "b")}, harmonizer="quantile_map")
    _, reference = statistics(plan, {site: folders[site] for site in ("a", "b")}, "quantile_map")
    steps: list[Progress] = []
    late = fit_site(read_site(folders["late"], name="late"), plan, reference, "kept", steps.append)
    assert steps == [Progress("fitting quantile_map", done, 24, "cases") for done in range(1, 25)]
    assert (late.cases, late.fitted_on) == (24, "all 24 cases: the plan has no site 'late'")
    known = fit_site(read_site(folders["a"], name="a"), plan, reference, "kept")
    assert known.cases < 24
    assert known.fitted_on == f"{known.cases} training cases, as the plan splits them"
    site = read_site(folders["a"], name="a")
    tests = replace(site, cases=tuple(replace(case, split="test") for case in site.cases))
    fitted = fit_site(tests, plan, reference, "kept")
    assert (fitted.cases, fitted.fitted_on) == (24, "all 24 cases: none of them is for training")
    bare = replace(site, cases=tuple(replace(case, masks=()) for case in site.cases))
    assert fit_site(bare, plan, reference, "kept").cases == 24
    changes = Changes(late)
    write_copies(read_site(folders["late"], name="late"), late, tmp_path / "out", changes.add, progress=steps.append)
    assert steps[24:] == [Progress("copying late", done, 24, "cases") for done in range(1, 25)]
    result = changes.result(read_site(folders["late"], name="late"), [])
    assert result.distance_before is not None
    assert result.distance_after is not None
    assert result.distance_after < 0.25 * result.distance_before


def test_masks_and_labels_do_not_move_the_fit(tmp_path: Path) -> None:
    folders = segmented(tmp_path, {"a": 1.0, "b": 1.6})
    plan = plan_for(folders, harmonizer="quantile_map")
    _, reference = statistics(plan, folders, "quantile_map")
    before = fit_site(read_site(folders["a"], name="a"), plan, reference, "kept")
    for path in (folders["a"] / "masks").iterdir():
        Image.fromarray(np.full((32, 32), 255, np.uint8)).save(path)
    after = fit_site(read_site(folders["a"], name="a"), plan, reference, "kept")
    np.testing.assert_array_equal(before.own["quantiles"], after.own["quantiles"])


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    folders = segmented(tmp_path, {"a": 1.0}, cases=6)
    site, plan = read_site(folders["a"], name="a"), plan_for(folders, harmonizer="zscore")
    sheets = []
    for out in (tmp_path / "one", tmp_path / "two"):
        fitted = fit_site(site, plan, {}, "kept")
        changes = Changes(fitted)
        write_copies(site, fitted, out, changes.add)
        sheets.append(
            [case.name for case in draw_sheet(out / "x.png", changes, changes.result(site, []), count=3, seed=1)]
        )
    files = [
        sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
        for out in (tmp_path / "one", tmp_path / "two")
    ]
    assert files[0] == files[1]
    assert sheets[0] == sheets[1]
    assert all(digest(tmp_path / "one" / path) == digest(tmp_path / "two" / path) for path in files[0])


def test_the_sheet_shows_dark_and_bright_cases_and_says_that_it_must_stay(tmp_path: Path) -> None:
    folders = segmented(tmp_path, {"a": 1.0}, cases=12)
    site, plan = read_site(folders["a"], name="a"), plan_for(folders, harmonizer="zscore")
    fitted = fit_site(site, plan, {}, "kept")
    changes = Changes(fitted)
    write_copies(site, fitted, tmp_path / "out", changes.add)
    shown = draw_sheet(tmp_path / "out" / "x.png", changes, changes.result(site, []), count=4, seed=0)
    levels = [changes.brightness[changes.cases.index(case)] for case in shown]
    assert levels == sorted(levels)
    assert len(set(shown)) == 4
    assert min(levels) <= np.quantile(changes.brightness, 0.25)
    assert max(levels) >= np.quantile(changes.brightness, 0.75)
    with Image.open(tmp_path / "out" / "x.png") as picture:
        assert picture.mode == "RGB"
        assert picture.width >= 3 * 32 * 17  # three columns of 32 pixels, each repeated 17 times
        assert picture.height >= 4 * 32 * 17
        assert "must not leave" in picture.text["Warning"]  # type: ignore[attr-defined]
        pixels = np.asarray(picture).reshape(-1, 3)
        assert (pixels == (255, 225, 77)).all(axis=1).sum() > 100  # outlines of the masks
        assert not any(case.name in str(picture.info) for case in shown)


def test_a_site_that_equals_the_reference_is_copied_and_said_to_be_equal(tmp_path: Path) -> None:
    folders = segmented(tmp_path, {"a": 1.0})
    plan = plan_for(folders, harmonizer="quantile_map")
    owns, _ = statistics(plan, folders, "quantile_map")
    site = read_site(folders["a"], name="a")
    fitted = fit_site(site, plan, owns["a"], "kept")
    changes = Changes(fitted)
    write_copies(site, fitted, tmp_path / "out", changes.add)
    assert changes.result(site, []).unchanged


def test_a_look_at_each_case_alone_that_changes_nothing_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = segmented(tmp_path, {"a": 1.0}, cases=4)
    idle = replace(HARMONIZERS["zscore"], apply=lambda case, _own, _reference: case)
    monkeypatch.setitem(HARMONIZERS, "zscore", idle)
    with pytest.raises(InputError, match="changed no pixel of 4 cases"):
        copied(read_site(folders["a"]), plan_for(folders, harmonizer="zscore"), {}, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize(
    ("harmonizer", "words"),
    [(None, "nothing to write"), ("mixstyle", "while training only"), ("combat", "features"), ("reinhard", "grey")],
)
def test_what_leaves_no_picture_is_refused(harmonizer: str | None, words: str, tmp_path: Path) -> None:
    plan = plan_for(segmented(tmp_path, {"a": 1.0}, cases=4), harmonizer=harmonizer)
    with pytest.raises(PlanError, match=words):
        check_copies(plan)


def test_folders_that_must_not_be_written_into(tmp_path: Path) -> None:
    folder = segmented(tmp_path, {"a": 1.0}, cases=4)["a"]
    site, plan = read_site(folder), plan_for({"a": folder}, harmonizer="zscore")
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").touch()
    for out, words in ((folder, "lies in"), (folder / "copies", "lies in"), (full, "not an empty folder")):
        with pytest.raises(UsageError, match=words):
            copied(site, plan, {}, out)
    (tmp_path / "empty").mkdir()
    copied(site, plan, {}, tmp_path / "empty")
    assert len(read_site(tmp_path / "empty").cases) == 4


def test_unreadable_files_are_counted_and_limited(tmp_path: Path) -> None:
    folder = segmented(tmp_path, {"a": 1.0}, cases=6)["a"]
    plan = plan_for({"a": folder}, harmonizer="zscore")
    (folder / "images" / "p002.png").write_bytes(b"broken")
    site = read_site(folder)
    fitted = fit_site(site, plan, {}, "kept")
    failures = write_copies(site, fitted, tmp_path / "out", ignore)
    assert [failure.path.name for failure in failures] == ["p002.png"]
    assert len(read_site(tmp_path / "out").cases) == 5
    with pytest.raises(TooManyFailures, match="1 unreadable"):
        write_copies(site, fitted, tmp_path / "other", ignore, max_failures=0)
    assert not (tmp_path / "other").exists()


def test_names_cannot_lead_out_of_the_folder_or_meet(tmp_path: Path) -> None:
    folder = segmented(tmp_path, {"a": 1.0}, cases=3)["a"]
    (tmp_path / "lists").mkdir()
    shutil.copy(folder / "images" / "p000.png", folder / "images" / "p000.bmp.png")
    rows = ["../a/images/p000.png,x", f"{folder / 'images' / 'p001.png'},y", "../a/images/../images/p000.png,z"]
    (tmp_path / "lists" / "manifest.csv").write_text("image,patient\n" + "\n".join(rows) + "\n")
    site = read_site(tmp_path / "lists")
    copied(site, plan_for({"a": folder}, harmonizer="zscore"), {}, tmp_path / "out")
    with (tmp_path / "out" / "manifest.csv").open() as file:
        names = [row["image"] for row in csv.DictReader(file)]
    assert len(names) == len({name.lower() for name in names}) == 3
    assert all((tmp_path / "out" / name).resolve().is_relative_to(tmp_path / "out") for name in names)
    assert {case.patient for case in read_site(tmp_path / "out").cases} == {"x", "y", "z"}


def test_a_reference_that_does_not_fit_is_named(tmp_path: Path) -> None:
    folders = segmented(tmp_path, {"a": 1.0}, cases=12)
    site, plan = read_site(folders["a"], name="a"), plan_for(folders, harmonizer="quantile_map")
    with pytest.raises(InputError, match="no reference for quantile_map; run shiftscope train first"):
        read_reference(tmp_path / "none.safetensors", "quantile_map")
    (tmp_path / "text.safetensors").write_text("not a reference")
    with pytest.raises(InputError, match="expected a reference"):
        read_reference(tmp_path / "text.safetensors", "quantile_map")
    with pytest.raises(InputError, match="another harmonizer"):
        fit_site(site, plan, {"amplitude": np.ones((1, 11, 6))}, "kept")
    with pytest.raises(InputError, match=r"shape \(3, 199\)"):
        fit_site(site, plan, {"quantiles": np.ones((3, 199))}, "kept")
    save_arrays(tmp_path / "kept.safetensors", {"quantiles": np.ones((1, 199))})
    assert read_reference(tmp_path / "kept.safetensors", "quantile_map")["quantiles"].shape == (1, 199)


@pytest.mark.parametrize("name", [name for name, one in HARMONIZERS.items() if len(one.exchanges) > 1])
def test_a_pass_reads_only_what_earlier_passes_left(name: str) -> None:
    """Else a site that joins after the run would not know itself as it would have during the run."""
    rng = np.random.default_rng(4)
    chosen = HARMONIZERS[name]
    sites = {
        site: [[rng.random((1, 1, 32, 32), dtype=np.float32) ** gain] for _ in range(12)]
        for site, gain in (("a", 1), ("b", 2))
    }
    owns, reference = fit(chosen, sites)
    late: Statistics = {}
    for number in range(len(chosen.exchanges)):
        late = share(chosen, number, sites["b"], late, reference)
        assert combine(chosen, number, [late], {}).keys() <= reference.keys()
    assert late.keys() == owns["b"].keys()
    for key in late:
        np.testing.assert_array_equal(late[key], owns["b"][key])


@pytest.mark.real
def test_a_real_site_moves_to_the_reference(real_data: Path, tmp_path: Path) -> None:
    folders = {name: real_data / "breast_us" / name for name in ("busbra_logiq5", "busbra_logiq7")}
    plan = plan_for(folders, harmonizer="quantile_map", image_size=96)
    _, reference = statistics(plan, folders, "quantile_map")
    site = read_site(folders["busbra_logiq7"], name="busbra_logiq7")
    fitted = fit_site(site, plan, reference, "kept")
    changes = Changes(fitted)
    write_copies(site, fitted, tmp_path / "out", changes.add)
    result = changes.result(site, [])
    assert result.written == len(site.cases) == len(read_site(tmp_path / "out").cases)
    assert result.distance_before is not None
    assert result.distance_after is not None
    assert result.distance_after < 0.5 * result.distance_before
    assert result.contrast is not None
    assert not result.contrast.lost
    draw_sheet(tmp_path / "out" / "before-after.png", changes, result, count=6, seed=0)
    with Image.open(tmp_path / "out" / "before-after.png") as picture:
        assert picture.height > 6 * 400
    first = read(read_site(tmp_path / "out").cases[0].images[0])
    assert first.display == (0.0, 1.0)

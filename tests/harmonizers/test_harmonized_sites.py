"""From files to what a model sees: harmonizers meet training images and nothing else."""

import csv
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from shiftscope.errors import InputError
from shiftscope.harmonizers import HARMONIZERS, Statistics, combine
from shiftscope.phantoms import Hospital, draw_hospital, write_site
from shiftscope.plans import Plan, PlannedSite
from shiftscope.sites import fingerprint, read_site
from shiftscope.testing.harmonizer_contracts.stained_tiles import EOSIN_RICH, RUIFROK, tile, tissue
from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.runs.jobs import Arm, Job

SIZE = 32
LABELS = {"benign": 0.5, "malignant": 0.5}
PLANTS = {"east": (), "west": (), "other": (("gamma", -0.9), ("contrast", 0.3))}
ON_GREY = [name for name, harmonizer in HARMONIZERS.items() if harmonizer.on == "pixels"]
SHARING = [name for name, harmonizer in HARMONIZERS.items() if harmonizer.shares and harmonizer.on != "geometry"]


def sharing(name: str, root: Path) -> tuple[dict[str, Path], dict[str, object]]:
    """Sites that have what the harmonizer works on, and what the plan has to say."""
    on = HARMONIZERS[name].on
    data = hospitals(root, patients=48 if on == "features" else 24)
    if on == "colour":
        for number, folder in enumerate(data.values()):
            rng = np.random.default_rng([5, number])
            for path in sorted((folder / "images").iterdir()):
                slide = tile(tissue(rng, 48), (RUIFROK, EOSIN_RICH)[number % 2])[0]
                Image.fromarray(np.moveaxis(slide * 255, 0, -1).round().astype(np.uint8)).save(path)
    classes = {"task": "classification", "classes": tuple(LABELS)}
    return data, {"features": {**classes, "model": "linear"}, "colour": {"colour": True}}.get(on, {})


def hospitals(root: Path, patients: int = 24) -> dict[str, Path]:
    """Three sites with masks, labels and a manifest; the third on another scanner."""
    data = {}
    for number, (name, plants) in enumerate(PLANTS.items()):
        rng = np.random.default_rng([3, number])
        drawn = draw_hospital("ultrasound", Hospital(patients, plants=plants, labels=LABELS), rng, size=48)
        data[name] = write_site(drawn, root / name, layout="manifest")
    return data


def job(data: dict[str, Path], out: Path, **changes: object) -> Job:
    sites = {name: read_site(path, name=name) for name, path in data.items()}
    values: dict[str, object] = {
        "name": "tiny",
        "task": "segmentation",
        "classes": (),
        "model": "unet",
        "colour": False,
        "image_size": SIZE,
        "rounds": 1,
        "local_steps": 1,
        "batch_size": 4,
        "learning_rate": 0.01,
        "seeds": (0,),
        "harmonizer": None,
        "personalizer": None,
        "sites": {
            name: PlannedSite(fingerprint=fingerprint(site), patients=24, cases=24) for name, site in sites.items()
        },
    }
    return Job(
        plan=Plan.model_validate({**values, **changes}),
        arms=(Arm(name="baseline", algorithm="fedavg", harmonizer=None, rounds=1),),
        data={name: str(path) for name, path in data.items()},
        patient_regex=None,
        out=out,
        timeout_s=60,
        device="cpu",
    )


def fitted(name: str, work: Job) -> tuple[dict[str, SiteData], list[dict[str, Statistics]], Statistics]:
    """All passes over the sites' files: their data, what each sent in each pass, the reference."""
    sites = {site: SiteData(work, site) for site in work.sites}
    reference: Statistics = {}
    statistics: list[dict[str, Statistics]] = []
    for number in range(len(HARMONIZERS[name].exchanges)):
        statistics.append({site: at_site.share(name, number, reference) for site, at_site in sites.items()})
        reference = combine(HARMONIZERS[name], number, [statistics[-1][site] for site in work.sites], reference)
    return sites, statistics, reference


def every(samples: Samples) -> list[Sample]:
    return [*samples.train, *samples.val, *samples.test]


def identical(left: list[dict[str, Statistics]], right: list[dict[str, Statistics]]) -> bool:
    return all(
        one[site].keys() == other[site].keys()
        and all(np.array_equal(one[site][key], other[site][key]) for key in one[site])
        for one, other in zip(left, right, strict=True)
        for site in one
    )


@pytest.mark.parametrize("task", ["segmentation", "classification"])
@pytest.mark.parametrize("name", ON_GREY)
def test_targets_are_the_same_objects_before_and_after(name: str, task: str, tmp_path: Path) -> None:
    classes = () if task == "segmentation" else ("benign", "malignant")
    data = hospitals(tmp_path, patients=24 if HARMONIZERS[name].shares else 6)
    work = job(data, tmp_path / "run", task=task, classes=classes)
    sites, _, reference = fitted(name, work)
    for site, at_site in sites.items():
        plain = every(at_site.plain)
        held = [np.array(sample.target) for sample in plain]
        harmonized = every(at_site.harmonized(name, reference))
        assert [sample.patient for sample in harmonized] == [sample.patient for sample in plain]
        for before, after, target in zip(plain, harmonized, held, strict=True):
            assert after.target is before.target
            np.testing.assert_array_equal(after.target, target)
        if HARMONIZERS[name].mix is None and site == "other":
            assert any(not np.array_equal(b.pixels, a.pixels) for b, a in zip(plain, harmonized, strict=True))


@pytest.mark.parametrize("name", SHARING)
def test_nothing_that_is_sent_depends_on_test_cases_masks_or_labels(name: str, tmp_path: Path) -> None:
    data, changes = sharing(name, tmp_path)
    sites, statistics, reference = fitted(name, job(data, tmp_path / "before", **changes))
    assert statistics[0]["other"]
    unseen = {
        site: {sample.patient for part in (at_site.plain.val, at_site.plain.test) for sample in part}
        for site, at_site in sites.items()
    }
    rng = np.random.default_rng(0)
    for site, folder in data.items():
        with (folder / "manifest.csv").open() as file:
            rows = list(csv.DictReader(file))
        labels = rng.permutation([row["label"] for row in rows])
        for row, label in zip(rows, labels, strict=True):
            if row["patient"] in unseen[site]:
                picture = np.asarray(Image.open(folder / row["image"]))
                Image.fromarray(rng.integers(0, 256, picture.shape, dtype=np.uint8)).save(folder / row["image"])
            mask = np.asarray(Image.open(folder / row["mask"]))
            Image.fromarray(np.roll(mask, (7, 11), (0, 1))).save(folder / row["mask"])
            row["label"] = label
        with (folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    changed, statistics_again, reference_again = fitted(name, job(data, tmp_path / "after", **changes))
    assert identical(statistics, statistics_again)
    assert all(np.array_equal(reference[key], reference_again[key]) for key in reference)
    tests = [
        (before, after)
        for site in data
        for before, after in zip(sites[site].plain.test, changed[site].plain.test, strict=True)
    ]
    assert not any(np.array_equal(before.pixels, after.pixels) for before, after in tests)
    targets = [np.array_equal(before.target, after.target) for before, after in tests]
    assert not (all if "classes" in changes else any)(targets), "the test did not change what it meant to change"


@pytest.mark.parametrize("name", SHARING)
def test_what_is_sent_depends_on_training_cases(name: str, tmp_path: Path) -> None:
    """Or the test above could not fail."""
    data, changes = sharing(name, tmp_path)
    sites, statistics, _ = fitted(name, job(data, tmp_path / "before", **changes))
    patient = sites["east"].plain.train[0].patient
    path = next((data["east"] / "images").glob(f"{patient}*"))
    Image.fromarray(255 - np.asarray(Image.open(path)) // 2).save(path)
    assert not identical(statistics, fitted(name, job(data, tmp_path / "after", **changes))[1])


class TestResampling:
    """The one harmonizer that has to move masks: with the image, by the nearest pixel."""

    @pytest.fixture
    def data(self, tmp_path: Path) -> dict[str, Path]:
        """Two sites of one field of view and different spacing, one that sees half of it."""
        sites = {}
        for number, (name, size) in enumerate({"fine": 64, "coarse": 32, "narrow": 32}.items()):
            rng = np.random.default_rng([4, number])
            drawn = draw_hospital("brain", Hospital(24, labels={"abnormal": 1.0}), rng, size=size)
            if name == "narrow":
                drawn = [
                    type(one)(one.pixels, one.mask, one.label, one.anatomy, tuple(mm / 2 for mm in one.spacing_mm))
                    for one in drawn
                ]
            sites[name] = write_site(drawn, tmp_path / name, format="nifti")
        return sites

    def test_masks_keep_their_values_and_follow_the_image(self, data: dict[str, Path], tmp_path: Path) -> None:
        sites, statistics, reference = fitted("resample", job(data, tmp_path / "run"))
        assert all(statistics[0].values())
        for site, at_site in sites.items():
            plain, harmonized = every(at_site.plain), every(at_site.harmonized("resample", reference))
            assert len(plain) == len(harmonized)
            for before, after in zip(plain, harmonized, strict=True):
                assert isinstance(after.target, np.ndarray)
                assert isinstance(before.target, np.ndarray)
                assert after.target.dtype == before.target.dtype
                assert set(np.unique(after.target)) <= set(np.unique(before.target))
                inside = after.pixels[:, 0].astype(float)[after.target > 0]
                outside = before.pixels[:, 0].astype(float)[before.target > 0]
                if inside.size > 20 and outside.size > 20:
                    assert abs(inside.mean() - outside.mean()) < 0.15
            if site == "narrow":
                areas = [[(sample.target > 0).sum() for sample in state] for state in (plain, harmonized)]
                assert np.median(np.divide(*reversed(areas))) == pytest.approx(0.25, abs=0.06)

    def test_one_scale_at_every_site(self, data: dict[str, Path], tmp_path: Path) -> None:
        """What lies outside of a smaller field is empty, and a millimetre is as long everywhere."""
        sites, _, reference = fitted("resample", job(data, tmp_path / "run"))
        harmonized = {site: every(at_site.harmonized("resample", reference)) for site, at_site in sites.items()}
        border = SIZE // 4 - 1
        assert all((sample.pixels[..., :border, :] == 0).all() for sample in harmonized["narrow"])
        assert all((sample.pixels[..., border + 4 : -border - 4, :] != 0).any() for sample in harmonized["narrow"])
        assert any((sample.pixels[..., :border, :] != 0).any() for sample in harmonized["fine"])

    def test_only_training_cases_are_asked_for_their_spacing(self, data: dict[str, Path], tmp_path: Path) -> None:
        sites, statistics, _ = fitted("resample", job(data, tmp_path / "before"))
        for part, same in (("test", True), ("val", True), ("train", False)):
            for site, at_site in sites.items():
                for sample in getattr(at_site.plain, part):
                    for path in data[site].glob(f"*/{sample.patient}.nii*"):
                        volume = nibabel.load(path)
                        larger = volume.affine @ np.diag([3.0, 3.0, 1.0, 1.0])
                        nibabel.save(nibabel.Nifti1Image(np.asarray(volume.dataobj), larger), path)
            assert identical(statistics, fitted("resample", job(data, tmp_path / part))[1]) is same

    def test_files_without_spacing_are_refused(self, tmp_path: Path) -> None:
        work = job(hospitals(tmp_path), tmp_path / "run")
        with pytest.raises(InputError, match="do not say how large a pixel is"):
            fitted("resample", work)


@pytest.mark.real
@pytest.mark.parametrize("name", ON_GREY)
def test_real_targets_are_the_same_objects(name: str, real_data: Path, tmp_path: Path) -> None:
    site = "busbra_aplio300" if HARMONIZERS[name].shares else "busbra_usystems"  # enough patients to share, or few
    data = {site: real_data / "breast_us" / site}
    sites, _, reference = fitted(name, job(data, tmp_path / "run"))
    assert bool(reference) is HARMONIZERS[name].shares
    for at_site in sites.values():
        for before, after in zip(every(at_site.plain), every(at_site.harmonized(name, reference)), strict=True):
            assert after.target is before.target

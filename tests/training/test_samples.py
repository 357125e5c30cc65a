"""A site's files as arrays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_hospitals import classified, plan_for, segmented

from shiftscope.errors import InputError
from shiftscope.sites import read_site
from shiftscope.training.data.model_inputs import load_samples


def test_shapes_range_and_targets(hospitals: dict[str, Path]) -> None:
    samples = load_samples(read_site(hospitals["a"], name="a"), plan_for(hospitals, image_size=24))
    for sample in (*samples.train, *samples.val, *samples.test):
        assert sample.pixels.shape == (1, 1, 24, 24)
        assert sample.pixels.dtype == np.float16
        assert 0 <= sample.pixels.min() <= sample.pixels.max() <= 1
        assert isinstance(sample.target, np.ndarray)
        assert sample.target.shape == (1, 24, 24)
        assert set(np.unique(sample.target)) == {0, 1}
        bright = sample.pixels[0, 0][sample.target[0] == 1].mean()
        assert bright > sample.pixels[0, 0][sample.target[0] == 0].mean() + 0.2
    assert len(samples.train) + len(samples.val) + len(samples.test) == 24


def test_colour_is_what_the_plan_says(tmp_path: Path) -> None:
    data = segmented(tmp_path, {"a": 1.0}, cases=4)
    picture = np.zeros((32, 32, 3), dtype=np.uint8)
    picture[..., 0] = 255
    Image.fromarray(picture).save(tmp_path / "a" / "images" / "p000.png")
    site = read_site(data["a"], name="a")
    for colour, channels in ((True, 3), (False, 1)):
        samples = load_samples(site, plan_for(data, colour=colour))
        assert {s.pixels.shape[1] for s in (*samples.train, *samples.val, *samples.test)} == {channels}
    grey = load_samples(site, plan_for(data))
    reds = [s.pixels.max() for s in (*grey.train, *grey.val, *grey.test) if np.ptp(s.pixels) == 0]
    np.testing.assert_allclose(reds, [0.299], atol=1e-3)


def test_unreadable_cases_are_counted_and_leave_the_others_in_place(tmp_path: Path) -> None:
    data = segmented(tmp_path, {"a": 1.0})
    plan = plan_for(data)
    whole = load_samples(read_site(data["a"], name="a"), plan)
    victim = tmp_path / "a" / "images" / "p003.png"
    victim.write_bytes(victim.read_bytes()[:60])
    hurt = load_samples(read_site(data["a"], name="a"), plan)
    assert sum(hurt.left_out.values()) == 1
    kept = {part: {s.patient for s in getattr(hurt, part)} for part in ("train", "val", "test")}
    assert all(kept[part] <= {s.patient for s in getattr(whole, part)} for part in kept)
    assert sum(map(len, kept.values())) == 23


def test_a_class_outside_the_plan_is_refused(tmp_path: Path) -> None:
    data = classified(tmp_path, {"a": 1.0}, cases=2)
    plan = plan_for(data, task="classification", classes=("large", "huge"), model="test_resnet")
    with pytest.raises(InputError, match="site a: class 'small' is not in the plan's classes large, huge"):
        load_samples(read_site(data["a"], name="a"), plan)


def test_segmentation_without_masks_is_refused(clinics: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="site north: none of 24 cases has a mask"):
        load_samples(read_site(clinics["north"], name="north"), plan_for(clinics))


def test_mask_values_are_classes_where_the_plan_names_them(tmp_path: Path) -> None:
    data = segmented(tmp_path, {"a": 1.0}, cases=6)
    for path in (tmp_path / "a" / "masks").iterdir():
        mask = (np.asarray(Image.open(path)) > 0).astype(np.uint8)
        mask[:4, :4] = 2
        Image.fromarray(mask).save(path)
    site = read_site(data["a"], name="a")
    target = load_samples(site, plan_for(data, classes=("lesion", "marker"))).train[0].target
    assert set(np.unique(target)) == {0, 1, 2}
    with pytest.raises(InputError, match="mask value 2, expected 0 to 1"):
        load_samples(site, plan_for(data, classes=("lesion",)))

"""Loading a case, and the fingerprint that training checks its data against."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.sites import Declarations, fingerprint, load, read_site


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    """Three images with masks, the last mask of another size."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "site" / kind).mkdir(parents=True)
    for name in "abc":
        Pillow.fromarray(rng.integers(0, 255, (20, 30), np.uint8)).save(tmp_path / "site" / "images" / f"{name}.png")
        shape = (20, 30) if name != "c" else (20, 29)
        Pillow.fromarray(rng.random(shape) > 0.5).save(tmp_path / "site" / "masks" / f"{name}.png")
    return tmp_path / "site"


def test_load_gives_image_and_mask(site_folder: Path) -> None:
    image, mask = load(read_site(site_folder).cases[0])
    assert image.pixels.shape == (1, 20, 30)
    assert mask is not None
    assert mask.labels.shape == (1, 20, 30)
    (site_folder / "masks" / "a.png").unlink()
    assert load(read_site(site_folder).cases[0])[1] is None


def test_mask_of_another_size(site_folder: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        load(read_site(site_folder).cases[2])
    assert caught.value.reason == "mask_size"
    assert "1 x 20 x 29 against 1 x 20 x 30" in caught.value.detail


def test_fingerprint_knows_content_only(site_folder: Path, tmp_path: Path) -> None:
    before = fingerprint(read_site(site_folder))
    assert len(before) == 64
    moved = tmp_path / "elsewhere"
    shutil.copytree(site_folder, moved)
    for n, name in enumerate("cab"):
        for kind in ("images", "masks"):
            (moved / kind / f"{name}.png").rename(moved / kind / f"renamed{n}.png")
    assert fingerprint(read_site(moved, name="other", given=Declarations(patient_regex=r"\d"))) == before


@pytest.mark.parametrize("change", ["pixel", "mask", "swapped masks", "fewer", "twice", "no mask"])
def test_fingerprint_sees_every_change(site_folder: Path, change: str) -> None:
    before = fingerprint(read_site(site_folder))
    images, masks = site_folder / "images", site_folder / "masks"
    if change == "pixel":
        array = np.array(Pillow.open(images / "a.png"))
        array[3, 4] ^= 1
        Pillow.fromarray(array).save(images / "a.png")
    elif change == "mask":
        Pillow.fromarray(~np.array(Pillow.open(masks / "a.png"))).save(masks / "a.png")
    elif change == "swapped masks":
        (masks / "a.png").rename(masks / "x")
        (masks / "b.png").rename(masks / "a.png")
        (masks / "x").rename(masks / "b.png")
    elif change == "fewer":
        (images / "c.png").unlink()
    elif change == "twice":
        shutil.copy(images / "a.png", images / "a2.png")
    else:
        (masks / "a.png").unlink()
    assert fingerprint(read_site(site_folder)) != before


def test_fingerprint_sees_labels(tmp_path: Path) -> None:
    for label in ("x", "y"):
        (tmp_path / label).mkdir()
        Pillow.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / label / f"{label}.png")
    before = fingerprint(read_site(tmp_path))
    (tmp_path / "y").rename(tmp_path / "z")
    assert fingerprint(read_site(tmp_path)) != before

"""Real images and masks are planted as phantoms are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

from shiftscope.phantoms import ANNOTATION, APPEARANCE, PLANTS, SIGNED, Phantom

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def cases(real_data: Path) -> list[Phantom]:
    """Three cases of every site that has masks, grey and colour."""
    found = []
    for folder in sorted(real_data.glob("*/*/masks")):
        for path in sorted(folder.glob("*.png"))[5:60:20]:
            image = next((folder.parent / "images").glob(f"{path.stem}.*"))
            with Image.open(image) as picture, Image.open(path) as outline:
                pixels = np.asarray(picture.convert("L" if picture.mode in ("L", "P") else "RGB"), np.float32) / 255
                mask = np.asarray(outline.convert("L")) > 0
            if mask.shape == pixels.shape[:2]:
                spacing = (1.0, 1.0)
                found.append(Phantom(pixels, mask.astype(np.uint8), "abnormal", folder.parent.parent.name, spacing))
    assert found, "no images with masks of their size among the real data"
    return found


@pytest.mark.parametrize("name", PLANTS)
def test_every_plant_takes_real_cases(name: str, cases: list[Phantom]) -> None:
    changed = 0
    for number, before in enumerate(cases):
        for severity in (0.3, 1.0, -1.0) if name in SIGNED else (0.3, 1.0):
            after = PLANTS[name](before, severity, np.random.default_rng(number))
            assert after.pixels.shape == before.pixels.shape
            assert np.isfinite(after.pixels).all()
            if name in APPEARANCE:
                np.testing.assert_array_equal(after.mask, before.mask)
            if name in ANNOTATION:
                np.testing.assert_array_equal(after.pixels, before.pixels)
                assert after.mask.any() == before.mask.any()
            if severity == 1.0:
                changed += bool((after.mask != before.mask).any() or (after.pixels != before.pixels).any())
    coloured = sum(case.is_colour for case in cases)
    # a large lesion leaves no room for another, a lesion at the border moves little
    assert changed >= (
        coloured if name == "colour_cast" else 0.6 * len(cases) if name == "lesion_count" else len(cases)
    )


def test_lesions_of_real_cases_are_multiplied(cases: list[Phantom]) -> None:
    added = [
        label(PLANTS["lesion_count"](case, 1.0, np.random.default_rng(0)).mask)[1] - label(case.mask)[1]
        for case in cases
        if case.mask.any()
    ]
    assert np.mean(added) > 1

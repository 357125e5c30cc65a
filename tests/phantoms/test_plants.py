"""Every plant moves what it says, and nothing else."""

import numpy as np
import pytest
from scipy.ndimage import laplace

from shiftscope.phantoms import ANATOMIES, ANNOTATION, APPEARANCE, PLANTS, SIGNED, STRUCTURE, Phantom

SUBJECTS = {
    "ultrasound": {"label": "benign"},
    "endoscopy": {"label": "abnormal"},
    "brain": {"label": "abnormal", "depth": 6},
}


def subject(name: str = "ultrasound", seed: int = 1) -> Phantom:
    return ANATOMIES[name](np.random.default_rng(seed), size=96, **SUBJECTS[name])


def planted(phantom: Phantom, name: str, severity: float, seed: int = 0) -> Phantom:
    return PLANTS[name](phantom, severity, np.random.default_rng(seed))


def radius(mask: np.ndarray) -> float:
    return float(np.sqrt(mask.sum() / np.pi))


def roughness(phantom: Phantom) -> float:
    return float(np.abs(laplace(phantom.pixels)).mean())


@pytest.mark.parametrize("name", PLANTS)
@pytest.mark.parametrize("anatomy", SUBJECTS)
def test_severity_0_changes_nothing(name: str, anatomy: str) -> None:
    before = subject(anatomy)
    after = planted(before, name, 0.0)
    np.testing.assert_allclose(after.pixels, before.pixels, atol=1e-5)
    np.testing.assert_array_equal(after.mask, before.mask)


@pytest.mark.parametrize("name", APPEARANCE)
@pytest.mark.parametrize("anatomy", SUBJECTS)
def test_appearance_leaves_the_mask(name: str, anatomy: str) -> None:
    before = subject(anatomy)
    for severity in (1.0, -1.0) if name in SIGNED else (1.0,):
        after = planted(before, name, severity)
        np.testing.assert_array_equal(after.mask, before.mask)
        assert 0 <= after.pixels.min() <= after.pixels.max() <= 1
        moved = np.abs(after.pixels - before.pixels).mean()
        assert moved == 0 if name == "colour_cast" and not before.is_colour else moved > 0.002


@pytest.mark.parametrize("name", ANNOTATION)
@pytest.mark.parametrize("anatomy", SUBJECTS)
def test_annotation_leaves_the_pixels(name: str, anatomy: str) -> None:
    before = subject(anatomy)
    after = planted(before, name, 1.0)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    assert (after.mask != before.mask).any()


@pytest.mark.parametrize("name", STRUCTURE)
@pytest.mark.parametrize("anatomy", SUBJECTS)
def test_structure_moves_pixels_and_mask_together(name: str, anatomy: str) -> None:
    """A warp of the mask painted into the image lands where the warped mask does."""
    plain = subject(anatomy)
    painted = plain.mask[..., None].repeat(3, axis=-1) if plain.is_colour else plain.mask
    before = plain.with_pixels(painted.astype(np.float32))
    after = planted(before, name, 0.6)
    seen = (after.pixels[..., 0] if after.is_colour else after.pixels) > 0.5
    assert (after.mask != before.mask).any()
    assert (seen != (after.mask > 0)).mean() < 0.003


@pytest.mark.parametrize("name", PLANTS)
def test_the_same_chance_gives_the_same_phantom(name: str) -> None:
    before = subject()
    first, again = planted(before, name, 0.7, seed=4), planted(before, name, 0.7, seed=4)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)


@pytest.mark.parametrize("name", PLANTS)
def test_an_empty_mask_is_no_obstacle(name: str) -> None:
    before = subject().with_mask(np.zeros((96, 96)))
    assert not planted(before, name, 1.0).mask.any()


def test_intensity_plants_follow_their_formulas() -> None:
    before = subject()
    np.testing.assert_allclose(planted(before, "gamma", 1.0).pixels, before.pixels**2.5, atol=1e-6)
    np.testing.assert_allclose(planted(before, "gamma", -1.0).pixels, before.pixels**0.4, atol=1e-6)
    np.testing.assert_allclose(planted(before, "brightness", 0.6).pixels, 0.8 * before.pixels + 0.2, atol=1e-6)
    np.testing.assert_allclose(planted(before, "brightness", -0.6).pixels, 0.8 * before.pixels, atol=1e-6)
    np.testing.assert_allclose(planted(before, "inversion", 1.0).pixels, 1 - before.pixels, atol=1e-6)
    flat = planted(before, "contrast", 1.0).pixels
    assert flat.std() == pytest.approx(before.pixels.std() / 2.5, rel=1e-3)
    assert flat.mean() == pytest.approx(before.pixels.mean(), rel=1e-3)


def test_noise_has_the_stated_deviation() -> None:
    grey = subject().with_pixels(np.full((96, 96), 0.5))
    assert planted(grey, "noise", 0.5).pixels.std() == pytest.approx(0.06, rel=0.03)


@pytest.mark.parametrize("name", ["blur", "downsampling"])
def test_resolution_is_lost_and_brightness_kept(name: str) -> None:
    before = subject()
    after = planted(before, name, 1.0)
    assert roughness(after) < 0.6 * roughness(before)
    assert after.pixels.mean() == pytest.approx(before.pixels.mean(), abs=0.01)
    ramp = before.with_pixels(np.linspace(0, 1, 96)[None].repeat(96, axis=0))
    np.testing.assert_allclose(planted(ramp, name, 1.0).pixels[:, 8:-8], ramp.pixels[:, 8:-8], atol=0.01)


def test_a_bias_field_is_a_smooth_gain() -> None:
    gain = planted(subject().with_pixels(np.full((96, 96), 0.3)), "bias_field", 0.5).pixels / 0.3
    assert 0.05 < np.log(gain).std() < 0.5
    assert np.abs(np.diff(gain, axis=0)).max() < 0.05


def test_a_colour_cast_shifts_red_against_blue() -> None:
    before = subject("endoscopy")

    def balance(phantom: Phantom) -> float:
        return float(np.log(phantom.pixels[..., 2].mean() / phantom.pixels[..., 0].mean()))

    assert balance(planted(before, "colour_cast", 0.5)) > balance(before) + 0.2
    assert balance(planted(before, "colour_cast", -0.5)) < balance(before) - 0.2


@pytest.mark.parametrize("severity", [-1.0, -0.4, 0.5, 1.0])
def test_lesion_scale_multiplies_the_area(severity: float) -> None:
    ratios = []
    for seed in range(12):
        before = subject(seed=seed)
        ratios.append(planted(before, "lesion_scale", severity).mask.sum() / before.mask.sum())
    assert np.median(ratios) == pytest.approx(2.5**severity, rel=0.06)


def test_lesion_scale_multiplies_the_volume() -> None:
    before = ANATOMIES["brain"](np.random.default_rng(3), size=64, depth=32, label="abnormal")
    assert planted(before, "lesion_scale", 0.5).mask.sum() / before.mask.sum() == pytest.approx(2.5**0.5, rel=0.1)


def test_lesion_location_moves_the_centre_and_keeps_the_area() -> None:
    before = subject(seed=3)
    after = planted(before, "lesion_location", 1.0)
    step = np.argwhere(after.mask).mean(axis=0) - np.argwhere(before.mask).mean(axis=0)
    np.testing.assert_allclose(step, 0.08 * 96, atol=0.3)
    assert after.mask.sum() == pytest.approx(before.mask.sum(), rel=0.03)


def test_structure_plants_leave_the_far_corner() -> None:
    before = subject()
    for name in ("lesion_scale", "lesion_location"):
        after = planted(before, name, 0.5)
        np.testing.assert_allclose(after.pixels[:4, :4], before.pixels[:4, :4], atol=1e-5)


@pytest.mark.parametrize("severity", [-1.0, 0.5])
def test_zoom_multiplies_every_length(severity: float) -> None:
    before = subject(seed=2)
    assert planted(before, "zoom", severity).mask.sum() == pytest.approx(before.mask.sum() * 2.25**severity, rel=0.06)


def test_structure_plants_keep_the_texture() -> None:
    before = subject()
    assert roughness(planted(before, "zoom", 0.3)) > 0.6 * roughness(before)


@pytest.mark.parametrize("severity", [1.0, -1.0])
def test_dilation_moves_the_outline_by_3_percent(severity: float) -> None:
    before = subject(seed=2)
    grown = radius(planted(before, "dilated_masks", severity).mask) - radius(before.mask)
    assert grown == pytest.approx(0.03 * 96 * severity, abs=0.5)


def test_erosion_never_loses_a_lesion() -> None:
    dot = np.zeros((96, 96))
    dot[50, 50] = 1
    assert planted(subject().with_mask(dot), "dilated_masks", -1.0).mask.any()


def test_jagged_masks_are_rougher_around_the_same_place() -> None:
    before = subject(seed=2)
    after = planted(before, "jagged_masks", 1.0)

    def rim(mask: np.ndarray) -> int:
        return int(np.abs(np.diff(mask.astype(int), axis=0)).sum() + np.abs(np.diff(mask.astype(int), axis=1)).sum())

    assert rim(after.mask) > 1.1 * rim(before.mask)
    both = (after.mask & before.mask).sum() * 2 / (after.mask.sum() + before.mask.sum())
    assert 0.6 < both < 0.97

"""Every plant moves what it says, and nothing else."""

import numpy as np
import pytest
from scipy.ndimage import label, laplace
from skimage.transform import resize

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


def case(pixels: np.ndarray, mask: np.ndarray) -> Phantom:
    """What a real image looks like to a plant: any shape, grey or colour."""
    return Phantom(pixels.astype(np.float32), mask.astype(np.uint8), "benign", "ultrasound", (1.0, 1.0))


def two_lesions(rows: int, columns: int) -> np.ndarray:
    """A large round lesion with a hole and a small one."""
    y, x = np.mgrid[:rows, :columns] / columns
    middle = 0.5 * rows / columns
    distance = np.hypot(y - middle, x - 0.4)
    return (distance < 0.2) & (distance > 0.04) | (np.hypot(y - 1.2 * middle, x - 0.8) < 0.05)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


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
    lesion = (after.pixels[..., 0] if after.is_colour else after.pixels) > 0.5
    assert (after.mask != before.mask).any()
    assert (lesion != (after.mask > 0)).mean() < 0.003


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


@pytest.mark.parametrize("name", PLANTS)
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("shape", [(211, 300), (300, 211)])
def test_real_shapes_are_planted_too(name: str, colour: bool, shape: tuple[int, int]) -> None:
    mask = two_lesions(*shape)
    pixels = 0.3 + 0.3 * np.random.default_rng(5).random((*shape, 3) if colour else shape)
    after = planted(case(pixels, mask), name, 0.5)
    assert after.pixels.shape == pixels.shape
    assert after.mask.shape == shape
    assert np.isfinite(after.pixels).all()
    moved = (after.mask != mask).any() or (after.pixels != pixels.astype(np.float32)).any()
    assert moved == (colour or name != "colour_cast")


@pytest.mark.parametrize("name", sorted(set(ANNOTATION) | {"speckle", "blur", "vignette", "window", "jpeg"}))
def test_effects_do_not_depend_on_the_matrix(name: str) -> None:
    """The same picture at 160 and at 640 pixels is changed alike, as seen at 80."""
    effects = []
    for size in (160, 640):
        mask = two_lesions(size, size)
        after = planted(case(0.2 + 0.5 * mask, mask), name, 0.8)
        changed = [after.pixels - (0.2 + 0.5 * mask), after.mask.astype(float) - mask]
        effects.append([np.abs(resize(change, (80, 80), anti_aliasing=True)).mean() for change in changed])
    tolerance = 0.5 if name in ("jpeg", "jagged_masks") else 0.25
    np.testing.assert_allclose(effects[0], effects[1], rtol=tolerance, atol=1e-3)


@pytest.mark.parametrize("severity", [0.6, -0.6])
def test_a_window_cuts_one_end_and_stretches_the_rest(severity: float) -> None:
    ramp = case(np.linspace(0, 1, 101)[None].repeat(4, axis=0), np.zeros((4, 101)))
    after = planted(ramp, "window", severity).pixels[0]
    lost = slice(0, 28) if severity < 0 else slice(73, None)
    np.testing.assert_allclose(after[lost], 0.0 if severity < 0 else 1.0, atol=1e-5)
    assert np.diff(np.delete(after, np.arange(101)[lost])) == pytest.approx(0.01 / 0.73, rel=1e-3)


def test_speckle_multiplies_and_keeps_the_mean() -> None:
    size = 256
    flat = np.full((size, size), 0.2)
    flat[:, size // 2 :] = 0.1
    after = planted(case(flat, np.zeros_like(flat)), "speckle", 0.5).pixels
    left, right = after[:, : size // 2], after[:, size // 2 :]
    assert after.mean() == pytest.approx(0.15, rel=0.02)
    assert left.std() / left.mean() == pytest.approx(np.sqrt(np.exp(0.1**2) - 1), rel=0.05)
    assert right.std() / left.std() == pytest.approx(0.5, rel=0.1)
    neighbours = np.corrcoef(left[:, :-1].ravel(), left[:, 1:].ravel())[0, 1]
    apart = np.corrcoef(left[:, :-12].ravel(), left[:, 12:].ravel())[0, 1]
    assert neighbours > 0.6
    assert abs(apart) < 0.1


def test_jpeg_makes_blocks_of_8_pixels() -> None:
    smooth = np.linspace(0.2, 0.8, 128)[None] * np.linspace(0.5, 1, 128)[:, None]
    after = planted(case(smooth, np.zeros_like(smooth)), "jpeg", 1.0).pixels
    steps = np.abs(np.diff(after, axis=1)).mean(axis=0)
    borders = np.arange(7, 127, 8)
    assert steps[borders].mean() > 5 * np.delete(steps, borders).mean()


def test_jpeg_loses_more_at_greater_severity() -> None:
    before = subject("endoscopy")
    lost = [float(np.abs(planted(before, "jpeg", s).pixels - before.pixels).mean()) for s in (0.3, 0.6, 1.0)]
    assert lost[0] > 0.002
    assert lost == sorted(lost)


def test_a_vignette_darkens_the_corners_to_a_quarter_at_every_case() -> None:
    flat = np.full((90, 160), 0.8)
    first, second = (planted(case(flat, flat > 1), "vignette", 1.0, seed=seed).pixels for seed in (0, 1))
    np.testing.assert_array_equal(first, second)
    assert first[0, 0] == pytest.approx(0.2, rel=0.05)
    assert first[45, 80] == pytest.approx(0.8, rel=0.01)
    np.testing.assert_allclose(first, first[::-1, ::-1], atol=1e-6)


def test_field_of_view_cuts_the_lower_right_or_adds_black_there() -> None:
    before = subject(seed=2)
    near = planted(before, "field_of_view", 0.5)
    kept = round(96 * 0.75**0.5)
    np.testing.assert_allclose(near.pixels, resize(before.pixels[:kept, :kept], (96, 96), order=3), atol=0.25)
    assert np.abs(near.pixels - resize(before.pixels[:kept, :kept], (96, 96), order=3)).mean() < 0.03
    far = planted(before, "field_of_view", -1.0)
    edge = round(96 * 0.75) + 2
    assert far.pixels[edge:].max() < 0.03  # a cubic rings a little at the border
    assert far.pixels[:, edge:].max() < 0.03
    assert far.pixels[: edge - 4, : edge - 4].mean() > 0.8 * before.pixels.mean()


@pytest.mark.parametrize("name", ["zoom", "field_of_view"])
def test_framing_keeps_a_lesion_its_millimetres(name: str) -> None:
    before = subject(seed=2)
    after = planted(before, name, -0.8)
    sizes = [p.mask.sum() * np.prod(p.spacing_mm) for p in (before, after)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)


@pytest.mark.parametrize("severity", [0.3, 0.6, 1.0])
def test_polygons_have_few_corners_and_the_same_area(severity: float) -> None:
    mask = two_lesions(256, 256)
    after = planted(case(0.5 * mask, mask), "polygonal_masks", severity).mask
    assert label(after)[1] == 2
    assert label(1 - after)[1] == 2  # the ground and the hole
    assert after.sum() == pytest.approx(mask.sum(), rel=0.03)
    assert dice(after > 0, mask) < 0.99


def test_polygons_are_rougher_the_fewer_their_corners() -> None:
    mask = two_lesions(256, 256)
    shared = [dice(planted(case(0.5 * mask, mask), "polygonal_masks", s).mask > 0, mask) for s in (0.1, 0.3, 1.0)]
    assert shared == sorted(shared, reverse=True)
    assert shared[-1] < 0.92


def test_coarse_masks_are_made_of_cells() -> None:
    mask = two_lesions(240, 240)
    after = planted(case(0.5 * mask, mask), "coarse_masks", 1.0).mask  # cells of 12 pixels
    cells = after.reshape(20, 12, 20, 12)
    assert (cells == cells[:, :1, :, :1]).all()
    assert 0.75 < dice(after > 0, mask) < 0.97


@pytest.mark.parametrize("name", ["coarse_masks", "polygonal_masks", "dilated_masks"])
def test_no_lesion_is_lost_for_being_small(name: str) -> None:
    mask = np.zeros((200, 200))
    mask[40:90, 40:90] = 1
    mask[150, 150] = mask[100, 180] = mask[199, 0] = 1
    for severity in (0.3, 1.0):
        after = planted(case(mask, mask), name, -severity if name == "dilated_masks" else severity)
        assert label(after.mask)[1] == 4


@pytest.mark.parametrize("severity", [0.3, 1.0])
def test_eccentricity_lengthens_a_lesion_of_the_same_area(severity: float) -> None:
    def aspect(mask: np.ndarray) -> float:
        small, large = np.linalg.eigvalsh(np.cov(np.argwhere(mask).T))
        return float(np.sqrt(large / small))

    ratios, areas = [], []
    for seed in range(8):
        before = ANATOMIES["ultrasound"](np.random.default_rng(seed), size=128, label="malignant")
        after = planted(before, "lesion_eccentricity", severity)
        ratios.append(aspect(after.mask) / aspect(before.mask))
        areas.append(after.mask.sum() / before.mask.sum())
    assert np.median(ratios) == pytest.approx(2**severity, rel=0.05)
    assert np.median(areas) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("anatomy", SUBJECTS)
def test_count_adds_lesions_like_the_first(anatomy: str) -> None:
    before = subject(anatomy, seed=3)
    after = planted(before, "lesion_count", 1.0)
    parts, count = label(after.mask)
    assert count == label(before.mask)[1] + 2
    assert (after.mask >= before.mask).all()
    untouched = after.mask == before.mask
    for part in range(1, count + 1):
        lesion = parts == part
        if (before.mask[lesion] == 0).all():
            assert after.pixels[lesion].mean() == pytest.approx(before.pixels[before.mask > 0].mean(), abs=0.06)
    assert np.abs(after.pixels - before.pixels)[untouched].mean() < 0.02


def test_count_is_severity_on_average() -> None:
    before = subject(seed=3)
    added = [label(planted(before, "lesion_count", 0.3, seed=seed).mask)[1] - 1 for seed in range(200)]
    assert set(added) == {0, 1}
    assert np.mean(added) == pytest.approx(0.6, abs=0.1)


def test_a_copied_lesion_is_the_lesion() -> None:
    """Where there is room, pixels and outline are copied as they are."""
    rng = np.random.default_rng(12)
    mask = np.zeros((120, 160))
    mask[20:35, 20:40] = mask[22, 15:20] = 1
    after = planted(case(0.2 + 0.1 * rng.random(mask.shape) + 0.5 * mask, mask), "lesion_count", 0.5)
    parts, count = label(after.mask)
    assert count == 2
    first, second = (np.argwhere(parts == part) for part in (1, 2))
    np.testing.assert_array_equal(first - first.min(axis=0), second - second.min(axis=0))
    np.testing.assert_allclose(after.pixels[tuple(first.T)], after.pixels[tuple(second.T)], atol=1e-5)


def test_no_room_for_another_lesion() -> None:
    mask = np.ones((60, 60))
    mask[:4] = 0
    assert planted(case(mask, mask), "lesion_count", 1.0).mask.sum() == mask.sum()


def test_shrinking_does_not_fold_the_tissue() -> None:
    """Columns keep their order along a line through the lesion, down to severity -1."""
    before = subject(seed=2)
    ramp = before.with_pixels(np.linspace(0, 1, 96)[None].repeat(96, axis=0))
    row = round(float(np.argwhere(before.mask)[:, 0].mean()))
    for severity in (-1.0, -0.6, 1.0):
        assert np.diff(planted(ramp, "lesion_scale", severity).pixels[row, 8:-8]).min() > 0

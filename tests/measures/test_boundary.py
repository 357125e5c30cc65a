"""Lesions whose edge is known because it was drawn, with masks that miss it by a known amount."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from skimage.draw import polygon2mask

from shiftscope.measures.lesions import boundary, contours
from shiftscope.measures.lesions.boundary import MEASURES, VECTOR, measure
from shiftscope.measures.lesions.contours import trace

SIDE = 256


def lesion(
    radius: float = 40.0,
    squash: float = 1.0,
    size: int = SIDE,
    inside: float = 0.3,
    outside: float = 0.6,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """A speckled picture (1, size, size) of an elliptic lesion with a soft edge, and its true mask."""
    y, x = np.mgrid[:size, :size] - size / 2.0
    true = (y / squash) ** 2 + x**2 <= radius**2
    clean = ndimage.gaussian_filter(np.where(true, inside, outside), 1.5 * size / SIDE)
    speckle = np.random.default_rng(seed).rayleigh(0.8, size=clean.shape)
    return np.clip(clean * speckle, 0, 1)[None].astype(np.float32), true[None]


def grown(mask: np.ndarray, pixels: float) -> np.ndarray:
    """The mask with its border moved outwards by so many pixels, inwards where negative."""
    outside, inside = ndimage.distance_transform_edt(~mask[0]), ndimage.distance_transform_edt(mask[0])
    return (np.where(mask[0], 0.5 - inside, outside - 0.5) < pixels)[None]


def values(pixels: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    return {name: value for name, value in measure(pixels, mask).items() if value is not None}


def mean_offset(grow: float, **kinds: float) -> float:
    pairs = [lesion(seed=seed, **kinds) for seed in range(6)]
    return float(np.mean([values(pixels, grown(mask, grow))["offset"] for pixels, mask in pairs]))


def test_keys_are_those_of_the_records() -> None:
    assert list(measure(*lesion())) == list(MEASURES)
    assert set(VECTOR) <= set(MEASURES)


@pytest.mark.parametrize("record", MEASURES.values(), ids=lambda record: record.name)
def test_records_say_everything(record) -> None:
    for text in (record.sentence, record.formula, record.direction, record.undefined):
        assert text
    assert "doi:10." in record.reference
    assert record.range[0] < record.range[1]


@pytest.mark.parametrize("contrast", [(0.3, 0.6), (0.6, 0.3)], ids=["dark", "bright"])
def test_offset_follows_the_growth_of_the_mask(contrast: tuple[float, float]) -> None:
    found = [mean_offset(grow, inside=contrast[0], outside=contrast[1]) for grow in (-3, -2, -1, 0, 1, 2, 3)]
    assert found == sorted(found, reverse=True)
    assert found == pytest.approx([3, 2, 1, 0, -1, -2, -3], abs=0.5)


def test_true_size_and_shape_do_not_move_the_offset() -> None:
    found = [mean_offset(0, radius=radius, squash=squash) for radius in (15, 30, 60) for squash in (1.0, 0.6)]
    assert found == pytest.approx([0.0] * len(found), abs=0.3)


def test_offset_is_told_on_the_canvas_not_in_pixels_of_the_file() -> None:
    small, large = lesion(), lesion(radius=120.0, size=3 * SIDE)
    first = values(small[0], grown(small[1], 2))
    second = values(large[0], grown(large[1], 6))
    assert second["offset"] == pytest.approx(first["offset"], abs=0.4)
    assert first["offset_relative"] == pytest.approx(first["offset"] / 42, rel=0.02)


def test_offset_ignores_brightness_and_contrast() -> None:
    pixels, mask = lesion()
    for other in (pixels**0.5, pixels * 0.4 + 0.2, 1 - pixels):
        assert values(other, mask)["offset"] == pytest.approx(values(pixels, mask)["offset"], abs=0.5)


def test_grey_stored_as_colour_is_grey() -> None:
    pixels, mask = lesion()
    assert measure(np.repeat(pixels[..., None], 3, axis=-1), mask) == pytest.approx(measure(pixels, mask), abs=0.05)


@pytest.mark.parametrize("grow", [-2, 0, 2])
def test_an_edge_of_colour_alone_is_found(grow: int) -> None:
    """Red and green swap while their sum, hence a grey image, stays the same."""
    (warm, mask), (cold, _) = lesion(inside=0.3, outside=0.6), lesion(inside=0.6, outside=0.3)
    pixels = np.stack([warm, cold, np.full_like(warm, 0.2)], axis=-1)
    assert values(pixels, grown(mask, grow))["offset"] == pytest.approx(-grow, abs=0.5)


@pytest.mark.parametrize("turned", [lambda a: a[:, ::-1], lambda a: a[:, :, ::-1], lambda a: np.rot90(a, axes=(1, 2))])
def test_flips_and_turns_move_nothing(turned) -> None:
    pixels, mask = lesion(squash=0.7)
    mask = grown(mask, -1)
    assert measure(turned(pixels), turned(mask)) == pytest.approx(measure(pixels, mask), abs=0.1)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.5, 2.0]))
@settings(max_examples=20, deadline=None)
def test_intensities_move_nothing_but_the_offset(seed: int, gamma: float) -> None:
    pixels, mask = lesion(radius=20, size=64, seed=seed % 5)
    other = np.random.default_rng(seed).random(pixels.shape, np.float32) ** gamma
    for name in ("roughness", "polygonality", "holes", "empty"):
        assert measure(other, mask)[name] == measure(pixels, mask)[name]


@pytest.mark.parametrize("gap", [20, 4])
def test_an_edge_beyond_reach_is_no_edge(gap: int) -> None:
    """A ring 20 px away must not be taken for the edge that the mask itself misses; one 4 px away is the edge."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2.0
    pixels = ndimage.gaussian_filter((np.hypot(y, x) < 40 + gap).astype(np.float32), 1.0)[None]
    found = measure(pixels, (np.hypot(y, x) < 40)[None])["offset"]
    assert found is None if gap == 20 else found == pytest.approx(4, abs=0.3)


def test_without_an_edge_there_is_no_offset_but_a_line() -> None:
    _, mask = lesion()
    found = measure(np.full(mask.shape, 0.5, np.float32), mask)
    assert found["offset"] is found["offset_relative"] is None
    assert found["roughness"] is not None


def test_jagged_contours_are_rough() -> None:
    pixels, mask = lesion()
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2.0
    teeth = np.interp(
        np.arctan2(y, x), np.linspace(-math.pi, math.pi, 121), rng.normal(0, 2.0, 121), period=2 * math.pi
    )
    jagged = (np.hypot(y, x) <= 40 + teeth)[None]
    assert values(pixels, mask)["roughness"] < 0.4
    assert values(pixels, jagged)["roughness"] > 2 * values(pixels, mask)["roughness"]


def spread(*pairs: tuple[np.ndarray, np.ndarray]) -> float:
    return float(np.mean([values(pixels, mask)["offset_spread"] for pixels, mask in pairs]))


def wandering(mask: np.ndarray, amplitude: float, seed: int, waves: int = 7) -> np.ndarray:
    """The disk's mask with an outline that leaves its edge and comes back, slower than roughness can see."""
    phase = np.random.default_rng(seed).uniform(0, 2 * math.pi)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2.0
    away = amplitude * np.sin(waves * np.arctan2(y, x) + phase)
    return (np.hypot(y, x) <= math.sqrt(mask.sum() / math.pi) + away)[None]


def clean_disk(radius: float) -> tuple[np.ndarray, np.ndarray]:
    """A disk without speckle, and its true mask."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2.0
    mask = np.hypot(y, x) <= radius
    return ndimage.gaussian_filter(np.where(mask, 0.3, 0.6), 1.5).astype(np.float32)[None], mask[None]


@pytest.mark.parametrize("radius", [20.0, 40.0, 60.0])
def test_true_contours_follow_the_edge_steadily(radius: float) -> None:
    """To a tenth of a pixel; full speckle, which moves the edge itself, adds one."""
    assert spread(clean_disk(radius)) < 0.1
    assert spread(*(lesion(radius=radius, seed=seed) for seed in range(6))) < 1.3


def test_a_wandering_contour_is_told_by_how_far_it_wanders() -> None:
    pairs = [lesion(seed=seed) for seed in range(6)]
    found = [
        spread(*((pixels, wandering(mask, amplitude, seed)) for seed, (pixels, mask) in enumerate(pairs)))
        for amplitude in (0.0, 1.0, 2.0, 3.0)
    ]
    assert found == sorted(found)
    assert found[3] > found[0] + 1.5
    # a sine's median distance from 0 is its amplitude over the square root of 2
    assert found[3] == pytest.approx(1.4826 * 3 / math.sqrt(2), rel=0.25)


@pytest.mark.parametrize("tooth", [1.0, 2.0])
def test_jagged_contours_follow_the_edge_unsteadily(tooth: float) -> None:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2.0
    masks = []
    for _ in range(6):
        knots = rng.normal(0, tooth, 61)
        teeth = np.interp(np.arctan2(y, x), np.linspace(-math.pi, math.pi, 61), knots, period=2 * math.pi)
        masks.append((np.hypot(y, x) <= 40 + teeth)[None])
    assert spread(*((clean_disk(40)[0], mask) for mask in masks)) > 0.4 * tooth
    speckled = [lesion(seed=seed) for seed in range(6)]
    jagged = [(pixels, mask) for (pixels, _), mask in zip(speckled, masks, strict=True)]
    assert spread(*jagged) > spread(*speckled) + 0.2 * tooth


@pytest.mark.parametrize("grow", [-2, -1, 1, 2])
def test_a_mask_grown_all_around_is_no_less_steady(grow: int) -> None:
    pixels, mask = clean_disk(40)
    assert spread((pixels, grown(mask, grow))) == pytest.approx(spread((pixels, mask)), abs=0.2)
    pairs = [lesion(seed=seed) for seed in range(6)]
    assert spread(*((pixels, grown(mask, grow)) for pixels, mask in pairs)) == pytest.approx(spread(*pairs), abs=0.15)


def test_coarsely_rastered_masks_are_rough() -> None:
    pixels, mask = lesion()
    coarse = mask[:, ::6, ::6].repeat(6, axis=1).repeat(6, axis=2)[:, :SIDE, :SIDE]
    assert values(pixels, coarse)["roughness"] > 2 * values(pixels, mask)["roughness"]


@pytest.mark.parametrize("corners", [4, 5, 7])
def test_clicked_polygons_are_polygonal(corners: int) -> None:
    pixels, _ = lesion()
    angles = np.arange(corners) / corners * 2 * math.pi + 0.2
    mask = polygon2mask((SIDE, SIDE), 128 + 50 * np.column_stack([np.sin(angles), np.cos(angles)]))[None]
    assert values(pixels, mask)["polygonality"] > 0.7


@pytest.mark.parametrize("squash", [1.0, 0.7, 0.5])
@pytest.mark.parametrize("radius", [20.0, 40.0, 80.0])
def test_drawn_ellipses_are_not_polygonal(radius: float, squash: float) -> None:
    assert values(*lesion(radius=radius, squash=squash))["polygonality"] < 0.2


def test_holes_by_hand() -> None:
    mask = np.zeros((1, 64, 64), int)
    mask[0, 10:30, 10:30] = 1
    mask[0, 15:20, 15:23] = 0
    assert values(np.random.default_rng(0).random((1, 64, 64), np.float32), mask)["holes"] == pytest.approx(40 / 400)


def test_empty_is_only_empty() -> None:
    pixels, mask = lesion()
    assert values(pixels, np.zeros_like(mask)) == {"empty": 1.0}


def test_a_mask_that_is_the_field_of_view_has_no_contour() -> None:
    pixels, mask = lesion()
    assert values(pixels, np.ones_like(mask)) == {"holes": 0.0, "empty": 0.0}


def test_a_lesion_cut_by_the_canvas_is_measured_on_the_rest() -> None:
    pixels, mask = lesion()
    whole, cut = values(pixels, grown(mask, -2)), values(pixels[:, 128:], grown(mask, -2)[:, 128:])
    assert cut["offset"] == pytest.approx(whole["offset"], abs=0.6)
    assert cut["polygonality"] < 0.2


@pytest.mark.parametrize("width", [1, 2, 4])
def test_tiny_masks_do_not_fail(width: int) -> None:
    pixels, mask = lesion()
    mask = np.zeros_like(mask)
    mask[0, 100, 100 : 100 + width] = True
    assert measure(pixels, mask)["empty"] == 0


def test_a_volume_is_measured_on_its_largest_slice() -> None:
    pixels, mask = lesion()
    volume = np.concatenate([pixels[:, ::-1], pixels, pixels])
    masks = np.concatenate([grown(mask, -9), mask, np.zeros_like(mask)])
    assert measure(volume, masks) == measure(pixels, mask)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected that of the image"):
        measure(np.zeros((1, 5, 5), np.float32), np.ones((1, 5, 6)))


@pytest.mark.parametrize("radius", [10.0, 25.0, 60.0])
def test_a_traced_disk_has_its_radius_and_normals_point_outwards(radius: float) -> None:
    _, mask = lesion(radius=radius)
    contour = trace(mask[0].astype(np.float32), (0.0, 0.0), (SIDE, SIDE), 1.0)
    assert contour is not None
    spokes = contour.points - (128.5 + 128.5j)
    assert np.abs(spokes) == pytest.approx(np.full(len(spokes), radius), abs=0.7)
    assert np.abs(spokes).mean() == pytest.approx(radius, abs=0.15)
    assert contour.radius == pytest.approx(radius, abs=0.1)
    normals = contour.normals(2.0)
    assert np.abs(normals) == pytest.approx(np.ones(len(normals)))
    assert (normals * spokes.conj()).real.min() > 0.95 * radius


def test_roughness_hardly_depends_on_size() -> None:
    found = [values(*lesion(radius=radius))["roughness"] for radius in (12.0, 25.0, 50.0, 90.0)]
    assert max(found) - min(found) < 0.06


@pytest.mark.real
@pytest.mark.parametrize("site", ["breast_us/busbra_logiq5", "polyp/cvc_clinicdb"])
def test_growing_real_masks_moves_the_offset_by_as_much(site: str, real_data: Path) -> None:
    moved = []
    for path in sorted((real_data / site / "masks").iterdir())[::6]:
        mask = np.asarray(Image.open(path).convert("L"))[None] > 127
        image = next((real_data / site / "images").glob(f"{path.stem}.*"))
        pixels = np.asarray(Image.open(image).convert("RGB"), dtype=np.float32)[None] / 255
        moved.append([measure(pixels, grown(mask, grow))["offset"] for grow in (0, 1, 2, 3)])
    table = np.array(moved, dtype=float)
    mean = np.nanmean(table - table[:, :1], axis=0)
    assert mean == pytest.approx([0, -1, -2, -3], abs=0.75)
    assert mean[1] < -0.5


@pytest.mark.parametrize("pixel", [1.0, 0.6])
@pytest.mark.parametrize("shape", [(30, 41), (30, 41, 3), (1, 12), (9, 1), (1, 1, 2)])
def test_samples_along_normals_are_those_of_scipy(shape: tuple[int, ...], pixel: float) -> None:
    """Within the picture, at its edge and beyond it."""
    rng = np.random.default_rng(len(shape))
    bands = rng.random(shape)
    patch = boundary._Patch(bands, bands, (3.0, 7.5), pixel)
    points = rng.uniform(0, 50, 80) + 1j * rng.uniform(0, 40, 80)
    normals, away = np.exp(1j * rng.uniform(0, 6, 80)), np.linspace(-4, 5, 11)
    found, known = patch.sample(bands, points, normals, away)
    places = points[:, None] + normals[:, None] * away
    y, x = (places.imag - 3.0) / pixel - 0.5, (places.real - 7.5) / pixel - 0.5
    planes = bands.reshape(*shape[:2], -1)
    expected = [
        ndimage.map_coordinates(planes[..., c], [y, x], order=1, mode="nearest") for c in range(planes.shape[2])
    ]
    np.testing.assert_allclose(found.reshape(80, 11, -1), np.stack(expected, axis=-1), atol=1e-12)
    np.testing.assert_array_equal(known, (y > -1) & (y < shape[0]) & (x > -1) & (x < shape[1]))


@pytest.mark.parametrize("sigma", [0.4, 3.0, 40.0])
def test_smoothing_along_the_contour_is_that_of_scipy(sigma: float) -> None:
    """Closed, and over what is known alone; a kernel longer than the contour goes round."""
    ribbon = np.random.default_rng(0).random((256, 7))
    for known in (np.ones(ribbon.shape, dtype=bool), ribbon > 0.3):
        share = ndimage.gaussian_filter1d(known.astype(float), sigma, axis=0, mode="wrap")
        whole = ndimage.gaussian_filter1d(ribbon * known, sigma, axis=0, mode="wrap")
        np.testing.assert_allclose(
            boundary._along(ribbon, known, sigma), whole / np.maximum(share, 1e-3), atol=1e-12, rtol=0
        )
    slopes = ndimage.gaussian_filter1d(ribbon, 2.0, axis=1, order=1, mode="nearest")
    np.testing.assert_allclose(ribbon @ boundary._derivative(7), slopes, atol=1e-13)


def test_large_pictures_are_seen_in_block_means() -> None:
    bands = np.random.default_rng(1).random((12, 20, 3)).astype(np.float32)
    expected = bands.reshape(3, 4, 5, 4, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(boundary._block_means(bands, 4), expected, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 7, 8, 12])
@pytest.mark.parametrize("colours", [1, 3])
def test_block_means_do_not_depend_on_how_they_are_added(factor: int, colours: int) -> None:
    bands = np.random.default_rng(factor).random((3 * factor, 5 * factor, colours)).astype(np.float32)
    plain = bands.reshape(3, factor, 5, factor, colours).sum(axis=1).sum(axis=2) / np.float32(factor**2)
    np.testing.assert_array_equal(boundary._block_means(bands, factor), plain)


@pytest.mark.parametrize("corners", [3, 5, 12, 60])
def test_straight_runs_are_those_of_a_plain_loop(corners: int) -> None:
    turn = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    outline = polygon2mask((SIDE, SIDE), 128 + np.column_stack([70 * np.sin(turn), 50 * np.cos(turn)]))
    contour = trace(outline.astype(np.float32), (0.0, 0.0), (SIDE, SIDE), 1.0)
    assert contour is not None
    disk = contour.radius / max(contour.aspect, 0.1)
    steps = min(128, max(4, round(contours.LONGER_THAN_ARC * math.sqrt(8 * disk * contours.STRAIGHT) / contour.step)))
    covered = np.zeros(256, dtype=bool)
    for start in range(256):
        run = (start + np.arange(steps + 1)) % 256
        line = contour.points[run] - contour.points[start]
        across = (line * line[-1].conj()).imag / abs(line[-1])
        covered[run] |= np.ptp(across) <= contours.STRAIGHT
    assert contours.polygonality(contour) == pytest.approx(covered[contour.inner].mean())

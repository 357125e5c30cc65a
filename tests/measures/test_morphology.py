"""Masks against numbers worked out by hand, scikit-image, and what must not move."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from skimage.measure import regionprops

from shiftscope.measures.lesions import shapes
from shiftscope.measures.lesions.morphology import MEASURES_2D, MEASURES_3D, VECTOR_2D, VECTOR_3D, measure

PLACES = ("centroid_y", "centroid_x")


def ellipse(
    size: int, semi_y: float, semi_x: float, turn: float = 0.0, spacing: tuple[float, float] = (1, 1)
) -> np.ndarray:
    """(1, size, size) mask of an ellipse in the middle, semi-axes in the unit of `spacing`."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    y, x = y * spacing[0], x * spacing[1]
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return (((across / semi_y) ** 2 + (along / semi_x) ** 2) <= 1)[None].astype(np.uint8)


def rectangle(height: int, width: int, top: int, left: int, rows: int, columns: int) -> np.ndarray:
    mask = np.zeros((1, height, width), np.uint8)
    mask[0, top : top + rows, left : left + columns] = 1
    return mask


def values(mask: np.ndarray, spacing: tuple[float, float, float] | None = None) -> dict[str, float]:
    return {name: value for name, value in measure(mask, spacing).items() if value is not None}


blobs = st.builds(
    lambda seed, level: (np.random.default_rng(seed).normal(size=(1, 24, 20)).cumsum(1).cumsum(2) > level).astype(int),
    st.integers(0, 2**32 - 1),
    st.floats(-5, 5),
).filter(lambda mask: bool(mask.any()))


def test_keys_are_those_of_the_records() -> None:
    assert list(measure(rectangle(9, 9, 2, 2, 3, 3), (1, 1, 1))) == list(MEASURES_2D)
    assert list(measure(np.ones((2, 3, 3)), (1, 1, 1))) == list(MEASURES_3D)
    assert set(MEASURES_2D) & set(MEASURES_3D) == {"empty"}


@pytest.mark.parametrize(("vector", "records"), [(VECTOR_2D, MEASURES_2D), (VECTOR_3D, MEASURES_3D)])
def test_vectors_hold_known_measures_without_millimetres(vector: tuple[str, ...], records: dict) -> None:
    assert set(vector) <= set(records)
    assert len(set(vector)) == len(vector)
    assert not any("mm" in records[name].unit for name in vector)


@pytest.mark.parametrize("record", [*MEASURES_2D.values(), *MEASURES_3D.values()], ids=lambda record: record.name)
def test_records_say_everything(record) -> None:
    for text in (record.sentence, record.formula, record.direction, record.undefined):
        assert text
    assert "doi:10." in record.reference
    assert record.range[0] < record.range[1]


def test_rectangle_by_hand() -> None:
    found = measure(rectangle(40, 80, 10, 20, 8, 16), (9.0, 0.5, 0.25))
    assert found["log_area"] == pytest.approx(math.log(128 / 3200))
    assert found["log_area_mm2"] == pytest.approx(math.log(128 * 0.125))
    assert found["components"] == 1
    assert found["eccentricity"] == pytest.approx(0)  # 8 * 0.5 mm by 16 * 0.25 mm is a square
    assert found["solidity"] == 1
    assert found["extent"] == 1
    assert found["centroid_y"] == pytest.approx(14 / 40)
    assert found["centroid_x"] == pytest.approx(28 / 80)
    assert found["empty"] == 0


def test_rectangle_without_spacing_has_the_eccentricity_of_its_sides() -> None:
    found = values(rectangle(40, 80, 10, 20, 8, 16))
    assert "log_area_mm2" not in found
    assert found["eccentricity"] == pytest.approx(math.sqrt(1 - (8 / 16) ** 2))  # variances go with side^2 / 12


@pytest.mark.parametrize("turn", [0.0, 0.4, math.pi / 4, 1.2])
def test_ellipse_has_its_closed_form(turn: float) -> None:
    found = values(ellipse(200, 30, 60, turn))
    assert found["eccentricity"] == pytest.approx(math.sqrt(1 - 0.25), abs=0.002)
    assert found["log_area"] == pytest.approx(math.log(math.pi * 30 * 60 / 200**2), abs=0.005)
    perimeter = 4 * 60 * 1.2110560275684596  # complete elliptic integral E(m = 0.75)
    assert found["compactness"] == pytest.approx(4 * math.pi * math.pi * 30 * 60 / perimeter**2, rel=0.03)
    assert found["solidity"] > 0.98


def test_anisotropic_pixels_show_the_true_shape() -> None:
    round_in_mm = ellipse(120, 20, 20, spacing=(1.0, 0.5))
    assert values(round_in_mm)["eccentricity"] > 0.8
    found = values(round_in_mm, (1.0, 1.0, 0.5))
    assert found["eccentricity"] < 0.1
    assert found["compactness"] > 0.97


def test_disk_is_round_and_fills_pi_quarters_of_its_box() -> None:
    found = values(ellipse(256, 50, 50))
    assert found["compactness"] == pytest.approx(1, abs=0.01)
    assert found["eccentricity"] == pytest.approx(0, abs=1e-6)
    assert found["extent"] == pytest.approx(math.pi / 4, abs=0.01)
    assert found["solidity"] == pytest.approx(1, abs=0.02)


def test_area_counts_all_pieces_and_shape_the_largest() -> None:
    lesion, second = rectangle(100, 100, 10, 10, 20, 20), rectangle(100, 100, 60, 60, 5, 30)
    speck = rectangle(100, 100, 95, 95, 0, 0)
    both = values(lesion + second + speck)
    assert both["components"] == 2
    assert both["log_area"] == pytest.approx(math.log((400 + 150) / 1e4))
    alone = values(lesion)
    for name in ("eccentricity", "solidity", "compactness", "extent", *PLACES):
        assert both[name] == alone[name]


def test_specks_are_not_counted_but_a_lone_one_is() -> None:
    lesion, speck = rectangle(200, 200, 10, 10, 20, 20), rectangle(200, 200, 100, 100, 1, 3)
    assert values(lesion + speck)["components"] == 1  # 3 pixels are under 1 % x 1 % of the canvas: 4 pixels
    assert values(lesion + rectangle(200, 200, 100, 100, 2, 2))["components"] == 2
    assert values(speck)["components"] == 1


def test_diagonal_neighbours_are_one_piece() -> None:
    assert values(np.eye(10, dtype=int)[None])["components"] == 1


@pytest.mark.parametrize("shape", [(1, 8, 9), (4, 8, 9)])
def test_empty_is_only_empty(shape: tuple[int, ...]) -> None:
    assert values(np.zeros(shape, int), (1, 1, 1)) == {"empty": 1.0}


def test_full_mask() -> None:
    found = values(np.ones((1, 30, 30), bool))
    assert found["log_area"] == 0
    assert (found["extent"], found["solidity"], found["centroid_y"], found["centroid_x"]) == (1, 1, 0.5, 0.5)


@pytest.mark.parametrize("shape", [(1, 5, 5), (3, 5, 5)])
def test_one_pixel_is_as_round_as_can_be(shape: tuple[int, ...]) -> None:
    mask = np.zeros(shape, int)
    mask[0, 2, 1] = 7
    found = values(mask)
    shape_names = ("solidity", "compactness", "extent") if shape[0] == 1 else ("solidity_3d", "sphericity", "extent_3d")
    assert [found[name] for name in shape_names] == [1, 1, 1]
    assert found["log_area" if shape[0] == 1 else "log_volume"] == pytest.approx(-math.log(mask.size))


@pytest.mark.parametrize("mask", [np.ones((5, 5)), np.ones((1, 0, 5)), np.ones((1, 2, 2, 2))])
def test_other_shapes_are_refused(mask: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected \(z, y, x\)"):
        measure(mask)


@given(blobs)
@settings(max_examples=40, deadline=None)
def test_agrees_with_scikit_image(mask: np.ndarray) -> None:
    found = values(mask)
    reference = max(regionprops(shapes_labels(mask[0])), key=lambda region: region.area)
    if sum(region.area == reference.area for region in regionprops(shapes_labels(mask[0]))) > 1:
        return  # a tie: either one may be the largest
    height, width = mask.shape[1:]
    major, minor = np.array(reference.inertia_tensor_eigvals) + 1 / 12  # scikit-image takes pixels as points
    assert found["eccentricity"] == pytest.approx(math.sqrt(1 - minor / major), abs=1e-6)
    assert found["extent"] == pytest.approx(reference.extent)
    assert found["centroid_y"] == pytest.approx((reference.centroid[0] + 0.5) / height)
    assert found["centroid_x"] == pytest.approx((reference.centroid[1] + 0.5) / width)
    if reference.area > 60:
        assert found["solidity"] == pytest.approx(reference.solidity, abs=0.06)


def shapes_labels(mask: np.ndarray) -> np.ndarray:
    from skimage.measure import label

    return label(mask, connectivity=2)


@given(blobs, st.integers(0, 30), st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_translation_moves_only_the_centroid(mask: np.ndarray, down: int, right: int) -> None:
    before, after = (np.zeros((1, 60, 60), int) for _ in range(2))
    before[:, :24, :20] = mask
    after[:, down : down + 24, right : right + 20] = mask
    first, second = values(before), values(after)
    assert second["centroid_y"] - first["centroid_y"] == pytest.approx(down / 60)
    assert second["centroid_x"] - first["centroid_x"] == pytest.approx(right / 60)
    for name in set(first) - set(PLACES):
        assert second[name] == pytest.approx(first[name])


@given(blobs)
@settings(max_examples=30, deadline=None)
def test_flip_mirrors_only_the_centroid(mask: np.ndarray) -> None:
    labels = shapes_labels(mask[0])
    sizes = np.sort(np.bincount(labels.ravel())[1:])
    if len(sizes) > 1 and sizes[-1] == sizes[-2]:
        return
    first, second = values(mask), values(mask[:, :, ::-1])
    assert second["centroid_x"] == pytest.approx(1 - first["centroid_x"])
    for name in set(first) - {"centroid_x"}:
        assert second[name] == pytest.approx(first[name], abs=1e-9)


@pytest.mark.parametrize("factor", [2, 3])
def test_finer_pixels_leave_what_has_no_unit(factor: int) -> None:
    coarse = ellipse(96, 14, 25, 0.5)
    fine = coarse.repeat(factor, axis=1).repeat(factor, axis=2)
    first, second = values(coarse, (1, 1, 1)), values(fine, (1, 1 / factor, 1 / factor))
    for name in ("log_area", "log_area_mm2", "components", "extent", *PLACES):
        assert second[name] == pytest.approx(first[name])
    assert second["eccentricity"] == pytest.approx(first["eccentricity"], abs=1e-3)
    for name in ("solidity", "compactness"):
        assert second[name] == pytest.approx(first[name], abs=0.05)


def test_integer_labels_and_booleans_are_the_same_mask() -> None:
    mask = ellipse(64, 10, 20)
    assert measure(mask * 255) == measure(mask.astype(bool)) == measure(mask.astype(np.int64) * 3)


def ball(size: int, radius: float, spacing: tuple[float, float, float] = (1, 1, 1), squash: float = 1.0) -> np.ndarray:
    z, y, x = np.mgrid[:size, :size, :size] - (size - 1) / 2
    return (z * spacing[0] / squash) ** 2 + (y * spacing[1]) ** 2 + (x * spacing[2]) ** 2 <= radius**2


def test_ball_by_hand() -> None:
    found = values(ball(48, 18.0), (0.5, 0.5, 0.5))
    volume = 4 / 3 * math.pi * 18.0**3
    assert found["log_volume"] == pytest.approx(math.log(volume / 48**3), abs=0.01)
    assert found["log_volume_mm3"] == pytest.approx(math.log(volume / 8), abs=0.01)
    assert found["elongation"] == pytest.approx(1, abs=1e-6)
    assert found["flatness"] == pytest.approx(1, abs=1e-6)
    assert found["sphericity"] == pytest.approx(1, abs=0.02)
    assert found["extent_3d"] == pytest.approx(math.pi / 6, abs=0.03)
    assert [found[f"centroid_{axis}_3d"] for axis in "zyx"] == pytest.approx([0.5, 0.5, 0.5])


def test_thick_slices_show_the_true_ball_and_the_true_plate() -> None:
    spacing = (3.0, 1.0, 1.0)
    assert values(ball(48, 20.0, spacing), spacing)["flatness"] == pytest.approx(1, abs=0.02)
    assert values(ball(48, 20.0, spacing), spacing)["sphericity"] > 0.95
    plate = values(ball(60, 20.0, squash=0.5))
    assert plate["flatness"] == pytest.approx(0.5, abs=0.01)
    assert plate["elongation"] == pytest.approx(1, abs=1e-6)
    assert plate["sphericity"] < 0.95


def test_pieces_of_a_volume() -> None:
    mask = np.zeros((10, 40, 40), int)
    mask[2:5, 5:15, 5:15] = 1
    mask[7:9, 30:35, 30:35] = 2
    found = values(mask)
    assert found["components_3d"] == 2
    assert found["log_volume"] == pytest.approx(math.log((300 + 50) / 16000))
    assert found["centroid_z_3d"] == pytest.approx(3.5 / 10)
    assert found["extent_3d"] == found["solidity_3d"] == 1


def test_a_thinned_lesion_keeps_its_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = ball(64, 25.0, squash=0.7)
    exact = values(mask, (1, 1, 1))
    monkeypatch.setattr("shiftscope.measures.lesions.morphology.MOST_PIXELS", 20_000)
    thinned = values(mask, (1, 1, 1))
    assert thinned["log_volume"] == exact["log_volume"]
    for name in set(exact) - {"log_volume", "log_volume_mm3"}:
        assert thinned[name] == pytest.approx(exact[name], abs=0.04)


@pytest.mark.parametrize("radius", [8.3, 15.6])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 1.0)])
def test_crofton_perimeter_of_a_disk(radius: float, spacing: tuple[float, float]) -> None:
    disk = ellipse(64, radius, radius, spacing=spacing)[0] > 0
    assert shapes.surface(disk, spacing) == pytest.approx(2 * math.pi * radius, rel=0.04)


def test_crofton_surface_of_a_ball() -> None:
    assert shapes.surface(ball(40, 15.3), (1.0, 1.0, 1.0)) == pytest.approx(4 * math.pi * 15.3**2, rel=0.02)


def test_hull_of_an_l_by_hand() -> None:
    region = np.zeros((3, 3), bool)
    region[:, 0] = region[2, :] = True
    # midpoints of the faces: the hull of the two arms is an octagon around the 3 x 3 square, cut along the diagonal
    corners = np.array([[-0.5, 0], [0, 0.5], [2, 2.5], [2.5, 2], [2.5, 0], [2, -0.5], [0, -0.5]])
    y, x = corners.T
    shoelace = abs(np.dot(y, np.roll(x, -1)) - np.dot(x, np.roll(y, -1))) / 2
    assert shapes.hull_size(region) == pytest.approx(shoelace)


@pytest.mark.parametrize("seed", range(40))
def test_the_hull_of_a_picture_is_that_of_qhull(seed: int) -> None:
    """Of any set of pixels: specks, gaps between rows, single lines."""
    rng = np.random.default_rng(seed)
    region = rng.random(rng.integers(1, 30, 2)) < rng.choice([0.02, 0.2, 0.9])
    region[rng.integers(region.shape[0]), rng.integers(region.shape[1])] = True
    pixels = np.argwhere(region).astype(float)
    halves = [(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)]
    hull = ConvexHull(np.concatenate([pixels + half for half in halves]))
    assert shapes.hull_size(region) == pytest.approx(hull.volume, rel=1e-12)


@pytest.mark.parametrize("shape", [(7, 9), (1, 1), (5, 6, 7), (1, 4, 3)])
def test_moments_are_those_of_the_list_of_pixels(shape: tuple[int, ...]) -> None:
    region = np.random.default_rng(len(shape)).random(shape) < 0.6
    region.flat[0] = True
    pixels = np.argwhere(region)
    mean, covariance = shapes.moments(region)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(covariance, np.atleast_2d(np.cov(pixels.T, bias=True)), atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 8), (1, 3), (4, 5, 6)])
def test_borders_are_counted_pair_by_pair(shape: tuple[int, ...]) -> None:
    """Crofton's sums from pairs of pixels one by one, those beyond the edge empty."""
    region = np.random.default_rng(sum(shape)).random(shape) < 0.5
    region.flat[-1] = True
    spacing = (1.0, 0.8, 1.3)[: len(shape)]
    padded = np.pad(region, 2)
    total = 0.0
    for direction, share in shapes._directions(spacing):
        for place in np.ndindex(padded.shape):
            other = tuple(np.add(place, direction))
            if all(0 <= at < n for at, n in zip(other, padded.shape, strict=True)):
                total += share * (padded[place] != padded[other])
    constant = math.pi / 2 if len(shape) == 2 else 2.0
    assert shapes.surface(region, spacing) == pytest.approx(constant * math.prod(spacing) * total)

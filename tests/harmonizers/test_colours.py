"""Means and spreads in CIELAB, exchanged picture by picture."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from shiftscope.harmonizers.colours import mean_colours, recolour, reference_colours


def picture(seed: int, cast: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(0.35, 0.65, (1, 3, 32, 32)) * np.reshape(cast, (1, 3, 1, 1))
    return values.astype(np.float32)


def test_six_numbers_by_hand() -> None:
    patients = [[picture(1), picture(2)], [picture(3)]]
    lab = [rgb2lab(case[0].transpose(1, 2, 0).astype(float)).reshape(-1, 3) for case in (picture(s) for s in (1, 2, 3))]
    share = mean_colours(patients)
    np.testing.assert_allclose(share["mean"], (lab[0].mean(0) / 2 + lab[1].mean(0) / 2 + lab[2].mean(0)) / 2)
    np.testing.assert_allclose(share["sd"], (lab[0].std(0) / 2 + lab[1].std(0) / 2 + lab[2].std(0)) / 2)


def test_a_picture_gets_the_reference_mean_and_spread() -> None:
    reference = mean_colours([[picture(4)]])
    moved = recolour(picture(5, (0.9, 1.0, 0.8)), {}, reference)
    statistics = mean_colours([[moved]])
    np.testing.assert_allclose(statistics["mean"], reference["mean"], atol=0.05)
    np.testing.assert_allclose(statistics["sd"], reference["sd"], atol=0.05)


def test_a_picture_that_equals_the_reference_stays() -> None:
    case = picture(6)
    np.testing.assert_allclose(recolour(case, {}, mean_colours([[case]])), case, atol=2e-3)


def test_the_reference_is_the_average_of_the_sites() -> None:
    shares = [mean_colours([[picture(7)]]), mean_colours([[picture(8, (1.2, 1.0, 1.0))]])]
    reference = reference_colours(shares)
    for name in ("mean", "sd"):
        np.testing.assert_allclose(reference[name], (shares[0][name] + shares[1][name]) / 2)


@pytest.mark.parametrize("value", [0.0, 1e-4, 0.5, 1.0])
def test_flat_pictures_are_moved_not_stretched(value: float) -> None:
    flat = np.full((1, 3, 16, 16), value, np.float32)
    result = recolour(flat, {}, mean_colours([[picture(9)]]))
    assert np.isfinite(result).all()
    assert np.ptp(result.reshape(3, -1), axis=1).max() < 1e-3


def test_colours_no_screen_can_show_are_clipped_without_a_warning() -> None:
    reference = {"mean": np.array([40.0, -60.0, 110.0]), "sd": np.array([40.0, 60.0, 80.0])}
    result = recolour(picture(10), {}, reference)
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1


def test_padding_neither_counts_nor_changes() -> None:
    case, reference = picture(11, (1.3, 1.0, 0.7)), mean_colours([[picture(12)]])
    padded = np.pad(case, ((0, 0), (0, 0), (4, 4), (4, 4)))
    result = recolour(padded, {}, reference)
    assert (result[..., :4, :] == 0).all()
    np.testing.assert_allclose(result[..., 4:-4, 4:-4], recolour(case, {}, reference), atol=1e-6)
    assert mean_colours([[np.zeros((1, 3, 4, 4), np.float32)]]) == {}

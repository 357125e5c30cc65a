"""Low-frequency amplitudes replaced: by the full transform, whatever the size, phases kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.fourier_blocks import HALF_WIDTH, mean_block, replace_block

FDA = HARMONIZERS["fda"]


def case(seed: int, shape: tuple[int, ...] = (1, 1, 24, 32), low: float = 0.3, high: float = 0.7) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def waves(size: int, channels: int = 1) -> np.ndarray:
    y, x = np.mgrid[:size, :size] / size
    plane = 0.5 + 0.1 * np.cos(2 * np.pi * 3 * x + 1) + 0.06 * np.cos(2 * np.pi * (2 * y - x)) + 0.02 * np.cos(40 * y)
    return np.repeat(plane[None, None], channels, axis=1).astype(np.float32)


def test_as_the_paper_does_it_with_the_whole_transform() -> None:
    pixels, other = case(0), case(1)
    ours = replace_block(pixels, {}, mean_block([[other]]))
    spectrum, wanted = np.fft.fft2(pixels[0, 0]), np.fft.fft2(other[0, 0])
    fy, fx = np.fft.fftfreq(24)[:, None] * 24, np.fft.fftfreq(32)[None, :] * 32
    block = (np.abs(fy) <= HALF_WIDTH) & (np.abs(fx) <= HALF_WIDTH)
    amplitude = np.where(block, np.abs(wanted), np.abs(spectrum))
    theirs = np.fft.ifft2(amplitude * np.exp(1j * np.angle(spectrum))).real
    np.testing.assert_allclose(ours[0, 0], np.clip(theirs, 0, 1), atol=1e-6)


def test_the_share_by_hand() -> None:
    block = mean_block([[waves(32)]])["amplitude"]
    assert block.shape == (1, 11, 6)
    assert block[0, HALF_WIDTH, 3] == pytest.approx(0.05, abs=5e-3)  # half of a cosine's 0.1; the other half mirrors it
    assert block[0, HALF_WIDTH - 2, 1] == pytest.approx(0.03, abs=5e-3)
    assert block[0, HALF_WIDTH, 0] == pytest.approx(waves(32).mean(), abs=1e-6)


def test_a_patient_counts_once() -> None:
    one, two = case(0), case(1)
    found = mean_block([[one, one, one], [two]])["amplitude"]
    expected = (mean_block([[one]])["amplitude"] + mean_block([[two]])["amplitude"]) / 2
    np.testing.assert_allclose(found, expected)


def test_the_share_does_not_depend_on_the_number_of_pixels() -> None:
    smooth = [mean_block([[waves(size)]])["amplitude"] for size in (64, 256)]
    np.testing.assert_allclose(*smooth, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_identity_where_the_case_is_the_reference(channels: int) -> None:
    pixels = case(0, (1, channels, 24, 32))
    _, reference = fit(FDA, {"a": [[pixels]] * 10, "b": [[pixels]] * 11})
    np.testing.assert_allclose(FDA.apply(pixels, {}, reference), pixels, atol=1e-6)


def test_a_gain_between_two_sites_is_undone() -> None:
    bright, dark = case(0), case(0) * 0.5
    _, reference = fit(FDA, {"a": [[bright]] * 10, "b": [[dark]] * 10})
    assert FDA.apply(bright, {}, reference).mean() == pytest.approx(FDA.apply(dark, {}, reference).mean(), abs=1e-3)


def test_padding_stays_and_the_input_too() -> None:
    pixels = np.pad(case(0, (2, 1, 20, 20)), ((0, 0), (0, 0), (4, 4), (4, 4)))
    before = pixels.copy()
    result = FDA.apply(pixels, {}, mean_block([[waves(28)]]))
    np.testing.assert_array_equal(pixels, before)
    assert (result[pixels == 0] == 0).all()


def test_flat_empty_and_tiny_cases_are_defined() -> None:
    reference = mean_block([[waves(32)]])
    flat = FDA.apply(np.full((1, 1, 16, 16), 0.2, dtype=np.float32), {}, reference)
    np.testing.assert_allclose(flat, waves(32).mean(), atol=1e-6)  # the mean is replaced, no pattern is invented
    assert (FDA.apply(np.zeros((1, 1, 16, 16), dtype=np.float32), {}, reference) == 0).all()
    point = np.zeros((1, 1, 16, 16), dtype=np.float32)
    point[0, 0, 3, 4] = 0.5
    assert np.count_nonzero(FDA.apply(point, {}, reference)) <= 1
    assert mean_block([[np.zeros((1, 1, 16, 16), dtype=np.float32)]]) == {}
    np.testing.assert_array_equal(FDA.apply(point, {}, {}), point)


@settings(deadline=None, max_examples=40)
@given(
    arrays(np.float32, st.tuples(st.just(2), st.just(1), *[st.integers(1, 14)] * 2), elements=st.floats(0, 1, width=32))
)
def test_any_case_of_any_size_stays_in_range(pixels: np.ndarray) -> None:
    result = FDA.apply(pixels, {}, mean_block([[waves(32)]]))
    assert (result.shape, result.dtype) == (pixels.shape, np.float32)
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_shared_has_one_size_whatever_the_site(channels: int) -> None:
    for count, size in ((10, 8), (30, 64)):
        share = mean_block([[case(0, (2, channels, size, size))]] * count)
        assert sum(array.nbytes for array in share.values()) == 528 * channels

"""Maps of single cases: histogram matching and landmarks, against scikit-image and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.exposure import match_histograms

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.case_maps import LANDMARKS, map_landmarks, match_case, mean_landmarks
from shiftscope.harmonizers.quantile_maps import LEVELS, mean_quantiles

PER_CASE = pytest.mark.parametrize("name", ["match_case", "nyul"])


def case(low: float, high: float, shape: tuple[int, ...] = (1, 1, 60, 60), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def test_matching_agrees_with_scikit_image_on_continuous_values() -> None:
    source = case(0.1, 0.5, (1, 1, 200, 200)) ** 2
    template = np.random.default_rng(1).beta(2, 5, source.shape).astype(np.float32)
    ours = match_case(source, {}, mean_quantiles([[template]]))
    theirs = match_histograms(source[0, 0], template[0, 0])
    # the published levels stop at 0.5 and 99.5 %: between them the two agree
    middle = (theirs > np.quantile(template, 0.005)) & (theirs < np.quantile(template, 0.995))
    assert middle.mean() > 0.98
    # straight between levels, where the tail is curved
    np.testing.assert_allclose(ours[0, 0][middle], theirs[middle], atol=8e-3)
    assert np.abs(ours[0, 0] - theirs)[middle].mean() < 5e-4


def test_a_matched_case_has_the_reference_quantiles_whatever_it_was() -> None:
    reference = {"quantiles": np.linspace(0.2, 0.6, len(LEVELS))[None]}
    for pixels in (case(0.1, 0.2), case(0.4, 0.9) ** 3):
        found = mean_quantiles([[match_case(pixels, {}, reference)]])["quantiles"]
        np.testing.assert_allclose(found, reference["quantiles"], atol=2e-3)


def test_matching_erases_what_differs_between_cases() -> None:
    healthy, lesion = case(0.5, 0.7), case(0.5, 0.7)
    lesion[:, :, :30] *= 0.4  # half the image is dark, and is so no longer afterwards
    reference = mean_quantiles([[healthy]])
    assert match_case(lesion, {}, reference)[:, :, :30].mean() > lesion[:, :, :30].mean() + 0.15


def test_landmarks_by_hand() -> None:
    ramp = np.linspace(0.001, 1, 1000, dtype=np.float32).reshape(1, 1, 25, 40)
    own = np.quantile(ramp, LANDMARKS)
    target = np.linspace(0.1, 0.9, 11) ** 2
    mapped = map_landmarks(ramp, {}, {"quantiles": target[None]})
    expected = np.interp(ramp, [0, *own, 1], [0, *target, 1])
    np.testing.assert_allclose(mapped, expected, atol=1e-5)
    assert LANDMARKS.tolist() == [0.01, *np.arange(1, 10) / 10, 0.99]


def test_tied_landmarks_share_their_mean_target() -> None:
    two = np.full((1, 1, 10, 10), 0.3, dtype=np.float32)
    two[:, :, 5:] = 0.6  # five of eleven landmarks at 0.3, one between, five at 0.6
    target = np.linspace(0.1, 0.9, 11)
    mapped = map_landmarks(two, {}, {"quantiles": target[None]})
    assert mapped[0, 0, 0, 0] == pytest.approx(target[:5].mean())
    assert mapped[0, 0, -1, 0] == pytest.approx(target[6:].mean())


@PER_CASE
def test_identity_where_the_case_is_the_reference(name: str) -> None:
    pixels = case(0.05, 0.95, (3, 3, 20, 20))
    _, reference = fit(HARMONIZERS[name], {"a": [[pixels]] * 10, "b": [[pixels]] * 12})
    np.testing.assert_allclose(HARMONIZERS[name].apply(pixels, {}, reference), pixels, atol=1e-6)


@PER_CASE
def test_what_has_no_range_is_defined(name: str) -> None:
    harmonizer = HARMONIZERS[name]
    _, reference = fit(harmonizer, {"a": [[case(0.2, 0.6)]] * 10})
    flat = harmonizer.apply(np.full((1, 1, 8, 8), 0.4, dtype=np.float32), {}, reference)
    assert (flat == flat[0, 0, 0, 0]).all()
    assert flat[0, 0, 0, 0] == pytest.approx(0.4, abs=0.01)  # the middle of the reference
    assert (harmonizer.apply(np.zeros((1, 1, 8, 8), dtype=np.float32), {}, reference) == 0).all()
    point = np.zeros((1, 1, 8, 8), dtype=np.float32)
    point[0, 0, 3, 3] = 0.9
    assert np.count_nonzero(harmonizer.apply(point, {}, reference)) == 1


@PER_CASE
def test_padding_neither_counts_nor_changes(name: str) -> None:
    harmonizer = HARMONIZERS[name]
    _, reference = fit(harmonizer, {"a": [[case(0.2, 0.6)]] * 10})
    pixels = case(0.5, 0.9, (2, 1, 12, 12))
    padded = np.pad(pixels, ((0, 0), (0, 0), (3, 3), (4, 4)))
    result = harmonizer.apply(padded, {}, reference)
    np.testing.assert_array_equal(result[:, :, 3:-3, 4:-4], harmonizer.apply(pixels, {}, reference))
    assert np.count_nonzero(result) == pixels.size


@PER_CASE
def test_without_a_reference_a_case_stays_as_it_is(name: str) -> None:
    harmonizer = HARMONIZERS[name]
    _, reference = fit(harmonizer, {"few": [[case(0.2, 0.6)]] * 3})
    np.testing.assert_array_equal(harmonizer.apply(case(0.5, 0.9), {}, reference), case(0.5, 0.9))


@PER_CASE
@settings(deadline=None, max_examples=30)
@given(arrays(np.float32, (2, 1, 5, 5), elements=st.floats(0, 1, width=32)))
def test_order_and_range_are_kept(name: str, pixels: np.ndarray) -> None:
    harmonizer = HARMONIZERS[name]
    _, reference = fit(harmonizer, {"a": [[case(0.2, 0.6)]] * 10})
    result = harmonizer.apply(pixels, {}, reference)
    order = np.argsort(pixels[pixels != 0])
    assert (np.diff(result[pixels != 0][order]) >= -1e-6).all()
    assert result.dtype == np.float32
    assert result.min(initial=0) >= 0
    assert result.max(initial=1) <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_shared_has_one_size_whatever_the_site(channels: int) -> None:
    for count, size in ((10, 16), (40, 24)):
        share = mean_landmarks([[case(0.1, 0.9, (2, channels, size, size))]] * count)
        assert sum(array.nbytes for array in share.values()) == 88 * channels

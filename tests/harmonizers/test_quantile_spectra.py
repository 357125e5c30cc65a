"""Shading, fineness and both after the quantile map: closed forms, identity, what is undone and what is sent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from shiftscope.harmonizers import HARMONIZERS, Statistics, fit
from shiftscope.harmonizers.shadings import reshade, surface
from shiftscope.harmonizers.spectra import RINGS, amplitudes, refine

SPECTRUM = HARMONIZERS["quantile_spectrum"]
Sites = dict[str, list[list[np.ndarray]]]


def patients(seed: int, shape: tuple[int, ...] = (1, 1, 48, 48), count: int = 24) -> list[list[np.ndarray]]:
    """Smooth random pictures, as natural ones are, with a few grey levels of noise."""
    rng = np.random.default_rng(seed)
    coarse, fine = (rng.normal(size=(count, *shape)) for _ in range(2))
    smooth = gaussian_filter(coarse, (0, 0, 0, 2.5, 2.5))
    cases = np.clip(0.5 + 0.12 * smooth / smooth.std() + 0.02 * fine, 0.01, 1)
    return [[case] for case in cases.astype(np.float32)]


def cosine(size: int, cycles: float, tall: float = 0.0) -> np.ndarray:
    y, x = ((2 * np.arange(size) + 1) / (2 * size) for _ in range(2))
    return np.asarray(np.cos(2 * np.pi * tall * y)[:, None] * np.cos(2 * np.pi * cycles * x)[None, :])


def mapped(sites: Sites, owns: dict[str, Statistics], reference: Statistics) -> dict[str, np.ndarray]:
    return {
        name: np.concatenate([SPECTRUM.apply(case, owns[name], reference) for cases in groups for case in cases])
        for name, groups in sites.items()
    }


def test_the_surface_of_a_polynomial_is_its_coefficients_at_any_size() -> None:
    wanted = np.array([0.5, 0.1, -0.05, 0.03, 0.02, -0.04])
    for tall, wide in ((16, 16), (50, 31)):
        y, x = np.meshgrid(*((2 * np.arange(n) + 1) / n - 1 for n in (tall, wide)), indexing="ij")
        plane = wanted @ np.stack([np.ones_like(x), x, y, x * y, x * x, y * y]).reshape(6, -1)
        np.testing.assert_allclose(surface(plane.reshape(1, 1, tall, wide)), wanted[None], atol=1e-9)


def test_reshading_exchanges_one_surface_for_another() -> None:
    own, wanted = np.array([[0.5, 0.2, 0, 0, 0, 0]]), np.array([[0.4, 0, -0.1, 0, 0, 0]])
    y, x = np.meshgrid(*((2 * np.arange(20) + 1) / 20 - 1 for _ in range(2)), indexing="ij")
    found = reshade((0.5 + 0.2 * x)[None, None], own, wanted)
    np.testing.assert_allclose(found, (0.4 - 0.1 * y)[None, None], atol=1e-9)
    dark = np.array([[0.5, 0.5, 0, 0, 0, 0.0]])  # reaches zero at one side: held, not divided by
    assert reshade(np.full((1, 1, 20, 20), 0.1), dark, wanted).max() <= 0.1 * 4


def test_a_wave_is_told_at_its_ring_whatever_the_number_of_pixels() -> None:
    for size in (32, 96):
        spectrum = amplitudes((0.5 + 0.2 * cosine(size, 6.0))[None, None])[0]
        assert abs(np.log(RINGS[spectrum.argmax()] / 6)) < np.log(RINGS[1] / RINGS[0])
        assert (spectrum[RINGS > 9] < 1e-9).all()
    np.testing.assert_allclose(
        *(amplitudes((0.5 + 0.2 * cosine(size, 6.0, 2.0))[None, None])[0] for size in (32, 96)), atol=1e-9
    )


def test_power_of_the_rings_is_the_variance() -> None:
    """Parseval: amplitudes weighted by how many cosines belong to each ring."""
    from shiftscope.harmonizers.spectra import _weights

    case = np.random.default_rng(0).uniform(0, 1, (1, 1, 24, 30))
    assert np.square(amplitudes(case)[0]) @ _weights(24, 30).sum(axis=1) == pytest.approx(case.var())


def test_the_filter_scales_a_wave_by_the_ratio_and_leaves_the_mean() -> None:
    case = (0.5 + 0.1 * cosine(64, 8.0) + 0.1 * cosine(64, 1.0, 1.0))[None, None]
    own, wanted = np.ones((1, 24)), np.where(RINGS > 5, 0.5, 1.0)[None]
    expected = 0.5 + 0.05 * cosine(64, 8.0) + 0.1 * cosine(64, 1.0, 1.0)
    np.testing.assert_allclose(refine(case, own, wanted)[0, 0], expected, atol=1e-9)
    lifted = refine(0.5 + (case - 0.5) / 100, own, own * 1000)
    np.testing.assert_allclose(lifted - 0.5, (case - 0.5) * 0.08, atol=1e-9)  # never more than eightfold


def test_rings_nobody_has_seen_follow_their_neighbour() -> None:
    case = np.random.default_rng(0).uniform(0.3, 0.7, (1, 1, 64, 64))
    own = amplitudes(case[:, :, ::4, ::4])
    assert (own[0, -8:] == 0).all()
    np.testing.assert_allclose(refine(case, own, own * 0.5), case.mean() + (case - case.mean()) * 0.5, atol=1e-9)


@pytest.mark.parametrize("channels", [1, 3])
def test_identity_where_the_sites_are_alike(channels: int) -> None:
    site = patients(0, (2, channels, 20, 28), 10)
    site = [[np.pad(case, ((0, 0), (0, 0), (3, 3), (2, 2)))] for [case] in site]
    owns, reference = fit(SPECTRUM, {"a": site, "b": site})
    for [case] in site:
        np.testing.assert_allclose(SPECTRUM.apply(case, owns["a"], reference), case, atol=1e-5)


def test_gamma_blur_and_shading_are_undone() -> None:
    x = np.linspace(-1, 1, 48)
    clean, other = patients(1), patients(2)
    blurred = [[gaussian_filter(case, (0, 0, 1.0, 1.0))] for [case] in other]
    shaded = [[np.clip(case * np.exp(0.4 * x), 0, 1).astype(np.float32)] for [case] in other]
    for changed, difference in (
        (blurred, lambda a, b: abs(np.log(np.diff(a).std() / np.diff(b).std()))),
        (shaded, lambda a, b: np.abs(a.mean(axis=(0, 1, 2)) - b.mean(axis=(0, 1, 2))).mean()),
    ):
        sites = {"a": clean, "b": [[case**1.5] for [case] in changed]}
        owns, reference = fit(SPECTRUM, sites)
        after = mapped(sites, owns, reference)
        plain_owns, plain_reference = fit(HARMONIZERS["quantile_map"], sites)
        plain = {
            name: np.concatenate(
                [HARMONIZERS["quantile_map"].apply(c, plain_owns[name], plain_reference) for [c] in group]
            )
            for name, group in sites.items()
        }
        assert difference(after["a"], after["b"]) < 0.4 * difference(plain["a"], plain["b"])
        np.testing.assert_allclose(
            *(np.quantile(group, np.linspace(0.1, 0.9, 9)) for group in after.values()), atol=0.015
        )


def test_statistics_do_not_depend_on_the_number_of_pixels() -> None:
    waves = [[[(0.5 + 0.1 * cosine(size, 5.0) + 0.05 * cosine(size, 1.0))[None, None]]] * 10 for size in (48, 96)]
    small, large = (fit(SPECTRUM, {"a": group})[0]["a"] for group in waves)
    np.testing.assert_allclose(small["surface"], large["surface"], atol=2e-3)
    np.testing.assert_allclose(small["amplitude"], large["amplitude"], atol=2e-3)


def test_padding_the_input_and_empty_cases_stay() -> None:
    sites = {"a": patients(0), "b": [[case**2] for [case] in patients(1)], "void": [[np.zeros((1, 1, 48, 48))]] * 12}
    owns, reference = fit(SPECTRUM, sites)
    assert owns["void"] == {}
    padded = np.pad(sites["b"][0][0], ((0, 0), (0, 0), (4, 4), (4, 4)))
    before = padded.copy()
    result = SPECTRUM.apply(padded, owns["b"], reference)
    np.testing.assert_array_equal(padded, before)
    np.testing.assert_array_equal(result == 0, padded == 0)
    empty = np.zeros((1, 1, 48, 48), dtype=np.float32)
    assert (SPECTRUM.apply(empty, owns["b"], reference) == 0).all()
    np.testing.assert_array_equal(SPECTRUM.apply(padded, {}, reference), padded)
    np.testing.assert_array_equal(SPECTRUM.apply(padded, owns["b"], {}), padded)


FITTED = fit(SPECTRUM, {"a": patients(0), "b": [[case**2] for [case] in patients(1)]})


@settings(deadline=None, max_examples=40)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.just(1), *[st.integers(1, 9)] * 2),
        elements=st.floats(0, 1, width=32),
    )
)
def test_any_case_of_any_size_stays_in_range(case: np.ndarray) -> None:
    result = SPECTRUM.apply(case, FITTED[0]["b"], FITTED[1])
    assert (result.shape, result.dtype) == (case.shape, np.float32)
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1


def test_flat_sites_are_defined() -> None:
    flat = [[np.full((1, 1, 16, 16), 0.4, dtype=np.float32)]] * 12
    owns, reference = fit(SPECTRUM, {"flat": flat, "b": patients(1)})
    result = SPECTRUM.apply(flat[0][0], owns["flat"], reference)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_shared_has_one_size_whatever_the_site(channels: int) -> None:
    for count, size in ((10, 16), (20, 40)):
        owns, _ = fit(SPECTRUM, {"a": patients(0, (2, channels, size, size), count)})
        assert sum(array.nbytes for array in owns["a"].values()) == 2104 * channels

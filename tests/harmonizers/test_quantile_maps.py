"""One map per site: monotone, the identity where nothing differs, and blind to everything but grey levels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.harmonizers.quantile_maps import LEVELS, barycentre, map_quantiles, mean_quantiles


def patients(gain: float = 1.0, count: int = 12, channels: int = 1, seed: int = 1) -> list[list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [[rng.uniform(0.05, 0.95, (1, channels, 24, 24)).astype(np.float32) ** gain] for _ in range(count)]


def test_mean_quantiles_by_hand() -> None:
    ramp = np.linspace(0.01, 1, 100, dtype=np.float32).reshape(1, 1, 10, 10)
    share = mean_quantiles([[ramp], [ramp / 2]])["quantiles"]
    np.testing.assert_allclose(share[0], 0.75 * np.quantile(ramp, LEVELS), rtol=1e-5)


def test_a_patient_counts_once_however_many_cases() -> None:
    low, high = (np.full((1, 1, 8, 8), value, dtype=np.float32) for value in (0.2, 0.8))
    assert mean_quantiles([[low, low, low], [high]])["quantiles"][0, 0] == pytest.approx(0.5)


def test_padding_does_not_count_and_does_not_change() -> None:
    cases = patients()
    padded = [[np.pad(case, ((0, 0), (0, 0), (6, 6), (6, 6))) for case in group] for group in cases]
    own = mean_quantiles(cases)
    np.testing.assert_array_equal(own["quantiles"], mean_quantiles(padded)["quantiles"])
    mapped = map_quantiles(padded[0][0], own, {"quantiles": own["quantiles"] * 0.5})
    assert (mapped[:, :, :6] == 0).all()
    assert mean_quantiles([[np.zeros((1, 1, 4, 4), dtype=np.float32)]]) == {}


def test_identity_where_the_site_is_the_reference() -> None:
    cases = patients()
    own = mean_quantiles(cases)
    np.testing.assert_allclose(map_quantiles(cases[0][0], own, barycentre([own, own])), cases[0][0], atol=1e-6)


def test_gamma_between_two_sites_is_undone() -> None:
    bright, dark = patients(1.0), patients(2.5)
    shares = [mean_quantiles(bright), mean_quantiles(dark)]
    reference = barycentre(shares)
    before = abs(np.mean(bright) - np.mean(dark))
    mapped = [
        [map_quantiles(c, own, reference) for g in site for c in g]
        for site, own in zip((bright, dark), shares, strict=True)
    ]
    assert abs(np.mean(mapped[0]) - np.mean(mapped[1])) < 0.02 * before


def test_the_reference_is_the_wasserstein_barycentre_of_two_normals() -> None:
    rng = np.random.default_rng(3)

    def site(mean: float, sd: float) -> dict[str, np.ndarray]:
        return dict(mean_quantiles([[np.clip(rng.normal(mean, sd, (1, 1, 300, 300)), 1e-3, 1)]]))

    reference = barycentre([site(0.3, 0.05), site(0.6, 0.1)])["quantiles"][0]
    from scipy.stats import norm

    np.testing.assert_allclose(reference, norm(0.45, 0.075).ppf(LEVELS), atol=3e-3)


@settings(deadline=None, max_examples=40)
@given(
    own=st.lists(st.floats(0, 1, width=32), min_size=199, max_size=199).map(sorted),
    reference=st.lists(st.floats(0, 1, width=32), min_size=199, max_size=199).map(sorted),
)
def test_any_map_is_monotone_and_stays_in_range(own: list[float], reference: list[float]) -> None:
    ramp = np.linspace(0.001, 1, 400, dtype=np.float32).reshape(1, 1, 20, 20)
    mapped = map_quantiles(ramp, {"quantiles": np.array([own])}, {"quantiles": np.array([reference])}).ravel()
    assert (np.diff(mapped) >= -1e-6).all()
    assert mapped.min() >= 0
    assert mapped.max() <= 1


def test_channels_are_mapped_apart() -> None:
    red = patients(channels=3)
    for group in red:
        group[0][:, 0] **= 0.5
    plain = patients(channels=3)
    shares = [mean_quantiles(red), mean_quantiles(plain)]
    mapped = map_quantiles(red[0][0], shares[0], {"quantiles": shares[1]["quantiles"]})
    assert abs(mapped[:, 0].mean() - mapped[:, 1].mean()) < 0.03
    np.testing.assert_allclose(mapped[:, 1], red[0][0][:, 1], atol=0.03)


def test_what_is_shared_has_one_size_whatever_the_site() -> None:
    for count in (10, 40):
        assert {name: array.shape for name, array in mean_quantiles(patients(count=count)).items()} == {
            "quantiles": (1, 199)
        }

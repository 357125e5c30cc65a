"""Planted stains are found, and one stain is exchanged for another as the Beer-Lambert law says."""

import numpy as np
import pytest

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.stains import MIN_STAINED, mean_stains, reference_stains, restain, stains
from shiftscope.testing.harmonizer_contracts.stained_tiles import EOSIN_RICH, RUIFROK, tile, tissue

MACENKO = HARMONIZERS["macenko"]


@pytest.mark.parametrize("vectors", [RUIFROK, EOSIN_RICH])
def test_planted_stain_vectors_and_amounts_are_found(vectors: np.ndarray) -> None:
    amounts = tissue(np.random.default_rng(1))
    found = stains(tile(amounts, vectors))
    assert found is not None
    cosines = (found[0] * vectors).sum(axis=0)
    assert np.rad2deg(np.arccos(cosines)).max() < 0.5
    stained = amounts[:, amounts.sum(axis=0) > 0.15]
    np.testing.assert_allclose(found[1], np.percentile(stained, 99, axis=1), rtol=0.02)


def test_the_plane_is_that_of_a_singular_value_decomposition() -> None:
    """Independently: the paper's decomposition of all densities, angles by hand, extremes by sorting."""
    case = tile(tissue(np.random.default_rng(2)), RUIFROK)
    case = np.clip(case + np.random.default_rng(3).normal(0, 0.01, case.shape), 0.02, 1).astype(np.float32)
    density = -np.log10(case[0].reshape(3, -1).astype(float))
    density = density[:, np.sqrt((density**2).sum(axis=0)) >= 0.15]
    first, second = np.linalg.svd(density, full_matrices=False)[0].T[:2]
    first = first if first.sum() > 0 else -first
    angles = np.sort(np.arctan2(second @ density, first @ density))
    pair = [np.cos(a) * first + np.sin(a) * second for a in np.percentile(angles, [1, 99])]
    expected = np.stack(sorted(pair, key=lambda stain: -stain[0]), axis=1)
    found = stains(case)
    assert found is not None
    np.testing.assert_allclose(found[0], expected, atol=1e-9)


def test_a_slide_gets_the_colours_it_would_have_had_with_the_reference_stains() -> None:
    amounts = tissue(np.random.default_rng(4))
    faint, strong = tile(amounts, EOSIN_RICH, (0.6, 0.8)), tile(amounts, RUIFROK)
    reference = mean_stains([[strong]])
    before, after = (np.abs(case - strong).mean() for case in (faint, restain(faint, {}, reference)))
    assert before > 0.08
    assert after < 0.005


def test_a_slide_that_equals_the_reference_stays() -> None:
    case = tile(tissue(np.random.default_rng(5)), RUIFROK)
    np.testing.assert_allclose(restain(case, {}, mean_stains([[case]])), case, atol=1e-5)


def test_the_reference_is_the_average_at_length_one() -> None:
    shares = [mean_stains([[tile(tissue(np.random.default_rng(6)), v)]]) for v in (RUIFROK, EOSIN_RICH)]
    reference = reference_stains(shares)
    np.testing.assert_allclose(np.linalg.norm(reference["vectors"], axis=0), 1)
    middle = (shares[0]["vectors"] + shares[1]["vectors"]) / 2
    np.testing.assert_allclose(reference["vectors"], middle / np.sqrt((middle**2).sum(axis=0)))
    np.testing.assert_allclose(reference["amounts"], (shares[0]["amounts"] + shares[1]["amounts"]) / 2)


def test_eight_numbers_leave_a_site_however_many_patients() -> None:
    for count in (10, 17):
        patients = [[tile(tissue(np.random.default_rng(seed)), RUIFROK)] for seed in range(count)]
        assert {name: array.shape for name, array in mean_stains(patients).items()} == {
            "vectors": (3, 2),
            "amounts": (2,),
        }


def few_stained() -> np.ndarray:
    amounts = np.zeros((2, 48, 48))
    amounts.reshape(2, -1)[:, : MIN_STAINED - 1] = tissue(np.random.default_rng(7))[:, 24:, 24:].reshape(2, -1)[:, :63]
    return tile(amounts, RUIFROK)


NOT_STAINED = {
    "glass": np.full((1, 3, 48, 48), 0.97, np.float32),
    "black": np.zeros((1, 3, 48, 48), np.float32),
    "nearly black": np.full((1, 3, 48, 48), 1e-4, np.float32),
    "grey noise": np.repeat(np.random.default_rng(8).uniform(0, 1, (1, 1, 48, 48)), 3, axis=1).astype(np.float32),
    "one stain": tile(tissue(np.random.default_rng(9)) * [[[1]], [[0]]], RUIFROK),
    "few stained": few_stained(),
    "warm mucosa": np.random.default_rng(10).uniform(0, 1, (1, 3, 48, 48)).astype(np.float32)
    * np.array([0.9, 0.5, 0.3], np.float32).reshape(1, 3, 1, 1),
}


@pytest.mark.parametrize("name", NOT_STAINED)
def test_what_is_not_haematoxylin_and_eosin_stays_as_it_is(name: str) -> None:
    case = NOT_STAINED[name]
    reference = mean_stains([[tile(tissue(np.random.default_rng(11)), RUIFROK)]])
    np.testing.assert_array_equal(restain(case, {}, reference), case)
    assert mean_stains([[case]]) == {}


def test_tiles_of_glass_do_not_count() -> None:
    stained = tile(tissue(np.random.default_rng(12)), RUIFROK)
    alone, among = mean_stains([[stained]]), mean_stains([[stained, NOT_STAINED["glass"]], [NOT_STAINED["glass"]]])
    np.testing.assert_array_equal(alone["vectors"], among["vectors"])


def test_padding_neither_counts_nor_changes() -> None:
    case = tile(tissue(np.random.default_rng(13)), EOSIN_RICH)
    padded = np.pad(case, ((0, 0), (0, 0), (5, 5), (5, 5)))
    reference = mean_stains([[tile(tissue(np.random.default_rng(14)), RUIFROK)]])
    result = restain(padded, {}, reference)
    assert (result[..., :5, :] == 0).all()
    np.testing.assert_allclose(result[..., 5:-5, 5:-5], restain(case, {}, reference), atol=1e-6)


def test_two_laboratories_meet() -> None:
    rng = np.random.default_rng(15)
    sites = {
        "blue": [[tile(tissue(rng), RUIFROK, (1.2, 0.7))] for _ in range(10)],
        "pink": [[tile(tissue(rng), EOSIN_RICH, (0.7, 1.0))] for _ in range(10)],
    }
    _, reference = fit(MACENKO, sites)

    def colours(apply: bool) -> list[np.ndarray]:
        return [
            np.mean([restain(c, {}, reference) if apply else c for g in site for c in g], axis=(0, 1, 3, 4))
            for site in sites.values()
        ]

    apart = [np.abs(np.subtract(*colours(apply))).max() for apply in (False, True)]
    assert apart[1] < 0.1 * apart[0]

"""Inverted sites: found, turned back, and nobody turned on a guess."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.harmonizers import HARMONIZERS, Statistics, fit
from shiftscope.harmonizers.polarities import CLEAR, align, mean_picture, turned
from shiftscope.images import as_seen, canvas
from shiftscope.sites import load, read_site

POLARITY = HARMONIZERS["polarity"]


def site(seed: int, count: int = 12, size: int = 32, channels: int = 1, padding: int = 0) -> list[list[np.ndarray]]:
    """Patients with a bright upper left, a dark rest and noise."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(0, 1, size)
    layout = 0.75 - 0.5 * np.minimum(np.hypot(*np.meshgrid(axis, axis)), 1)
    edge = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    noise = rng.uniform(-0.2, 0.2, (count, 1, channels, size, size))
    return [[np.pad((layout + one).astype(np.float32), edge)] for one in noise]


def inverted(patients: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    return [[turned(case) for case in cases] for cases in patients]


def noise(seed: int) -> list[list[np.ndarray]]:
    return [[np.random.default_rng(seed).uniform(0.1, 0.9, (1, 1, 32, 32)).astype(np.float32)]] * 12


@pytest.mark.parametrize("channels", [1, 3])
def test_an_inverted_site_is_found_and_looks_like_the_others(channels: int) -> None:
    sites = {name: site(seed, channels=channels, padding=4) for seed, name in enumerate("abcd")}
    sites["c"] = inverted(sites["c"])
    owns, reference = fit(POLARITY, sites)
    assert {name: own["turned"].item() for name, own in owns.items()} == {"a": 0, "b": 0, "c": 1, "d": 0}
    assert reference["sides"].tolist() == [3, 1, 0]
    mapped = {name: POLARITY.apply(sites[name][0][0], owns[name], reference) for name in "ac"}
    for case in mapped.values():
        assert case[:, :, 4:12, 4:12].mean() > case[:, :, 28:36, 28:36].mean() + 0.2
        assert (case[:, :, :4] == 0).all()
    quantiles = [np.quantile(case[case != 0], np.linspace(0.1, 0.9, 9)) for case in mapped.values()]
    np.testing.assert_allclose(*quantiles, atol=0.02)


def test_without_an_inverted_site_it_is_the_quantile_map() -> None:
    sites = {name: site(seed) for seed, name in enumerate("abc")}
    sites["b"] = [[case**2 for case in cases] for cases in sites["b"]]
    owns, reference = fit(POLARITY, sites)
    plain, plain_reference = fit(HARMONIZERS["quantile_map"], sites)
    for name, patients in sites.items():
        np.testing.assert_array_equal(
            POLARITY.apply(patients[0][0], owns[name], reference),
            HARMONIZERS["quantile_map"].apply(patients[0][0], plain[name], plain_reference),
        )


def test_a_tie_is_told_and_nobody_is_turned() -> None:
    for number in (1, 2):
        sites = {f"up{n}": site(n) for n in range(number)} | {f"down{n}": inverted(site(9 + n)) for n in range(number)}
        owns, reference = fit(POLARITY, sites)
        assert reference["sides"].tolist() == [number, number, 0]
        assert not any(own["turned"].item() for own in owns.values())


def test_a_site_unlike_the_others_neither_votes_nor_is_turned() -> None:
    for seed in range(5):
        owns, reference = fit(POLARITY, {"a": site(1), "b": site(2), "strange": noise(seed)})
        assert abs(owns["strange"]["correlation"].item()) < CLEAR
        assert owns["strange"]["turned"].item() == 0
        assert reference["sides"].tolist() == [2, 0, 1]


def test_a_site_too_small_to_share_is_turned_all_the_same() -> None:
    owns, reference = fit(POLARITY, {"a": site(1), "b": site(2), "few": inverted(site(3, count=4))})
    assert owns["few"]["turned"].item() == 1
    assert reference["sides"].tolist() == [2, 0, 0]


def test_turning_negates_the_picture_exactly() -> None:
    patients = site(1, padding=3)
    upright, negative = (mean_picture(group)["picture"] for group in (patients, inverted(patients)))
    np.testing.assert_allclose(negative, -upright, atol=1e-6)
    np.testing.assert_allclose(turned(turned(patients[0][0])), patients[0][0], atol=1e-6)


def test_the_picture_by_hand() -> None:
    case = np.random.default_rng(0).uniform(0.1, 0.9, (2, 1, 16, 24)).astype(np.float32)
    standard = (case - case.mean(dtype=np.float64)) / case.std(dtype=np.float64)
    cells = standard.mean(axis=(0, 1)).reshape(8, 2, 8, 3).mean(axis=(1, 3)).ravel()
    np.testing.assert_allclose(
        mean_picture([[case]])["picture"], (cells - cells.mean()) / np.linalg.norm(cells - cells.mean()), atol=1e-9
    )


@pytest.mark.parametrize("size", [5, 8, 13, 64])
def test_the_picture_does_not_depend_on_the_number_of_pixels(size: int) -> None:
    small, large = (
        np.repeat(np.repeat(case, factor, axis=2), factor, axis=3)
        for case in [site(1, count=1, size=size)[0][0]]
        for factor in (1, 3)
    )
    np.testing.assert_allclose(mean_picture([[small]])["picture"], mean_picture([[large]])["picture"], atol=1e-6)


def test_flat_and_empty_sites_are_left_as_they_are() -> None:
    flat, empty = ([[np.full((1, 1, 32, 32), value, dtype=np.float32)]] * 12 for value in (0.4, 0.0))
    owns, reference = fit(POLARITY, {"a": site(1), "b": site(2), "empty": empty, "flat": flat})
    assert owns["empty"] == {}
    assert owns["flat"]["turned"].item() == 0
    np.testing.assert_array_equal(POLARITY.apply(empty[0][0], owns["empty"], reference), empty[0][0])
    assert np.isfinite(POLARITY.apply(flat[0][0], owns["flat"], reference)).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=7), st.integers(0, 10))
def test_whoever_is_inverted_the_majority_stays(orientations: list[int], seed: int) -> None:
    """0: upright, 1: inverted, 2: a flat picture."""
    picture = np.random.default_rng(seed).normal(size=64)
    picture = (picture - picture.mean()) / np.linalg.norm(picture - picture.mean())
    shares: list[Statistics] = [{"picture": picture * (1, -1, 0)[orientation]} for orientation in orientations]
    found = align(shares)
    up, down = orientations.count(0), orientations.count(1)
    if up == down or up + down < 2:
        np.testing.assert_array_equal(found["picture"], 0)
    else:
        np.testing.assert_allclose(found["picture"], picture * (1 if up > down else -1))
        assert found["sides"].tolist() == [max(up, down), min(up, down), orientations.count(2)]


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_shared_has_one_size_whatever_the_site(channels: int) -> None:
    for count, size in ((10, 16), (30, 24)):
        owns, _ = fit(POLARITY, {"a": site(1, count=count, size=size, channels=channels)})
        assert sum(array.nbytes for array in owns["a"].values()) == 64 * 8 + 2 * 8 + channels * 199 * 8


@pytest.mark.real
@pytest.mark.parametrize("group", ["cxr_cls", "breast_us"])
def test_an_inverted_real_site_is_found(real_data, group: str) -> None:
    sites: dict[str, list[list[np.ndarray]]] = {}
    for folder in sorted(path for path in (real_data / group).iterdir() if path.is_dir()):
        cases = read_site(folder, name=folder.name).cases[:90:3]
        grey = [canvas(as_seen(load(case)[0]), 48).mean(axis=1, keepdims=True) for case in cases]
        sites[folder.name] = [[case] for case in grey]
    owns, _ = fit(POLARITY, sites)
    assert not any(own["turned"].item() for own in owns.values())
    for name in sites:
        negative = {**sites, name: [[1 - case for case in cases] for cases in sites[name]]}
        owns, _ = fit(POLARITY, negative)
        assert {site for site, own in owns.items() if own["turned"].item()} == {name}

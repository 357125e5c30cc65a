"""The harmonizers in their one-sided form, and the public reference."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from shiftscope.harmonizers.quantile_maps import map_quantiles
from shiftscope.harmonizers.zscores import standardize
from shiftscope.measures import AXES
from shiftscope.measures.appearance.intensity import LEVELS
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.canvas_batches import harmonized_coordinates
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.measures.one_sided_maps import PUBLIC, mean_quantiles, recoloured, standardized
from shiftscope.phantoms import ANATOMIES, PLANTS


def site(plant: str | None = None, severity: float = 0.7, seed: int = 5, n: int = 24) -> torch.Tensor:
    """Canvases (n, 96, 96) of the same patients for the same seed, on another scanner where planted."""
    rng, chance = np.random.default_rng(seed), np.random.default_rng(0)
    phantoms = [ANATOMIES["ultrasound"](rng, size=96) for _ in range(n)]
    if plant is not None:
        phantoms = [PLANTS[plant](phantom, severity, chance) for phantom in phantoms]
    return torch.from_numpy(np.stack([phantom.pixels for phantom in phantoms]))


@pytest.fixture(scope="module")
def grey() -> torch.Tensor:
    return site()


def test_z_scores_are_those_of_training(grey: torch.Tensor) -> None:
    canvases = grey.clone()
    canvases[3, :40] = 0  # padding
    canvases[5] = 0  # nothing at all
    canvases[6:8] = 0.3  # no variation
    canvases[10] *= 0.02  # one dark slice of a volume
    sizes = [1, 1, 1, 3, 2, 8, 8]
    found = standardized(canvases, sizes)
    start = 0
    for size in sizes:
        case = canvases[start : start + size, None].numpy()
        np.testing.assert_allclose(found[start : start + size, None], standardize(case, {}, {}), atol=2e-6)
        start += size
    assert start == len(canvases)


def test_the_quantile_map_is_that_of_training(grey: torch.Tensor) -> None:
    """Against the training's `np.interp` between the same knots."""
    canvases = grey.clone()
    canvases[:, :20] = 0
    values = mean_quantiles([canvases[:10], canvases[10:]], foreground=True)
    looked = Canonical.fit([canvases]).variants(canvases, [1] * len(canvases))["quantile_map"]()
    expected = map_quantiles(canvases[:, None].numpy(), {"quantiles": values[None]}, {"quantiles": PUBLIC[None]})
    np.testing.assert_allclose(looked, expected[:, 0], atol=5e-3)  # a table of 1024 steps
    assert (looked[:, :20] == 0).all()
    np.testing.assert_allclose(mean_quantiles([looked], foreground=True), PUBLIC, atol=0.05)


def test_the_map_is_the_identity_on_the_public_look() -> None:
    level = torch.linspace(LEVELS[0], LEVELS[-1], 400).view(1, 20, 20)
    torch.testing.assert_close(recoloured(level, PUBLIC), level, atol=2e-3, rtol=0)


def test_canvases_without_foreground_do_not_count() -> None:
    empty, full = torch.zeros(2, 32, 32), torch.rand(2, 32, 32).clamp(min=0.01)
    np.testing.assert_array_equal(mean_quantiles([empty], foreground=True), PUBLIC)
    np.testing.assert_allclose(
        mean_quantiles([torch.cat([empty, full])], foreground=True), mean_quantiles([full], foreground=True), atol=1e-6
    )


def test_the_negative_of_an_inverted_site_is_upright(grey: torch.Tensor) -> None:
    inverted = 1 - grey
    sizes = [1] * len(grey)
    upright, turned = Canonical.fit([grey]).variants(grey, sizes), Canonical.fit([inverted]).variants(inverted, sizes)
    torch.testing.assert_close(turned["polarity"](), upright["quantile_map"](), atol=2e-3, rtol=0)
    torch.testing.assert_close(turned["quantile_map"](), upright["polarity"](), atol=2e-3, rtol=0)
    assert (turned["quantile_map"]() - upright["quantile_map"]()).abs().mean() > 0.1


def distance(one: torch.Tensor, other: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """Squared distance of the sites' mean features after a change, over the mean spread within them before it."""
    extractor = load_extractor()
    features = [torch.cat(extractor.compute(change(grey)[:, None]), dim=1) for grey in (one, other)]
    raw = [torch.cat(extractor.compute(grey[:, None]), dim=1) for grey in (one, other)]
    spread = sum(rows.var(dim=0).sum() for rows in raw) / 2
    gap = (features[0].mean(dim=0) - features[1].mean(dim=0)).square().sum()
    return float(gap / spread)


def public(grey: torch.Tensor) -> torch.Tensor:
    return Canonical.fit([grey]).apply(grey)


@pytest.mark.parametrize("plant", ["gamma", "brightness", "contrast", "noise", "blur", "downsampling"])
def test_the_public_look_removes_what_a_scanner_does(plant: str, grey: torch.Tensor) -> None:
    other = site(plant)
    assert distance(grey, other, public) < 0.3 * distance(grey, other, lambda x: x)


def test_the_public_look_keeps_another_anatomy(grey: torch.Tensor) -> None:
    rng = np.random.default_rng(1)
    chests = torch.from_numpy(np.stack([ANATOMIES["chest"](rng, size=96).pixels for _ in range(24)]))
    assert distance(grey, chests, public) > 1.0


def test_a_site_and_its_copy_look_alike(grey: torch.Tensor) -> None:
    torch.testing.assert_close(public(grey), public(grey.clone()), atol=0, rtol=0)


def test_every_harmonized_axis_is_measured(grey: torch.Tensor) -> None:
    extractor = load_extractor()
    sizes = [2] * (len(grey) // 2)
    with torch.inference_mode():
        found = harmonized_coordinates(grey, sizes, Canonical.fit([grey]), extractor)
    assert {*found} == {axis for axis, known in AXES.items() if known.question == "features"} - {
        "features_shallow",
        "features_deep",
    }
    for axis, rows in found.items():
        assert rows.shape == (len(grey), AXES[axis].width)
        assert np.isfinite(rows).all()

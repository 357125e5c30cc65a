"""Intensity, texture and colour against numpy, and what moves them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.measures import MEASURES
from shiftscope.measures.appearance import colour, intensity, texture
from shiftscope.measures.appearance.noise import residual
from shiftscope.phantoms import PLANTS, sample


@pytest.fixture(scope="module")
def grey() -> torch.Tensor:
    """(24, 96, 96) synthetic images of every anatomy."""
    phantoms = sample(np.random.default_rng(0), 24, size=96)
    return torch.stack([torch.from_numpy(p.pixels if p.pixels.ndim == 2 else p.pixels.mean(axis=-1)) for p in phantoms])


def test_quantiles_are_numpys(grey: torch.Tensor) -> None:
    expected = np.quantile(grey.flatten(1).numpy(), intensity.LEVELS, axis=1).T
    np.testing.assert_allclose(intensity.quantiles(grey).numpy(), expected, atol=3e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.15, 0.95))
def test_quantiles_of_a_part_lie_between_the_pixels_around_them(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((2, 32, 32), dtype=np.float32)
    keep = rng.random((2, 32, 32)) < share
    found = intensity.quantiles(torch.from_numpy(image), torch.from_numpy(keep)).numpy()
    for row, pixels, kept in zip(found, image, keep, strict=True):
        if kept.sum() >= 0.1 * kept.size:
            low, high = (np.quantile(pixels[kept], intensity.LEVELS, method=m) for m in ("lower", "higher"))
            assert np.all(row >= low - 1 / 4096)
            assert np.all(row <= high + 1 / 4096)


def test_hardly_anything_outside_the_mask_is_undefined() -> None:
    mask = torch.ones(1, 64, 64, dtype=torch.bool)
    mask[:, :4] = False
    assert torch.isnan(intensity.quantiles(torch.rand(1, 64, 64), intensity.surroundings(mask))).all()


def test_surroundings_keep_their_distance() -> None:
    mask = torch.zeros(1, 100, 100, dtype=torch.bool)
    mask[0, 50, 50] = True
    near = ~intensity.surroundings(mask)[0]
    assert near.sum() == 13 * 13  # 6 % of 100 pixels on either side
    assert near[44:57, 44:57].all()


def test_noise_is_measured_in_grey_levels() -> None:
    rng = np.random.default_rng(0)
    for sigma in (2.0, 5.0, 12.0):
        image = torch.from_numpy(0.5 + rng.normal(0, sigma / 255, (4, 128, 128)).astype(np.float32))
        assert texture.scalars(image, residual(image))["noise"].mean().item() == pytest.approx(sigma, rel=0.03)


def test_a_polynomial_is_all_bias_field() -> None:
    y, x = torch.meshgrid(torch.linspace(-1, 1, 64), torch.linspace(-1, 1, 64), indexing="ij")
    slow = (0.5 + 0.2 * x - 0.1 * y * y)[None]
    fast = (0.5 + 0.2 * torch.sin(40 * x))[None]
    assert texture.scalars(slow, residual(slow))["bias_field"].item() == pytest.approx(1.0, abs=1e-3)
    assert texture.scalars(fast, residual(fast))["bias_field"].item() < 0.02


def test_white_noise_has_a_flat_spectrum_and_a_wave_a_peak() -> None:
    noise = texture.amplitude(torch.randn(16, 128, 128, generator=torch.Generator().manual_seed(0))).mean(dim=0)
    assert (noise[6:].max() / noise[6:].min()).item() < 1.2
    wave = torch.sin(2 * torch.pi * 20 * torch.arange(128) / 128).expand(1, 128, 128)
    edges = np.geomspace(1, 64, texture.RADII + 1)
    assert texture.amplitude(wave)[0].argmax().item() == np.searchsorted(edges, 20) - 1


def test_gain_does_not_count_as_texture(grey: torch.Tensor) -> None:
    one, other = (
        texture.vector(texture.amplitude(image), texture.scalars(image, residual(image)))
        for image in (grey, 0.2 + 0.5 * grey)
    )
    moved = (other - one).abs()
    moved[:, texture.RADII] = 0  # noise is in grey levels: it scales with gain
    assert moved.max().item() < 0.02


def test_colour_of_one_colour() -> None:
    rgb = torch.tensor([0.8, 0.4, 0.2]).view(1, 3, 1, 1).expand(1, 3, 16, 16)
    found = {name: value.item() for name, value in colour.scalars(rgb).items()}
    assert found == pytest.approx({"redness": np.log(2), "blueness": -np.log(2), "saturation": 0.75}, rel=1e-4)
    assert torch.isfinite(colour.vector(rgb, torch.ones_like(rgb[:, 0], dtype=torch.bool))).all()


def test_a_black_frame_has_no_colour() -> None:
    rgb = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 0.8 + 0.2
    framed = torch.nn.functional.pad(rgb, (16, 16, 16, 16))
    field = torch.ones(2, 32, 32, dtype=torch.bool)
    padded = torch.nn.functional.pad(field, (16, 16, 16, 16))
    assert torch.allclose(colour.vector(rgb, field), colour.vector(framed, padded), atol=1e-5)


def test_plants_move_what_they_are_named_for() -> None:
    """Brightness moves brightness, noise moves noise, blur lowers sharpness, a bias field adds to itself."""
    rng = np.random.default_rng(1)
    phantoms = [p for p in sample(rng, 24, size=96) if p.pixels.ndim == 2]

    def mean(name: str, plant: str | None) -> float:
        planted = phantoms if plant is None else [PLANTS[plant](p, 0.7, np.random.default_rng(2)) for p in phantoms]
        stack = torch.stack([torch.from_numpy(p.pixels) for p in planted])
        return float({**intensity.scalars(stack), **texture.scalars(stack, residual(stack))}[name].mean())

    for plant, name, sign in (
        ("brightness", "brightness", 1),
        ("noise", "noise", 1),
        ("blur", "sharpness", -1),
        ("bias_field", "bias_field", 1),
    ):
        assert sign * (mean(name, plant) - mean(name, None)) > 0, plant


def test_every_measure_says_what_it_is() -> None:
    for name, measure in MEASURES.items():
        assert measure.name == name
        for part in ("unit", "sentence", "formula", "direction", "undefined", "reference"):
            assert getattr(measure, part), (name, part)
        assert measure.range[0] < measure.range[1], name

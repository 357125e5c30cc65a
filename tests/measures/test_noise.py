"""The noise curve against noise that was planted, by level of brightness."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import special

from shiftscope.measures.appearance.intensity import foreground
from shiftscope.measures.appearance.noise import BANDS, residual, scalars, vector
from shiftscope.phantoms import ANATOMIES, PLANTS

SIDE = 128
MIDDLES = [(low + min(high, 1.0)) / 2 for low, high in pairwise(BANDS)]


def wedge() -> torch.Tensor:
    """(4, SIDE, SIDE) float64: a plateau in every band of brightness, and a black one."""
    levels = torch.tensor([0.0, *MIDDLES], dtype=torch.float64)
    return levels.repeat_interleave(SIDE // len(levels) + 1)[:SIDE].expand(4, SIDE, SIDE).clone()


def normal(like: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=like.dtype)


def curves(images: torch.Tensor) -> torch.Tensor:
    return vector(images, residual(images))


def curve(image: torch.Tensor) -> np.ndarray:
    return curves(image).mean(dim=0).numpy()


@pytest.mark.parametrize("sigma", [0.005, 0.01, 0.02])
def test_doubled_noise_is_a_logarithm_of_two_higher_in_every_band(sigma: float) -> None:
    """Little less where a floor of a quarter of a grey level is added to the residual."""
    clean = wedge()
    rise = curve(clean + 2 * sigma * normal(clean)) - curve(clean + sigma * normal(clean))
    assert rise == pytest.approx(np.log(2), abs=0.2)


def test_more_noise_is_more_in_every_band() -> None:
    clean = wedge()
    steps = np.stack([curve(clean + sigma * normal(clean)) for sigma in (0.0, 0.003, 0.006, 0.012, 0.025, 0.05)])
    assert (np.diff(steps, axis=0) > 0.1).all()


def test_a_band_tells_its_own_sigma() -> None:
    """The kernel of Immerkaer has norm 6: the residual is a normal deviate of sigma, and its log's mean is known."""
    deviates = np.abs(special.ndtri((np.arange(10_000) + 0.5) / 10_000))
    flat = torch.full((8, SIDE, SIDE), 0.37, dtype=torch.float64)
    for sigma in (0.005, 0.02, 0.05):
        found = curve(flat + sigma * normal(flat))[3]
        assert found == pytest.approx(np.mean(np.log(sigma * deviates + 1e-3)), abs=0.02)


@pytest.mark.parametrize(
    ("spread", "sign"),
    [
        pytest.param(lambda level: 0.03 * level.sqrt(), 1, id="quanta"),
        pytest.param(lambda level: 0.05 * level, 1, id="speckle"),
        pytest.param(lambda level: 0.03 * (1 - level), -1, id="amplified shadows"),
        pytest.param(lambda level: 0.02 + 0 * level, 0, id="electronics"),
    ],
)
def test_the_slope_of_the_curve_is_that_of_the_noise(spread: Callable[[torch.Tensor], torch.Tensor], sign: int) -> None:
    clean = wedge()
    found = curve(clean + spread(clean) * normal(clean))
    if sign:
        assert (sign * np.diff(found) > 0).all()
    else:
        assert np.ptp(found) < 0.25


def test_black_is_left_out() -> None:
    """A frame of pure black, or of noise that stays black, moves no band that the picture fills."""
    picture = wedge()[..., SIDE // 7 + 1 :] + 0.02 * normal(wedge()[..., SIDE // 7 + 1 :])
    padded = torch.nn.functional.pad(picture, (0, 0, 30, 30))
    grainy = padded + (padded == 0) * normal(padded).abs() * 0.004
    # the residual along the frame's edge is the picture's end, not noise: two rows of a hundred
    assert curve(padded) == pytest.approx(curve(picture), abs=0.1)
    assert curve(grainy) == pytest.approx(curve(padded), abs=0.02)


def test_a_band_without_pixels_takes_the_mean_of_the_others() -> None:
    flat = torch.full((1, SIDE, SIDE), 0.37, dtype=torch.float64)
    flat[:, :, SIDE // 2 :] = 0.8
    found = curves(flat + 0.01 * normal(flat))[0]
    for empty in (0, 1, 2, 4):
        assert found[empty] == pytest.approx(float((found[3] + found[5]) / 2))


@pytest.mark.parametrize("level", [0.0, 0.01, 0.5, 1.0])
def test_flat_images_are_finite(level: float) -> None:
    assert torch.isfinite(curves(torch.full((2, SIDE, SIDE), level))).all()


def test_noise_moves_it_more_than_zoom_does() -> None:
    """Phantoms of every anatomy on a scanner of some noise: three times that noise against 1.2 times the size."""
    rng = np.random.default_rng(0)
    for draw in ANATOMIES.values():
        phantoms = [PLANTS["noise"](draw(rng, size=2 * SIDE), 0.3, rng) for _ in range(12)]

        def measured(name: str, severity: float, phantoms: list = phantoms) -> torch.Tensor:
            planes = [PLANTS[name](item, severity, rng).pixels for item in phantoms]
            grey = np.stack([plane.mean(axis=-1) if plane.ndim == 3 else plane for plane in planes])
            return curves(torch.nn.functional.avg_pool2d(torch.from_numpy(grey)[:, None], 2)[:, 0])

        before = measured("zoom", 0.0)
        noisier, closer = ((measured(*change) - before).mean(dim=0) for change in (("noise", 0.8), ("zoom", 0.45)))
        assert closer.square().sum() < 0.5 * noisier.square().sum()


def snr(image: torch.Tensor) -> torch.Tensor:
    return scalars(image, foreground(image), residual(image))["snr"]


@pytest.mark.parametrize(("level", "sigma"), [(0.5, 0.02), (0.2, 0.02), (0.8, 0.05), (0.5, 0.002)])
def test_snr_is_the_planted_mean_over_the_planted_deviation(level: float, sigma: float) -> None:
    flat = torch.full((8, SIDE, SIDE), level, dtype=torch.float64)
    assert snr(flat + sigma * normal(flat)).mean().item() == pytest.approx(level / sigma, rel=0.02)


def test_snr_is_of_what_is_not_black() -> None:
    """A frame of black, even a noisy one, is neither signal nor noise; a structured signal counts with its mean."""
    flat = torch.full((8, SIDE, SIDE // 2), 0.5, dtype=torch.float64)
    signal = flat + 0.02 * normal(flat)
    black = 0.003 * normal(signal, seed=1).abs()
    assert snr(torch.cat([signal, black], dim=2)).mean().item() == pytest.approx(25, rel=0.03)
    wave = 0.4 + 0.2 * torch.sin(torch.linspace(0, 12, SIDE, dtype=torch.float64)).expand(8, SIDE, SIDE)
    assert snr(wave + 0.01 * normal(wave)).mean().item() == pytest.approx(100 * wave.mean().item(), rel=0.03)


def test_snr_does_not_depend_on_gain_and_turns_but_on_an_offset() -> None:
    flat = torch.full((4, SIDE, SIDE), 0.5, dtype=torch.float64)
    image = flat + 0.02 * normal(flat)
    for same in (0.6 * image, image.flip(2)):
        torch.testing.assert_close(snr(same), snr(image), rtol=1e-6, atol=0)
    torch.testing.assert_close(snr(image.transpose(1, 2)), snr(image), rtol=0.06, atol=0)  # other rows are looked at
    assert (snr(image + 0.25) / snr(image)).mean().item() == pytest.approx(1.5, rel=0.01)


def test_snr_of_what_has_no_noise_is_that_of_rounding() -> None:
    """Finite for flat and black images, and no higher than an image of 8 bits can have it."""
    for level in (0.0, 0.01, 0.5, 1.0):
        found = snr(torch.full((2, SIDE, SIDE), level, dtype=torch.float64))
        torch.testing.assert_close(found, torch.full_like(found, level * 255 * 12**0.5))


def test_snr_falls_with_noise_and_rises_with_blur() -> None:
    rng = np.random.default_rng(3)
    phantoms = [PLANTS["noise"](item, 0.3, rng) for item in (draw(rng, size=SIDE) for draw in ANATOMIES.values())]

    def measured(plant: str | None) -> float:
        planes = [(item if plant is None else PLANTS[plant](item, 0.7, rng)).pixels for item in phantoms]
        grey = np.stack([plane.mean(axis=-1) if plane.ndim == 3 else plane for plane in planes])
        return float(snr(torch.from_numpy(grey)).mean())

    assert measured("noise") < 0.7 * measured(None)
    assert measured("blur") > 1.3 * measured(None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_do_not_depend_on_the_batch(dtype: torch.dtype) -> None:
    images = (wedge() + 0.02 * normal(wedge())).to(dtype)
    found = torch.cat([curves(part) for part in images.split(1)])
    torch.testing.assert_close(found, curves(images), atol=0 if dtype == torch.float64 else 1e-5, rtol=0)
    torch.testing.assert_close(torch.cat([snr(part) for part in images.split(1)]), snr(images))

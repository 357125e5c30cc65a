"""Appearance plants: the same patients on another scanner. Masks stay as they are."""
# ruff: noqa: ARG001 - every plant has the same signature, with or without chance in it

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from shiftscope.phantoms.fields import smooth_noise
from shiftscope.phantoms.phantom import Phantom

__all__ = ["bias_field", "blur", "brightness", "colour_cast", "contrast", "downsampling", "gamma", "inversion", "noise"]


def gamma(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Another transfer curve: pixels ** (2.5 ** severity). Positive is darker in the midtones."""
    return phantom.with_pixels(phantom.pixels ** np.float32(2.5**severity))


def brightness(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Another gain: pixels are moved by severity / 3 towards white (or black, where negative) without saturating."""
    share, target = min(abs(severity) / 3, 1.0), float(severity > 0)
    return phantom.with_pixels(phantom.pixels + np.float32(share) * (target - phantom.pixels))


def contrast(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Another dynamic range: contrast around the mean times 2.5 ** -severity. Positive is flatter."""
    mean = phantom.pixels.mean()
    return phantom.with_pixels(mean + (phantom.pixels - mean) * np.float32(2.5**-severity))


def inversion(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Black for white, blended in by severity; 1 is the negative."""
    return phantom.with_pixels(phantom.pixels + np.float32(severity) * (1 - 2 * phantom.pixels))


def noise(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A weaker signal: white noise of standard deviation 0.12 x severity."""
    added = rng.standard_normal(phantom.pixels.shape, dtype=np.float32)
    return phantom.with_pixels(phantom.pixels + np.float32(0.12 * severity) * added)


def blur(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A softer point-spread function: a Gaussian of 1.2 % of the width x severity."""
    return phantom.with_pixels(gaussian_filter(phantom.pixels, _sigmas(phantom, 0.012 * severity)))


def downsampling(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A coarser matrix: resampled to 3 ** -severity of the pixels along each in-plane axis and back."""
    rows, columns = phantom.mask.shape[-2:]
    coarse = 3.0**-severity
    down = _in_plane(phantom, (coarse, coarse))
    soft = gaussian_filter(phantom.pixels, _sigmas(phantom, 0.4 * (1 / coarse - 1) / columns))
    small = zoom(soft, down, order=1, grid_mode=True, mode="nearest")
    axis = phantom.mask.ndim - 2
    up = _in_plane(phantom, (rows / small.shape[axis], columns / small.shape[axis + 1]))
    return phantom.with_pixels(zoom(small, up, order=1, grid_mode=True, mode="nearest"))


def bias_field(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Uneven coil sensitivity or illumination: a smooth gain of exp(0.45 x severity x field)."""
    field = smooth_noise(rng, phantom.mask.shape, (1,) * phantom.mask.ndim)
    field -= field.mean()
    gain = np.exp(np.float32(0.45 * severity) * field)
    return phantom.with_pixels(phantom.pixels * (gain[..., None] if phantom.is_colour else gain))


def colour_cast(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Another white balance: blue gains and red loses, or the reverse where negative. Grey stays grey."""
    if not phantom.is_colour:
        return phantom
    gain = np.exp(np.array([-0.35, 0.05, 0.45], np.float32) * np.float32(severity))
    return phantom.with_pixels(phantom.pixels * gain)


def _in_plane(phantom: Phantom, factors: tuple[float, float]) -> tuple[float, ...]:
    """`factors` for the last two spatial axes, 1 for slices and channels."""
    return (1.0,) * (phantom.mask.ndim - 2) + factors + (1.0,) * phantom.is_colour


def _sigmas(phantom: Phantom, share: float) -> tuple[float, ...]:
    sigma = share * phantom.mask.shape[-1]
    return (0.0,) * (phantom.mask.ndim - 2) + (sigma, sigma) + (0.0,) * phantom.is_colour

"""Appearance plants: the same patients on another scanner. Masks stay as they are."""
# ruff: noqa: ARG001 - every plant has the same signature, with or without chance in it

from io import BytesIO

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from shiftscope.phantoms.fields import smooth_noise
from shiftscope.phantoms.phantom import Phantom

__all__ = [
    "bias_field",
    "blur",
    "brightness",
    "colour_cast",
    "contrast",
    "downsampling",
    "gamma",
    "inversion",
    "jpeg",
    "noise",
    "speckle",
    "vignette",
    "window",
]

_JPEG_WIDTH = 256


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


def window(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A narrower display window: 45 % x severity is cut off the bright end (or the dark one, where negative).

    What lies beyond is lost, the rest is stretched to the full range: positive is brighter with burnt highlights,
    negative is darker with blocked shadows.
    """
    cut = 0.45 * abs(severity)
    low = cut if severity < 0 else 0.0
    return phantom.with_pixels((phantom.pixels - np.float32(low)) / np.float32(1 - cut))


def inversion(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Black for white, blended in by severity; 1 is the negative."""
    return phantom.with_pixels(phantom.pixels + np.float32(severity) * (1 - 2 * phantom.pixels))


def noise(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """A weaker signal: white noise of standard deviation 0.12 x severity."""
    added = rng.standard_normal(phantom.pixels.shape, dtype=np.float32)
    return phantom.with_pixels(phantom.pixels + np.float32(0.12 * severity) * added)


def speckle(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Coherent imaging: a log-normal gain of mean 1, spread 0.2 x severity and grains of 0.6 % of the width.

    The gain is the same in all channels: speckle is a property of the scatterers, not of the colour filter.
    """
    field = rng.standard_normal(phantom.mask.shape, dtype=np.float32)
    field = gaussian_filter(field, _sigmas(phantom, 0.006)[: phantom.mask.ndim], truncate=3, mode="wrap")
    spread = np.float32(0.2 * severity)
    gain = np.exp(spread * field / field.std() - spread**2 / 2)
    return phantom.with_pixels(phantom.pixels * (gain[..., None] if phantom.is_colour else gain))


def jpeg(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Lossy storage: JPEG of quality 75 at the mildest, 38 at severity 0.3, 8 at 1, as Pillow writes it.

    Wider images than 256 pixels are compressed at that width and the loss is enlarged: an encoder's blocks are 8 pixels
    wide, and would otherwise be the finer the larger the image.
    """
    quality = round(75 * (8 / 75) ** abs(severity))
    if severity == 0:
        return phantom
    slices = phantom.pixels if phantom.mask.ndim == 3 else phantom.pixels[None]
    stored = np.stack([_compressed(plane, quality) for plane in slices])
    return phantom.with_pixels(stored if phantom.mask.ndim == 3 else stored[0])


def vignette(phantom: Phantom, severity: float, rng: np.random.Generator) -> Phantom:
    """Light that falls off towards the corners by cos^4 of the angle of view: 1/4 of it is left there at severity 1.

    Unlike `bias_field` it is the same for every image of a site.
    """
    rows, columns = phantom.mask.shape[-2:]
    y, x = (np.arange(length, dtype=np.float32) - (length - 1) / 2 for length in (rows, columns))
    squared = 4 * (y[:, None] ** 2 + x[None] ** 2) / (rows**2 + columns**2)
    fall = (1 + np.float32(severity) * squared) ** -2
    return phantom.with_pixels(phantom.pixels * (fall[..., None] if phantom.is_colour else fall))


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
    """Uneven coil sensitivity or illumination: a smooth gain of exp(0.35 x severity x field of spread 1)."""
    field = smooth_noise(rng, phantom.mask.shape, (1,) * phantom.mask.ndim)
    field -= field.mean()
    gain = np.exp(np.float32(0.35 * severity) * field / field.std())
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


def _compressed(plane: np.ndarray, quality: int) -> np.ndarray:
    """One (y, x) or (y, x, 3) plane after JPEG."""
    small = Image.fromarray(np.rint(plane * 255).astype(np.uint8))
    full = small.size
    if full[0] > _JPEG_WIDTH:
        small = small.resize((_JPEG_WIDTH, max(round(full[1] * _JPEG_WIDTH / full[0]), 1)), Image.Resampling.BOX)
    stream = BytesIO()
    small.save(stream, "JPEG", quality=quality)
    with Image.open(stream) as stored:
        loss = np.asarray(stored, np.float32) - np.asarray(small, np.float32)
    if full != small.size:
        scale = tuple(new / old for new, old in zip(plane.shape, loss.shape, strict=True))
        loss = zoom(loss, scale, order=0, grid_mode=True, mode="nearest")
    return np.asarray(plane + loss / 255, np.float32)

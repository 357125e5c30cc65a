"""What counts as the picture when brightness is measured: not its black frame, and not the lesion."""

import numpy as np
import pytest
import torch

from shiftscope.measures.appearance import intensity


def test_padding_does_not_move_the_quantiles_of_the_foreground() -> None:
    """Black around a picture is framing; without the foreground alone, it would darken it."""
    picture = 0.2 + 0.6 * torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    padded = torch.nn.functional.pad(picture, (32, 32, 20, 44))
    plain, framed = (intensity.quantiles(image, intensity.foreground(image)) for image in (picture, padded))
    torch.testing.assert_close(framed, plain, atol=1e-3, rtol=0)
    assert (intensity.quantiles(padded) - plain).abs().max() > 0.2


def test_a_dark_picture_is_taken_whole() -> None:
    dark = torch.full((1, 64, 64), 2 / 255)
    dark[0, :10, :10] = 0.5
    assert intensity.foreground(dark).all()
    assert not intensity.foreground(torch.cat([dark, dark + 0.3]))[1].logical_not().any()


def test_foreground_stays_within_what_is_asked_for() -> None:
    picture = torch.rand(2, 64, 64, generator=torch.Generator().manual_seed(1))
    picture[:, :20] = 0
    within = torch.zeros(2, 64, 64, dtype=torch.bool)
    within[:, :, :32] = True
    found = intensity.foreground(picture, within)
    assert not (found & ~within).any()
    assert not found[:, :20].any()
    assert found[:, 20:, :32].float().mean() > 0.95


def test_brightness_outside_is_of_the_plain_surroundings() -> None:
    """Black counts, and a lesion of any brightness does not."""
    picture = torch.zeros(2, 100, 100)
    picture[:, :, 50:] = 0.8
    mask = torch.zeros(2, 100, 100, dtype=torch.bool)
    mask[:, 40:60, 40:60] = True
    picture[1, 40:60, 40:60] = 1.0
    around = intensity.surroundings(mask)
    found = intensity.brightness(picture, around)
    expected = 255 * np.mean(picture[0].numpy()[around[0].numpy()], dtype=np.float64)
    assert found.numpy() == pytest.approx([expected, expected], rel=1e-5)
    assert expected == pytest.approx(0.4 * 255)
    assert torch.isnan(intensity.brightness(picture, torch.zeros_like(mask))).all()

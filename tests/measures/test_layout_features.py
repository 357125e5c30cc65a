"""Layout is of where things are: scanners leave it be, framing and anatomy move it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from shiftscope.measures.features import layout_features
from shiftscope.phantoms import ANATOMIES, PLANTS, Phantom

PATIENTS = 16
SIDE = 128


def grey_of(phantoms: list[Phantom]) -> torch.Tensor:
    """(n, SIDE, SIDE) float64."""
    planes = [item.pixels.mean(axis=-1) if item.is_colour else item.pixels for item in phantoms]
    return torch.from_numpy(np.stack(planes).astype(np.float64))


@pytest.fixture(scope="module", params=list(ANATOMIES))
def phantoms(request: pytest.FixtureRequest) -> list[Phantom]:
    rng = np.random.default_rng(0)
    return [ANATOMIES[request.param](rng, size=SIDE) for _ in range(PATIENTS)]


@pytest.fixture(scope="module")
def grey(phantoms: list[Phantom]) -> torch.Tensor:
    return grey_of(phantoms)


def moved(before: torch.Tensor, after: torch.Tensor) -> float:
    """Root mean square change of a number of an image, in deviations between the patients of an anatomy."""
    one, other = layout_features.vector(before), layout_features.vector(after)
    return float(((other - one) / one.std(dim=0)).square().mean().sqrt())


def planted(phantoms: list[Phantom], name: str, severity: float) -> torch.Tensor:
    rng = np.random.default_rng(1)
    return grey_of([PLANTS[name](item, severity, rng) for item in phantoms])


def slow_gain(grey: torch.Tensor) -> torch.Tensor:
    """Light from one corner: the far one gets .6 of it, the near one 1.4 times."""
    axis = torch.linspace(-1, 1, SIDE, dtype=grey.dtype)
    return grey * (1 + 0.2 * (axis[:, None] + axis))


def noisy(grey: torch.Tensor) -> torch.Tensor:
    return grey + 0.03 * torch.randn(grey.shape, generator=torch.Generator().manual_seed(0), dtype=grey.dtype)


def test_there_are_as_many_numbers_as_are_promised(grey: torch.Tensor) -> None:
    found = layout_features.vector(grey)
    assert found.shape == (PATIENTS, layout_features.SIZE)
    assert torch.isfinite(found).all()


def test_a_negative_and_an_offset_change_nothing(grey: torch.Tensor) -> None:
    found = layout_features.vector(grey)
    torch.testing.assert_close(layout_features.vector(1 - grey), found, atol=1e-10, rtol=0)
    torch.testing.assert_close(layout_features.vector(0.3 + grey), found, atol=1e-10, rtol=0)


@pytest.mark.parametrize("gain", [0.25, 0.5, 2.0])
def test_gain_changes_next_to_nothing(grey: torch.Tensor, gain: float) -> None:
    """Next to: what is flat to a hundredth of a grey level stays flat, whatever the gain."""
    torch.testing.assert_close(layout_features.vector(gain * grey), layout_features.vector(grey), atol=0.02, rtol=0)


APPEARANCE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "gamma": lambda grey: grey**0.75,
    "gamma the other way": lambda grey: grey**1.33,
    "noise": noisy,
    "slow gain": slow_gain,
}


def test_appearance_moves_it_less_than_half_as_much_as_framing(phantoms: list[Phantom], grey: torch.Tensor) -> None:
    """Mild gamma, noise and light, and strong loss of detail, against mild framing."""
    framing = [
        moved(grey, planted(phantoms, name, severity)) for name in ("zoom", "field_of_view") for severity in (0.3, -0.3)
    ]
    distances = {name: moved(grey, change(grey)) for name, change in APPEARANCE.items()}
    distances |= {name: moved(grey, planted(phantoms, name, 0.6)) for name in ("blur", "downsampling", "jpeg")}
    assert max(distances.values()) < 0.5 * min(framing), distances


def test_what_lies_elsewhere_moves_it(grey: torch.Tensor) -> None:
    """Mirrored, turned or shifted by an eighth: at least as far apart as two patients are from their mean."""
    for other in (grey.flip(2), grey.transpose(1, 2), torch.roll(grey, SIDE // 8, dims=2)):
        assert moved(grey, other) > 1


def test_zooming_further_moves_it_further(phantoms: list[Phantom], grey: torch.Tensor) -> None:
    for sign in (1, -1):
        steps = [moved(grey, planted(phantoms, "zoom", sign * severity)) for severity in (0.1, 0.3, 0.6, 1.0)]
        assert steps == sorted(steps)


def test_another_anatomy_is_farther_than_another_look() -> None:
    """Every anatomy's nearest mean, by layout alone, after another gamma and a negative."""
    rng = np.random.default_rng(2)
    means, spread, changed = {}, [], {}
    for name, draw in ANATOMIES.items():
        grey = grey_of([draw(rng, size=SIDE) for _ in range(2 * PATIENTS)])
        known = layout_features.vector(grey[:PATIENTS])
        means[name] = known.mean(dim=0)
        spread.append(known.var(dim=0))
        changed[name] = layout_features.vector(1 - grey[PATIENTS:] ** 1.5)
    unit = torch.stack(spread).mean(dim=0)
    found = [
        min(means, key=lambda other, row=row: float(((row - means[other]) ** 2 / unit).sum())) == name
        for name, rows in changed.items()
        for row in rows
    ]
    assert np.mean(found) > 0.95


def test_directions_are_told_apart_and_mirrored_ones_too() -> None:
    """Stripes in the first direction are energy there and nowhere else; the first 96 numbers are six directions."""
    y, x = torch.meshgrid(*(torch.arange(SIDE, dtype=torch.float64),) * 2, indexing="ij")
    for angle, direction in ((0, 0), (np.pi / 6, 1), (np.pi / 2, 3), (np.pi * 5 / 6, 5)):
        stripes = torch.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / 24)
        strength = layout_features.vector(stripes[None])[0, :96].exp().view(6, 4, 4).mean(dim=(1, 2))
        assert strength.argmax() == direction
        assert strength[direction] > 2 * strength.sort().values[-3]  # neighbours share what lies between two bins


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_do_not_depend_on_the_batch(grey: torch.Tensor, dtype: torch.dtype) -> None:
    images = grey.to(dtype)
    whole = layout_features.vector(images)
    for parts in (images.split(1), images.split(5), (images.flip(0),)):
        found = torch.cat([layout_features.vector(part) for part in parts])
        expected = whole.flip(0) if len(parts) == 1 else whole
        torch.testing.assert_close(found, expected, atol=1e-12 if dtype == torch.float64 else 1e-5, rtol=0)


@pytest.mark.parametrize("level", [0.0, 1 / 255, 0.5, 1.0])
def test_flat_images_are_finite_and_all_alike(level: float) -> None:
    flat = layout_features.vector(torch.full((2, SIDE, SIDE), level))
    assert torch.isfinite(flat).all()
    torch.testing.assert_close(flat, layout_features.vector(torch.zeros(2, SIDE, SIDE)), atol=1e-6, rtol=0)


def test_a_nearly_flat_image_does_not_become_all_noise() -> None:
    """A quarter of a grey level of noise on an image that is even but for one edge moves it less than half as much as
    that edge does elsewhere."""

    def step(column: int) -> torch.Tensor:
        image = torch.full((1, SIDE, SIDE), 0.3, dtype=torch.float64)
        image[:, :, column:] = 0.6
        return image

    def change(other: torch.Tensor) -> float:
        return float((layout_features.vector(other) - layout_features.vector(step(64))).square().mean())

    grain = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 1020
    assert change(step(64) + grain) < 0.4 * change(step(44))


def test_resolution_of_the_canvas_hardly_matters(phantoms: list[Phantom]) -> None:
    fine = grey_of(phantoms)
    coarse = torch.nn.functional.avg_pool2d(fine[:, None], 2)[:, 0]
    torch.testing.assert_close(layout_features.vector(coarse), layout_features.vector(fine), atol=1e-9, rtol=0)

"""Copies and neighbouring frames are found, patients of one kind are not."""

import numpy as np
import pytest

from shiftscope.images import canvas
from shiftscope.phantoms import ANATOMIES
from shiftscope.profiles.look_alikes import LookAlikes


def canvases(n: int, anatomy: str = "ultrasound", seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [canvas(ANATOMIES[anatomy](rng, size=96).pixels[None].astype(np.float32), 128) for _ in range(n)]


def watched(pictures: list[np.ndarray]) -> tuple[str, str] | None:
    alike = LookAlikes()
    for number, picture in enumerate(pictures):
        alike.add(str(number), picture)
    return alike.nearest()


@pytest.mark.parametrize("anatomy", ["ultrasound", "chest"])
def test_different_patients_are_not_alike(anatomy: str) -> None:
    assert watched(canvases(60, anatomy)) is None


def frame(picture: np.ndarray) -> np.ndarray:
    """The next frame of a film: moved by a pixel, with other noise."""
    moved = np.roll(picture, 1, axis=-1)
    return (moved + np.random.default_rng(1).normal(0, 0.02, moved.shape)).astype(np.float32)


CHANGES = {
    "a copy": lambda picture: picture,
    "brighter": lambda picture: 0.2 + 0.7 * picture,
    "darker by gamma": lambda picture: picture**1.2,
    "the next frame": frame,
    "in colour": lambda picture: np.repeat(picture, 3, axis=1),
    "a volume around it": lambda picture: np.concatenate([picture[::-1] * 0, picture, picture * 0]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_copies_are_alike(change) -> None:  # type: ignore[no-untyped-def]
    """Across the borders of the blocks in which all pairs are looked at, too."""
    pictures = canvases(40)
    assert watched([*pictures, change(pictures[7])]) == ("7", "40")


def test_the_two_most_alike_of_many_blocks_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftscope.profiles.look_alikes._ROWS", 8)
    pictures = canvases(30)
    assert watched([*pictures, frame(pictures[3]), pictures[21]]) == ("21", "31")


def test_pictures_of_one_grey_say_nothing() -> None:
    assert watched([np.full((1, 1, 128, 128), 0.5, np.float32)] * 3) is None
    assert watched([]) is None

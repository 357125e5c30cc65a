"""Copies and neighbouring frames are found, patients of one kind are not."""

import numpy as np
import pytest

from shiftscope.images import canvas
from shiftscope.phantoms import ANATOMIES
from shiftscope.profiles.patients.near_duplicates import ExactCopies, NearDuplicates


def canvases(n: int, anatomy: str = "ultrasound", seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [canvas(ANATOMIES[anatomy](rng, size=96).pixels[None].astype(np.float32), 128) for _ in range(n)]


def watched(pictures: list[np.ndarray], names: list[str] | None = None) -> str | None:
    alike = NearDuplicates()
    for number, picture in enumerate(pictures):
        alike.add(names[number] if names else str(number), "", picture)
    return alike.suspicion()


def named(one: int, other: int) -> str:
    return f"{one} and {other} hold equal or nearly equal pixels"


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
    "much darker by gamma": lambda picture: picture**2.5,
    "the next frame": frame,
    "in colour": lambda picture: np.repeat(picture, 3, axis=1),
    "a volume around it": lambda picture: np.concatenate([picture[::-1] * 0, picture, picture * 0]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_copies_are_alike(change) -> None:  # type: ignore[no-untyped-def]
    """Across the borders of the blocks in which all pairs are looked at, too."""
    pictures = canvases(40)
    assert watched([*pictures, change(pictures[7])]) == named(7, 40)


def test_the_two_most_alike_of_many_blocks_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiftscope.profiles.patients.near_duplicates._ROWS", 8)
    pictures = canvases(30)
    assert watched([*pictures, frame(pictures[3]), pictures[21]]) == named(21, 31)


def test_pictures_of_one_grey_say_nothing() -> None:
    assert watched([np.full((1, 1, 128, 128), 0.5, np.float32)] * 3) is None
    assert watched([]) is None


def volume(n: int, step: int = 1) -> list[np.ndarray]:
    """Slices of a synthetic organ that grows, moves and shrinks, with noise; every `step`th."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:128, :128] / 128
    out = []
    for z in np.linspace(-1, 1, n)[::step]:
        size = 0.15 + 0.3 * np.sqrt(max(1 - z * z, 0.0))
        body = ((x - 0.5 - 0.1 * z) ** 2 + (y - 0.5) ** 2 < size**2) * (0.5 + 0.2 * np.sin(9 * x + 4 * z))
        out.append((body + rng.normal(0, 0.05, body.shape))[None, None].astype(np.float32))
    return out


@pytest.mark.parametrize("step", [1, 3])
def test_slices_of_one_volume_are_a_series(step: int) -> None:
    """However they are shuffled when they come: their names put them in order."""
    slices = volume(90, step)
    order = np.random.default_rng(0).permutation(len(slices))
    said = watched([slices[index] for index in order], [f"IM{index}" for index in order])
    assert said is not None


def test_names_in_another_order_are_no_series() -> None:
    """What makes a series is that names and likeness go together, so shuffled names show nothing."""
    alike = canvases(60)
    rng = np.random.default_rng(2)
    assert watched(alike, [f"{number:03d}" for number in rng.permutation(60)]) is None


def test_two_pictures_of_each_patient_side_by_side_are_a_series() -> None:
    """Two breasts, two visits: less alike than copies, and always the next file."""
    rng = np.random.default_rng(3)
    pairs = []
    for picture in canvases(20):
        other = np.roll(picture, 9, axis=-1) + rng.normal(0, 0.15, picture.shape)
        pairs += [picture, other.astype(np.float32)]
    said = watched(pairs)
    assert said is not None
    assert "files next to each other by name look alike" in said


def test_patients_with_the_very_picture_of_another_are_counted() -> None:
    """A few odd exports pass; a quarter does not, whoever says that they are different patients."""
    pictures = canvases(40)

    def holders(copies: int) -> str | None:
        found = ExactCopies()
        for number, picture in enumerate(pictures):
            source = pictures[0] if number < copies else picture
            found.add(f"{number}.png", f"patient {number}", source)
        return found.suspicion()

    assert holders(1) is holders(8) is None
    assert holders(12) == "12 of 40 patients hold the very picture of another, for example 0.png and 1.png"


def test_a_patient_may_hold_one_picture_twice() -> None:
    found = ExactCopies()
    for picture in canvases(6):
        for copy in range(3):
            found.add(f"{copy}", str(picture.sum()), picture)
    assert found.suspicion() is None

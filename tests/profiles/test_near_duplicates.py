"""Copies and neighbouring frames are found, patients of one kind are not."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import rankdata

from shiftscope.images import canvas
from shiftscope.phantoms import ANATOMIES
from shiftscope.profiles.patients.near_duplicates import ExactCopies, NearDuplicates, PictureMark, compared_places
from shiftscope.sites import Case


def canvases(n: int, anatomy: str = "ultrasound", seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [canvas(ANATOMIES[anatomy](rng, size=96).pixels[None].astype(np.float32), 128) for _ in range(n)]


def watched(pictures: list[np.ndarray], names: list[str] | None = None) -> str | None:
    alike = NearDuplicates([Case(name, ()) for name in names or map(str, range(len(pictures)))])
    for place, picture in enumerate(pictures):
        alike.add(place, PictureMark.of(picture, thumbnail=True))
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
        cases = [Case(f"{number}.png", (), patient=f"patient {number}") for number in range(len(pictures))]
        found = ExactCopies(cases)
        for number, picture in enumerate(pictures):
            found.add(number, PictureMark.of(pictures[0] if number < copies else picture, thumbnail=False))
        return found.suspicion()

    assert holders(1) is holders(8) is None
    assert holders(12) == "12 of 40 patients hold the very picture of another, for example 0.png and 1.png"


def test_a_patient_may_hold_one_picture_twice() -> None:
    found = ExactCopies([Case(f"{place}", (), patient=f"patient {place // 3}") for place in range(18)])
    for number, picture in enumerate(canvases(6)):
        for copy in range(3):
            found.add(3 * number + copy, PictureMark.of(picture, thumbnail=False))
    assert found.suspicion() is None
    assert (found.copies_text() or "").startswith("12 pictures are exact copies of another")


def test_of_very_many_files_runs_of_neighbours_are_compared() -> None:
    """So that memory and time stay what they are for a few thousand; exact copies are counted among all."""
    cases = [Case(f"IM{number}", ()) for number in np.random.default_rng(0).permutation(10_000)]
    places = compared_places(cases)
    numbers = sorted(int(cases[place].name[2:]) for place in places)
    assert len(numbers) == 4096
    assert sum(after == before + 1 for before, after in pairwise(numbers)) >= 4096 - 64
    assert numbers[0] == 0
    assert numbers[-1] == 9999
    assert compared_places(cases[:4096]) == frozenset(range(4096))
    copies = ExactCopies(cases)
    for place in range(0, 10_000, 2):
        copies.add(place, PictureMark(place % 9_990, None))
    assert copies.many() is None
    for place in range(1, 60, 2):
        copies.add(place, PictureMark(7, None))
    assert copies.many() == f"{cases[0].name} and {cases[9990].name} hold equal or nearly equal pixels"


@pytest.mark.parametrize("levels", [3, 50, 10**9])
@pytest.mark.parametrize("shape", [(1, 1, 128, 128), (1, 3, 96, 96), (5, 1, 32, 32)])
def test_thumbnails_are_mean_ranks_of_the_means_of_cells(levels: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(levels % 1000)
    picture = (rng.integers(levels, size=shape) / (levels - 1)).astype(np.float32)
    found = PictureMark.of(picture, thumbnail=True).thumbnail
    assert found is not None
    grey = picture[len(picture) // 2].mean(axis=0)
    cell = len(grey) // 32
    small = grey.reshape(32, cell, 32, cell).transpose(0, 2, 1, 3).reshape(1024, -1).mean(axis=1)
    ranks = rankdata(np.round(small, 4)) - 512.5
    if levels < 10**9:  # with more of them single cells are rounded to either side
        np.testing.assert_array_equal(found, (ranks / np.linalg.norm(ranks)).astype(np.float16))
    else:
        assert np.corrcoef(found.astype(float), ranks)[0, 1] > 0.99999

"""Pictures that are copies, or neighbours in a volume or a film, as the files of one person often are: near-duplicates.

Pictures are compared by thumbnails of 32 x 32 pixels, whose grey levels are replaced by their ranks, so that
brightness, contrast and gamma do not count. Measured on 17 collections of 13 to 200 images and on volumes cut into
slices (docs/decisions.md):

- two files are nearly equal when their ranks correlate by more than .98. In collections of one image a person they
  never did (.963 at the most); where copies or consecutive frames are known to be, they did;
- files are a series when those next to each other by name are more alike than any two, by .7 standard deviations (.40
  at the most in collections of one image a person; .8 or more in volumes, every third slice too), or when the most
  similar file is the next one for a quarter of them (.09 at the most; .36 where persons have several images each).

Crops, rotations and flips of one picture, taken together, are not found: no thumbnail is alike any more.
"""

import hashlib
import re
from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

__all__ = ["ExactCopies", "NearDuplicates"]

LIKENESS = 0.98
SERIES = 0.7
NEIGHBOURS = 0.25
FEWEST = 20
"""Files from which a series is looked for."""

CHANCE = 500
"""One in so many files may be alike another by chance: in large collections the nearest of all come close."""

COPIES = 0.25
"""Share of the patients who may hold another's picture, where somebody said who they are: odd exports have some."""

THUMBNAIL_SIZE = 32
_ROWS = 512


class ExactCopies:
    """Who holds the very picture of another patient: sixteen bytes a picture."""

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, str]] = {}
        self._patients: set[str] = set()
        self._holders: set[str] = set()
        self._example = ""
        self._again = 0
        self._copy = ""

    def add(self, name: str, patient: str, canvases: np.ndarray) -> None:
        """Keep the mark of a picture; as `NearDuplicates.add`."""
        mark = hashlib.blake2b(np.ascontiguousarray(canvases).tobytes(), digest_size=16).digest()
        first, holder = self._first.setdefault(mark, (name, patient))
        self._patients.add(patient)
        if first != name:
            self._again += 1
            self._copy = self._copy or f"{first} and {name}"
        if holder != patient:
            self._holders |= {holder, patient}
            self._example = self._example or f"{first} and {name}"

    def copies_text(self) -> str | None:
        """How many pictures are copies of another's, a sentence that stays at the site; None where none is."""
        if not self._again:
            return None
        return f"{self._again} pictures are exact copies of another, and count as often as they come: {self._copy}"

    def suspicion(self) -> str | None:
        """Why patients may be fewer than they seem, as a sentence without its end; None where few hold another's."""
        if len(self._holders) <= max(2, COPIES * len(self._patients)):
            return None
        held = f"{len(self._holders)} of {len(self._patients)} patients"
        return f"{held} hold the very picture of another, for example {self._example}"


class NearDuplicates:
    """Thumbnails of a site's pictures, two kilobytes each, and what they say of its patients."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._thumbnails: list[np.ndarray] = []

    def add(self, name: str, _patient: str, canvases: np.ndarray) -> None:
        """Keep a picture, of a volume the middle slice.

        Args:
            name: what it is called in messages at the site.
            canvases: (k, c, s, s), s a multiple of 32.
        """
        grey = canvases[len(canvases) // 2].mean(axis=0)
        cell = grey.shape[0] // THUMBNAIL_SIZE
        small = grey.reshape(THUMBNAIL_SIZE, cell, THUMBNAIL_SIZE, cell).mean(axis=(1, 3)).ravel()
        ranks = rankdata(np.round(small, 4))
        ranks = ranks - ranks.mean()
        length = float(np.linalg.norm(ranks))
        if length > 0:  # a picture of one grey says nothing of its neighbour
            self._names.append(name)
            self._thumbnails.append((ranks / length).astype(np.float16))

    def suspicion(self) -> str | None:
        """Why files may be of one person, as the end of a sentence; None where nothing says so."""
        if len(self._names) < 2:
            return None
        order = sorted(range(len(self._names)), key=lambda index: _natural(self._names[index]))
        names = [self._names[index] for index in order]
        rows = np.stack([self._thumbnails[index] for index in order])
        best, nearest, mean, spread = _compared(rows)
        if CHANCE * int((best > LIKENESS).sum()) > len(names):
            one = int(best.argmax())
            return f"{names[one]} and {names[nearest[one]]} hold equal or nearly equal pixels"
        steps = np.einsum("ij,ij->i", rows[1:].astype(np.float32), rows[:-1].astype(np.float32))
        next_to = float(np.mean(np.abs(nearest - np.arange(len(names))) == 1))
        if len(names) >= FEWEST and (steps.mean() - mean > SERIES * spread or next_to > NEIGHBOURS):
            one = int(steps.argmax())
            most = f"{names[one]} and {names[one + 1]}"
            return f"files next to each other by name look alike, as slices and frames do, {most} most"
        return None


def _compared(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Of unit vectors (n, d): each one's likeness to the nearest other and where that is, and mean and standard
    deviation over all pairs."""
    n = len(rows)
    best, nearest = np.full(n, -1.0, dtype=np.float32), np.zeros(n, dtype=int)
    total = squares = 0.0
    for start, other, likeness in _blocks(rows):
        here, there = np.arange(likeness.shape[0]) + start, np.arange(likeness.shape[1]) + other
        for mine, theirs, table in ((here, there, likeness), (there, here, likeness.T)):
            found, place = table.max(axis=1), table.argmax(axis=1)
            better = found > best[mine]
            best[mine[better]], nearest[mine[better]] = found[better], theirs[place[better]]
        compared = likeness[likeness > -2]
        total, squares = (
            total + float(compared.sum(dtype=float)),
            squares + float(np.square(compared, dtype=float).sum()),
        )
    pairs = n * (n - 1) / 2
    mean = total / pairs
    return best, nearest, mean, float(np.sqrt(max(squares / pairs - mean**2, 0.0)))


def _blocks(rows: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Likeness of all pairs, block by block, with the block's first row and column; -3 where a pair comes again."""
    for start in range(0, len(rows), _ROWS):
        mine = rows[start : start + _ROWS].astype(np.float32)
        for other in range(start, len(rows), _ROWS):
            likeness = mine @ rows[other : other + _ROWS].astype(np.float32).T
            if start == other:
                likeness[np.tril_indices(len(mine))] = -3.0
            yield start, other, likeness


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that puts "slice 9" before "slice 10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from shiftscope.sites import Case

__all__ = ["ExactCopies", "NearDuplicates", "PictureMark", "compared_places"]

LIKENESS = 0.98
SERIES = 0.7
NEIGHBOURS = 0.25
FEWEST = 20
"""Files from which a series is looked for."""

CHANCE = 500
"""One in so many files may be alike another by chance: in large collections the nearest of all come close."""

COPIES = 0.25
"""Share of the patients who may hold another's picture, where somebody said who they are: odd exports have some."""

MOST_COMPARED, RUN = 4096, 64
"""Pictures that are compared by thumbnails at the most; of more, so many neighbours in a row."""

THUMBNAIL_SIZE = 32
_ROWS = 512


@dataclass(frozen=True, slots=True)
class PictureMark:
    """What a picture is compared with others by.

    Attributes:
        mark: of its very pixels.
        thumbnail: (1024,) float16 of length 1, ranks of the grey levels; None where it is not asked for, and of a
            picture of one grey, which says nothing of its neighbour.
    """

    mark: int
    thumbnail: np.ndarray | None

    @classmethod
    def of(cls, canvases: np.ndarray, *, thumbnail: bool) -> "PictureMark":
        """Of a picture, or of a volume, whose middle slice the thumbnail shows.

        Args:
            canvases: (k, c, s, s), s a multiple of 32 where there is to be a thumbnail.
            thumbnail: whether to make one.
        """
        pixels = np.ascontiguousarray(canvases)
        mark = int.from_bytes(hashlib.blake2b(pixels.data, digest_size=8).digest(), "little")
        return cls(mark, _length_one(canvases) if thumbnail else None)


def _length_one(canvases: np.ndarray) -> np.ndarray | None:
    """Ranks of the thumbnail of the middle slice, (1024,) of length 1; None where all are one."""
    colours = canvases[len(canvases) // 2]
    ranks = _ranks(_thumbnail(colours[0] if len(colours) == 1 else colours.mean(axis=0)))
    ranks = ranks - ranks.mean()
    length = float(np.linalg.norm(ranks))
    return (ranks / length).astype(np.float16) if length > 0 else None


def compared_places(cases: Sequence[Case]) -> frozenset[int]:
    """The places of the cases that are compared by thumbnails: all, or of many some dozens of runs of neighbours by
    name, for slices and frames lie beside each other, and all pairs of a million are too many."""
    if len(cases) <= MOST_COMPARED:
        return frozenset(range(len(cases)))
    order = sorted(range(len(cases)), key=lambda place: _natural(cases[place].name))
    starts = np.linspace(0, len(cases) - RUN, MOST_COMPARED // RUN).astype(int).tolist()
    return frozenset(order[start + step] for start in starts for step in range(RUN))


class ExactCopies:
    """Who holds the very picture of another patient: nine bytes a picture."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = cases
        self.marks = np.zeros(len(cases), dtype=np.uint64)
        self.known = np.zeros(len(cases), dtype=bool)

    def add(self, place: int, picture: PictureMark) -> None:
        """Keep the mark of the picture at a place in the list of cases."""
        self.marks[place], self.known[place] = picture.mark, True

    def copies_text(self) -> str | None:
        """How many pictures are copies of another's, a sentence that stays at the site; None where none is."""
        groups = self._groups()
        if not groups:
            return None
        again = sum(len(group) - 1 for group in groups)
        one = f"{self._name(groups[0][0])} and {self._name(groups[0][1])}"
        return f"{again} pictures are exact copies of another, and count as often as they come: {one}"

    def suspicion(self) -> str | None:
        """Why patients may be fewer than they seem, as a sentence without its end; None where few hold another's."""
        shared = [group for group in self._groups() if len({self.cases[place].patient for place in group}) > 1]
        holders = {self.cases[place].patient for group in shared for place in group}
        patients = {self.cases[place].patient for place in np.flatnonzero(self.known).tolist()}
        if len(holders) <= max(2, COPIES * len(patients)):
            return None
        first, *others = shared[0]
        other = next(place for place in others if self.cases[place].patient != self.cases[first].patient)
        held = f"{len(holders)} of {len(patients)} patients"
        return f"{held} hold the very picture of another, for example {self._name(first)} and {self._name(other)}"

    def many(self) -> str | None:
        """As `suspicion`, where each file counts as a patient: more copies than chance makes."""
        groups = self._groups()
        if CHANCE * sum(map(len, groups)) <= len(self.cases):
            return None
        return f"{self._name(groups[0][0])} and {self._name(groups[0][1])} hold equal or nearly equal pixels"

    def _groups(self) -> list[list[int]]:
        """Places of pictures that are one, the first by name first."""
        places = np.flatnonzero(self.known)
        order = places[np.argsort(self.marks[places], kind="stable")]
        runs = np.split(order, np.flatnonzero(np.diff(self.marks[order])) + 1)
        return sorted(run.tolist() for run in runs if len(run) > 1)

    def _name(self, place: int) -> str:
        return self.cases[place].name


class NearDuplicates:
    """Thumbnails of a site's pictures, two kilobytes each, and what they say of its patients."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = cases
        self.thumbnails: dict[int, np.ndarray] = {}

    def add(self, place: int, picture: PictureMark) -> None:
        """Keep the thumbnail of the picture at a place in the list of cases, if it has one."""
        if picture.thumbnail is not None:
            self.thumbnails[place] = picture.thumbnail

    def suspicion(self) -> str | None:
        """Why files may be of one person, as the end of a sentence; None where nothing says so."""
        if len(self.thumbnails) < 2:
            return None
        order = sorted(self.thumbnails, key=lambda place: _natural(self.cases[place].name))
        names = [self.cases[place].name for place in order]
        rows = np.stack([self.thumbnails[place] for place in order])
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


def _thumbnail(grey: np.ndarray) -> np.ndarray:
    """Means of square cells, columns before rows, a fifth of the time of both at once: (s, s) -> (1024,)."""
    cell = grey.shape[0] // THUMBNAIL_SIZE
    columns = reduce(np.add, [grey[:, start::cell] for start in range(cell)])
    rows = reduce(np.add, [columns[start::cell] for start in range(cell)])
    return np.ravel(rows / np.float32(cell**2))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank of each value, to four digits, and of equals their mean, by a count of each: (n,) in 0..1 -> (n,)."""
    levels = np.rint(values * np.float32(1e4)).astype(np.intp)
    levels -= levels.min()
    counts = np.bincount(levels)
    ranks: np.ndarray = (counts.cumsum() - (counts - 1) / 2)[levels]
    return ranks


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

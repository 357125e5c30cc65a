"""The export rules: which parts of the sums may leave a site, and what hides the rest."""

from collections.abc import Collection, Mapping, Set

import numpy as np

from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.basis import WIDTHS
from shiftscope.profiles import widths
from shiftscope.profiles.profile_document import CELL, OTHER, SEVERAL, Count, Sketch, Summary
from shiftscope.profiles.sums.moment_sums import GRID, Histogram, MomentSums
from shiftscope.profiles.widths import CLASS_WIDTH, largest_width
from shiftscope.sites import is_scanner_name
from shiftscope.stats import Moments

__all__ = ["acquisition", "class_sketches", "sketch", "summary", "suppressed", "suppressed_count"]

TEXTS = frozenset({"scanner", "manufacturer", "model"})
"""Tags whose values are text of whoever set the scanner up; all others are numbers and months."""

FEW_CLASSES = 4  # with more, the least that a sketch can be, so that a profile stays small


def suppressed(counts: Mapping[str, int]) -> dict[str, Count]:
    """Counts with those under 10 published as "<10", and "hidden" for what else would give them away.

    The next smallest count is hidden until every "<10" can be anything from 1 to 9 for a reader who knows the total,
    and this rule (complementary suppression, Cox 1980, doi:10.1080/01621459.1980.10477481): whoever sees which counts
    are published knows that a hidden one is no larger than the smallest of them. Where even hiding all is not enough,
    all are "hidden".
    """
    small = {key for key, count in counts.items() if 0 < count < CELL}
    hidden = set(small)
    others = sorted((key for key in counts if counts[key] >= CELL), key=lambda key: (counts[key], key))
    while hidden and others and not _uncertain(counts, small, hidden):
        hidden.add(others.pop(0))
    mark = "<10" if _uncertain(counts, small, hidden) else "hidden"
    return {
        key: mark if key in small else "hidden" if key in hidden else count
        for key, count in sorted(counts.items())
        if count
    }


def suppressed_count(count: int) -> Count:
    """One number of patients, "<10" where there are fewer but some."""
    return "<10" if 0 < count < CELL else count


def acquisition(tag: str, counts: Mapping[str, int]) -> dict[str, Count]:
    """Patients by value of a tag.

    A value leaves only where 10 patients share it, and a text only where it is made of the words that scanners are
    called by, for a header can hold anything. All others are one value, "other".
    """
    published = {
        value: count
        for value, count in counts.items()
        if count >= CELL and (tag not in TEXTS or value == SEVERAL or is_scanner_name(value))
    }
    return suppressed({**published, OTHER: sum(counts.values()) - sum(published.values())})


def _uncertain(counts: Mapping[str, int], small: Set[str], hidden: Set[str]) -> bool:
    """Whether every small count can still be 1 to 9, and every other hidden one nine values, given the hidden sum and
    that no hidden count is larger than a published one."""
    total = sum(counts[key] for key in hidden)
    ceiling = min((count for key, count in counts.items() if count and key not in hidden), default=total)
    low = {key: 1 if key in small else CELL for key in hidden}
    high = {key: CELL - 1 if key in small else min(total, ceiling) for key in hidden}
    for key in hidden:
        least = max(low[key], total - sum(high.values()) + high[key])
        most = min(high[key], total - sum(low.values()) + low[key])
        if most - least < CELL - 2:
            return False
    return True


def sketch(axis: str, plain: MomentSums, joint: MomentSums | None = None) -> Sketch | None:
    """The sketch of an axis, None below 20 patients.

    Args:
        axis: a key of `AXES`.
        plain: sums of the coordinates.
        joint: sums of the coordinates followed by the log area, over the same patients; None for none.
    """
    width = largest_width(plain.n, min(AXES[axis].width, plain.width), widths.FEWEST)
    if width and joint is not None:
        moments = joint.moments(joint.width)
        if moments is not None:
            keep = [*range(width), joint.width - 1]
            return Sketch.of(Moments(moments.n, moments.mean[keep], moments.cov[np.ix_(keep, keep)]), covariates=1)
    moments = plain.moments(width)
    return Sketch.of(moments) if moments is not None else None


def class_sketches(
    by_class: Mapping[str, Mapping[str, MomentSums]], whole: Mapping[str, MomentSums], published: Collection[str]
) -> dict[str, dict[str, Sketch]]:
    """Sketches within classes, label -> axis -> sketch.

    The whole less the sketched classes is the rest. So on each axis the rest must be nobody, or 10 patients or more,
    and no sketch may have more coordinates than the rest would be allowed. Below 40 patients classes are not sketched.

    Args:
        by_class: label -> axis -> sums.
        whole: axis -> sums over all patients.
        published: labels whose counts are published.
    """
    out: dict[str, dict[str, Sketch]] = {label: {} for label in sorted(published)}
    for axis, everyone in whole.items():
        if everyone.n < 2 * widths.FEWEST:
            continue
        found = {label: by_class[label][axis] for label in out if axis in by_class.get(label, {})}
        parts = sorted((item for item in found.items() if item[1].n >= CELL), key=lambda item: (-item[1].n, item[0]))
        while parts and 0 < (rest := everyone.n - sum(part.n for _, part in parts)) < CELL:
            parts.pop()
        for label, part in parts:
            most = min(_class_width(axis, len(published)), AXES[axis].width, part.width)
            width = min(largest_width(n, most, CELL) for n in (part.n, rest or part.n))
            moments = part.moments(width) if width else None
            if moments is not None:
                out[label][axis] = Sketch.of(moments)
    return {label: axes for label, axes in out.items() if axes}


def _class_width(axis: str, classes: int) -> int:
    """Most coordinates of an axis within a class. The features are ten axes, compared with one another, so all have as
    many; with more than a few classes none."""
    smallest = WIDTHS[0]
    if AXES[axis].question == "features":
        return smallest if classes <= FEW_CLASSES else 0
    return CLASS_WIDTH if classes <= FEW_CLASSES else smallest


def summary(name: str, histogram: Histogram) -> Summary | None:
    """Mean, standard deviation and merged cells of a measure, None below 10 patients."""
    if histogram.n < CELL:
        return None
    grid = np.linspace(histogram.low, histogram.high, GRID + 1)
    edges = [float(grid[0])]
    counts: list[int] = []
    waiting = 0
    for cell, count in enumerate(histogram.counts):
        waiting += int(count)
        left = histogram.n - sum(counts) - waiting
        if waiting >= CELL and (left == 0 or left >= CELL):
            edges.append(float(grid[cell + 1]))
            counts.append(waiting)
            waiting = 0
            if left == 0:
                break
    edges[-1] = float(grid[-1])
    return Summary(
        unit=MEASURES[name].unit,
        n=histogram.n,
        mean=histogram.mean,
        sd=histogram.sd,
        edges=tuple(edges),
        counts=tuple(counts),
    )

"""Sites made of patient rows, as a comparison takes them from profiles."""

import numpy as np

from shiftscope.measures import AXES
from shiftscope.shifts import SiteStatistics
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments


def statistics_of(
    name: str, rows: dict[str, np.ndarray], area: np.ndarray | None = None, **labels: np.ndarray
) -> SiteStatistics:
    """Statistics from patient rows by axis, their log area, and rows by class of each axis."""
    n = len(next(iter(rows.values())))
    joint = {} if area is None else {axis: Moments.of(np.column_stack([x, area])) for axis, x in rows.items()}
    classes = {
        label: {axis: Moments.of(x[keep]) for axis, x in rows.items()} for label, keep in labels.items() if keep.any()
    }
    counts = {label: int(keep.sum()) for label, keep in labels.items()}
    return SiteStatistics(
        site=name,
        n=n,
        plain={axis: Moments.of(x) for axis, x in rows.items()},
        joint=joint,
        area=None if area is None else "morphology",
        classes=classes,
        labels=LabelCounts(counts, counts, sum(counts.values())),
    )


def federation(seed: int, shifts: tuple[float, ...], n: int = 60, d: int = 8) -> list[SiteStatistics]:
    rng = np.random.default_rng(seed)
    return [
        statistics_of(f"s{k}", {axis: rng.standard_normal((n, min(d, AXES[axis].width))) + shift for axis in AXES})
        for k, shift in enumerate(shifts)
    ]


def mixed(rng: np.random.Generator, name: str, benign: int, malignant: int, shift: float = 0.0) -> SiteStatistics:
    """Two classes three deviations apart."""
    labels = np.repeat([0, 1], [benign, malignant])
    rows = rng.standard_normal((benign + malignant, 4)) + labels[:, None] * 1.5 + shift
    return statistics_of(name, {"texture": rows}, benign=labels == 0, malignant=labels == 1)

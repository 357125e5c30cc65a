"""What a comparison takes from one profile: moments by axis, within classes and beside the lesion area."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shiftscope.profiles import Profile
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments

__all__ = ["SiteStatistics"]


@dataclass(frozen=True)
class SiteStatistics:
    """One site, ready to be compared.

    Attributes:
        site: its name.
        n: patients.
        plain: axis -> moments.
        joint: axis -> moments of the same coordinates followed by the log area of the masks.
        area: the axis that area belongs to, "morphology" or "morphology_3d"; None where there is none.
        classes: label -> axis -> moments.
        labels: patients by class, as far as they are published.
    """

    site: str
    n: int
    plain: Mapping[str, Moments]
    joint: Mapping[str, Moments]
    area: str | None
    classes: Mapping[str, Mapping[str, Moments]]
    labels: LabelCounts

    @classmethod
    def of(cls, profile: Profile) -> "SiteStatistics":
        """From a profile.

        Labels of a private profile are not compared: its counts are noisy, and a class below the noise is missing.
        """
        sketches = {axis: sketch for axis, sketch in profile.sketches.items() if sketch is not None}
        joint = {axis: sketch.moments_with_area(len(sketch.mean)) for axis, sketch in sketches.items()}
        return cls(
            site=profile.site,
            n=profile.patients,
            plain={axis: sketch.moments for axis, sketch in sketches.items()},
            joint={axis: moments for axis, moments in joint.items() if moments is not None},
            area=next((axis for axis in ("morphology", "morphology_3d") if axis in sketches), None),
            classes={
                label: {axis: sketch.moments for axis, sketch in axes.items()}
                for label, axes in profile.by_class.items()
            },
            labels=LabelCounts.of(profile.labels, profile.labelled)
            if profile.privacy is None
            else LabelCounts({}, {}, 0),
        )

    @classmethod
    def pooled(cls, name: str, parts: Sequence["SiteStatistics"]) -> "SiteStatistics":
        """All patients of several sites, one at least, that have none in common, as one site.

        An axis is pooled over the parts that have it; with the area beside it only where all of these know the area.
        """
        axes = dict.fromkeys(axis for part in parts for axis in part.plain)
        areas = {part.area for part in parts}
        joint = {axis: [part.joint.get(axis) for part in parts if axis in part.plain] for axis in axes}
        whole = {axis: [item for item in found if item is not None] for axis, found in joint.items()}
        labels = dict.fromkeys(label for part in parts for label in part.classes)
        return cls(
            site=name,
            n=sum(part.n for part in parts),
            plain=_pooled([part.plain for part in parts]),
            joint={
                axis: _pooled_with_area(found)
                for axis, found in whole.items()
                if found and len(found) == len(joint[axis]) and len(areas) == 1
            },
            area=areas.pop() if len(areas) == 1 else None,
            classes={label: _pooled([part.classes.get(label, {}) for part in parts]) for label in labels},
            labels=LabelCounts.pooled([part.labels for part in parts]),
        )


def _pooled(parts: Sequence[Mapping[str, Moments]]) -> dict[str, Moments]:
    axes = dict.fromkeys(axis for part in parts for axis in part)
    return {axis: Moments.pooled([part[axis] for part in parts if axis in part]) for axis in axes}


def _pooled_with_area(parts: Sequence[Moments]) -> Moments:
    """The log area stays the last coordinate, however many all parts have before it."""
    d = min(len(part.mean) for part in parts) - 1
    keep = [[*range(d), len(part.mean) - 1] for part in parts]
    return Moments.pooled(
        [
            Moments(part.n, part.mean[rows], part.cov[np.ix_(rows, rows)], part.noise)
            for part, rows in zip(parts, keep, strict=True)
        ]
    )

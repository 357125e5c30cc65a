"""What one profile says to a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass

from shiftscope.profiles import Profile
from shiftscope.shifts.labels import LabelCounts
from shiftscope.stats import Moments

__all__ = ["Side"]


@dataclass(frozen=True)
class Side:
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
    def of(cls, profile: Profile) -> "Side":
        """The side of a profile.

        Labels of a private profile are not compared: its counts are noisy, and a class below the noise is not told.
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

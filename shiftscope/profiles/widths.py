"""How many coordinates of an axis so many patients allow: the export's rule, and what a reader holds a profile to."""

from shiftscope.measures.basis import WIDTHS

__all__ = ["CELL", "CLASS_WIDTH", "FEWEST", "PATIENTS_PER_COORDINATE", "largest_width", "patients_for"]

CELL = 10
"""No published count of patients is smaller."""

PATIENTS_PER_COORDINATE = 10.0
"""A covariance hugs its own patients, the more the fewer they are: docs/privacy.md measures what that gives away."""

FEWEST = 20
"""Patients from which a site is diagnosed, and its axes published in the fewest coordinates."""

CLASS_WIDTH = 8
"""Most coordinates of a sketch within a class."""


def patients_for(width: int, fewest: int) -> float:
    """Patients that a sketch takes: `fewest` for one of the smallest size, ten a coordinate for any other."""
    return fewest if width <= WIDTHS[0] else PATIENTS_PER_COORDINATE * width


def largest_width(n: int, most: int, fewest: int) -> int:
    """The largest size of a sketch, a public one or the whole axis of `most`, that n patients allow; 0 for none."""
    sizes = [width for width in (*WIDTHS, most) if width <= most]
    return max((width for width in sizes if n >= patients_for(width, fewest)), default=0)

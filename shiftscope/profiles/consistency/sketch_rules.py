"""Sketches: no wider than their patients allow, no farther out than coordinates go, classes a part of the whole."""

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.measures import AXES, HARMONIZED
from shiftscope.measures.basis import WIDTHS, load_basis
from shiftscope.measures.features.extractors import DEFAULT
from shiftscope.profiles import widths
from shiftscope.profiles.consistency.tolerances import ROUNDING, slack
from shiftscope.profiles.sketches import Area, Sketch
from shiftscope.profiles.widths import CELL, CLASS_WIDTH
from shiftscope.records import Misfit
from shiftscope.stats import Moments, least_eigenvalue

if TYPE_CHECKING:
    from shiftscope.profiles.profile_document import Profile

__all__ = ["require_classes_within", "require_known_axes", "require_sketches"]

_FARTHEST = 8.0 * sqrt(4096)
"""Norm of a patient's coordinates, where features are not the default ones: they have 4096 numbers at the most."""


def require_known_axes(profile: "Profile") -> None:
    """Axes that this version knows, the same wherever axes are named."""
    for axis in (*profile.recipe.axes, *profile.sketches):
        if axis not in AXES:
            key = "recipe.axes" if axis in profile.recipe.axes else "sketches"
            raise Misfit(key, axis, f"axes that this version knows, and the file is of version {profile.version}")
    if differing := sorted(profile.sketches.keys() ^ profile.recipe.axes.keys()):
        raise Misfit("sketches", differing[0], "the axes of recipe.axes, each of them a sketch or null")


def require_sketches(profile: "Profile") -> None:
    """Each axis over some of the patients, no wider than they allow, no farther out than coordinates go."""
    most = profile.patients + slack(profile)
    fewest = widths.FEWEST if profile.privacy is None else 2
    for axis, sketch in profile.sketches.items():
        if sketch is None:
            continue
        if not fewest <= sketch.n <= most:
            raise Misfit(f"sketches.{axis}.n", sketch.n, f"{fewest} to {int(most)}, the number of patients")
        width = AXES[axis].width
        _require_width(f"sketches.{axis}", sketch, width, 0 if profile.privacy else widths.FEWEST)
        _require_near(f"sketches.{axis}", sketch, _largest_norm(profile, axis))
        if (sketch.noise is None) != (profile.privacy is None):
            raise Misfit(f"sketches.{axis}.noise", sketch.noise, "a number in private profiles, null in others")
        if sketch.area is not None:
            _require_area_of_all(profile, axis, sketch)


def _require_width(key: str, sketch: Sketch, most: int, fewest: int) -> None:
    d = len(sketch.mean)
    sizes = sorted({width for width in (*WIDTHS, most) if width <= most})
    if d not in sizes:
        raise Misfit(f"{key}.mean", d, f"{' or '.join(map(str, sizes))} coordinates")
    if fewest and sketch.n < (needed := widths.patients_for(d, fewest)):
        raise Misfit(f"{key}.n", sketch.n, f"{needed:g} or more, the patients that {d} coordinates take")


def _largest_norm(profile: "Profile", axis: str) -> float:
    """The norm that no patient's coordinates exceed: vectors are clipped to eight robust deviations."""
    bases, digest = load_basis()
    fitted = AXES[axis].question != "features" or profile.recipe.extractor == DEFAULT
    if not fitted or profile.recipe.basis_sha256 != digest:
        return _FARTHEST
    known = bases[axis] if axis in bases else bases[f"features_{axis.rsplit('_', 1)[1]}"]
    return 8.0 * sqrt(len(known.directions))


def _require_near(key: str, sketch: Sketch, largest: float) -> None:
    """Mean squared norm of the patients, from mean and covariance."""
    centre = float(np.linalg.norm(sketch.mean))
    if centre > largest * (1 + ROUNDING):
        raise Misfit(f"{key}.mean", float(f"{centre:.4g}"), f"coordinates within {largest:.4g} of the public centre")
    spread = float(np.trace(sketch.moments.cov)) * (sketch.n - 1) / sketch.n
    if sqrt(centre**2 + spread) > largest * (1 + ROUNDING):
        most = max(largest**2 - centre**2, 0.0)
        raise Misfit(
            f"{key}.cov", float(f"{spread:.4g}"), f"variances of {most:.4g} at the most in all beside this mean"
        )


def _require_area_of_all(profile: "Profile", axis: str, sketch: Sketch) -> None:
    """The area is published where every patient has one: the first coordinate of the morphology, of all patients or of
    those on whom harmonizers were measured."""
    area, key = sketch.area, f"sketches.{axis}.area"
    if area is None or AXES[axis].holds_area:
        raise Misfit(key, f"{area}", "null, for this axis holds the area itself")
    sampled = axis in HARMONIZED and sketch.n <= profile.patients - CELL
    if sketch.n != profile.patients and not sampled:
        raise Misfit(f"sketches.{axis}.n", sketch.n, f"{profile.patients}, since it has an area of all patients")
    for size in (profile.sketches.get("morphology"), profile.sketches.get("morphology_3d")):
        if size is not None and size.n == profile.patients:
            if sampled:
                _require_areas_left(key, sketch, area, size)
                continue
            for name, here, there in (("mean", area.mean, size.mean[0]), ("var", area.var, size.cov[0])):
                if abs(here - there) > ROUNDING * (abs(here) + abs(there) + ROUNDING):
                    raise Misfit(f"{key}.{name}", here, f"{there:.6g}, as the morphology has it")


def _require_areas_left(key: str, sketch: Sketch, area: Area, size: Sketch) -> None:
    """The areas of some patients leave the others a sum of squares that areas can have."""
    mine = Moments(sketch.n, np.array([area.mean]), np.array([[area.var]]))
    all_squares = _squares(size.moments.leading(1))
    left = least_eigenvalue(all_squares - _squares(mine), np.diag(all_squares) + 1e-9)
    if left < -ROUNDING:
        raise Misfit(f"{key}.mean", area.mean, "the areas of a part of the patients: no negative squares for the rest")


def require_classes_within(profile: "Profile") -> None:
    """Classes are parts of the whole: their patients, sums and squares leave something that patients can have."""
    for label, axes in profile.by_class.items():
        counted = profile.labels.get(label)
        if not isinstance(counted, int):
            raise Misfit("by_class", label, "classes whose number of patients is published in labels")
        for axis, part in axes.items():
            key, whole = f"by_class.{label}.{axis}", profile.sketches.get(axis)
            if whole is None or whole.n < 2 * widths.FEWEST:
                expected = f"no sketch where the whole site has none of {2 * widths.FEWEST} patients or more"
                raise Misfit(f"{key}.n", part.n, expected)
            if not CELL <= part.n <= min(counted, whole.n):
                raise Misfit(f"{key}.n", part.n, f"{CELL} to {min(counted, whole.n)}, the patients of the class")
            for name, given in (("area", part.area), ("noise", part.noise)):
                if given is not None:
                    raise Misfit(f"{key}.{name}", given, "null within a class")
            _require_width(key, part, min(CLASS_WIDTH, AXES[axis].width), CELL)
            if len(part.mean) > len(whole.mean):
                raise Misfit(f"{key}.mean", len(part.mean), f"{len(whole.mean)} coordinates, as the whole site has")
    for axis in dict.fromkeys(axis for axes in profile.by_class.values() for axis in axes):
        _require_a_rest(profile, axis)


def _require_a_rest(profile: "Profile", axis: str) -> None:
    """What the whole leaves beside the classes is nobody, or ten patients or more with a covariance of their own."""
    whole = profile.sketches[axis]
    if whole is None:
        return
    parts = {label: axes[axis] for label, axes in profile.by_class.items() if axis in axes}
    rest = whole.n - sum(part.n for part in parts.values())
    if rest < 0 or 0 < rest < CELL:
        expected = f"classes that leave nobody or {CELL} patients or more of the {whole.n}"
        raise Misfit(f"by_class.*.{axis}.n", whole.n - rest, expected)
    d = min(len(part.mean) for part in parts.values())
    all_squares = _squares(whole.moments.leading(d))
    left = all_squares - sum(_squares(part.moments.leading(d)) for part in parts.values())
    scale = np.diag(all_squares) + 1e-9
    least = least_eigenvalue(left, scale)
    if least < -ROUNDING or (not rest and least_eigenvalue(-left, scale) < -ROUNDING):
        expected = "classes that are a part of the whole site: no negative sum of squares for the rest"
        raise Misfit(f"by_class.*.{axis}", float(f"{least:.3g}"), expected)


def _squares(moments: Moments) -> np.ndarray:
    """Sum over patients of the outer product of (1, coordinates) with itself: (d + 1, d + 1)."""
    row = np.append(1.0, moments.mean)
    out = moments.n * np.outer(row, row)
    out[1:, 1:] += (moments.n - 1) * moments.cov
    return np.asarray(out)

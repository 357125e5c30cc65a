"""What the numbers of a profile say of one another: every honest profile keeps it, so nothing downstream has to ask.

Limits are exact but for the six digits of a published number, and for what a private profile says of its own noise.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from shiftscope.errors import REASONS
from shiftscope.measures import AXES, MEASURES
from shiftscope.measures.appearance.intensity import LEVELS
from shiftscope.measures.appearance.texture import RADII
from shiftscope.measures.basis import WIDTHS, load_basis
from shiftscope.measures.features.extractors import DEFAULT
from shiftscope.profiles import widths
from shiftscope.profiles.moment_sums import GRID
from shiftscope.profiles.sketches import Sketch
from shiftscope.profiles.summaries import Summary
from shiftscope.profiles.widths import CELL, CLASS_WIDTH
from shiftscope.records import Misfit
from shiftscope.stats import Moments, least_eigenvalue

if TYPE_CHECKING:
    from shiftscope.profiles.profile_document import Profile

__all__ = ["MARKS", "require_consistent"]

MARKS = (f"<{CELL}", "hidden")
"""Instead of a count."""

_DEVIATIONS = 8.0
"""How far a noisy count may be off, in standard deviations of its noise: a chance of 1e-15."""

_FARTHEST = 8.0 * sqrt(4096)
"""Norm of a patient's coordinates, where features are not the default ones: they have 4096 numbers at the most."""

_ROUNDING = 1e-4
"""Of a number that is computed of several published ones."""

_LOUDEST = 1e6  # amplitude of a ring; images are in 0..1
_SPANS = 1000  # a mean lies no farther outside the public range of its measure


def require_consistent(profile: "Profile") -> None:
    """Check the parts of a profile against each other.

    Raises:
        Misfit: naming the key, what it holds and what was expected.
    """
    for check in _CHECKS:
        check(profile)


def _counts(profile: "Profile") -> None:
    """Patients, cases, masks and files left out."""
    if profile.cases < profile.patients:
        raise Misfit("cases", profile.cases, f"{profile.patients} or more, one for each patient")
    if profile.masks > profile.cases + _slack(profile):
        raise Misfit("masks", profile.masks, f"{profile.cases} at the most, the number of cases")
    for reason in profile.excluded:
        if reason not in REASONS:
            raise Misfit("excluded", reason, f"reasons that this version knows: {', '.join(REASONS)}")


def _classes(profile: "Profile") -> None:
    """Patients by class."""
    noise = 0.0 if profile.privacy is None else profile.privacy.label_noise * sqrt(len(profile.labels))
    if profile.labelled > profile.patients + _slack(profile) + _DEVIATIONS * noise:
        raise Misfit("labelled", profile.labelled, f"{profile.patients} at the most, the number of patients")
    least, most = _ends(profile.labels.values())
    if not least <= profile.labelled or (most is not None and profile.labelled > most):
        ends = f"{least}" if most == least else f"{least} to {most}" if most is not None else f"{least} or more"
        raise Misfit("labelled", profile.labelled, f"{ends}, the sum of the labels")
    several, _ = _ends([profile.several_classes])
    if profile.privacy is None and several > profile.patients - profile.labelled:
        rest = profile.patients - profile.labelled
        raise Misfit("several_classes", profile.several_classes, f"{rest} at the most, the patients without one class")


def _tags(profile: "Profile") -> None:
    """Patients by scanner, month and so on."""
    for tag, counts in profile.acquisition.items():
        least, _ = _ends(counts.values())
        if least > profile.patients:
            raise Misfit(f"acquisition.{tag}", least, f"{profile.patients} at the most in all, the number of patients")


def _ends(counts: Iterable[int | str]) -> tuple[int, int | None]:
    """The fewest and the most patients that published counts stand for; None for no end."""
    given = list(counts)
    known = sum(count for count in given if isinstance(count, int))
    small, hidden = (given.count(mark) for mark in MARKS)
    return known + small + hidden, None if hidden else known + (CELL - 1) * small


def _axes(profile: "Profile") -> None:
    """Axes that this version knows, the same wherever axes are named."""
    for axis in (*profile.recipe.axes, *profile.sketches):
        if axis not in AXES:
            key = "recipe.axes" if axis in profile.recipe.axes else "sketches"
            raise Misfit(key, axis, f"axes that this version knows, and the file is of version {profile.version}")
    if differing := sorted(profile.sketches.keys() ^ profile.recipe.axes.keys()):
        raise Misfit("sketches", differing[0], "the axes of recipe.axes, each of them a sketch or null")


def _sketches(profile: "Profile") -> None:
    """Each axis over some of the patients, no wider than they allow, no farther out than coordinates go."""
    most = profile.patients + _slack(profile)
    fewest = widths.FEWEST if profile.privacy is None else 2
    for axis, sketch in profile.sketches.items():
        if sketch is None:
            continue
        if not fewest <= sketch.n <= most:
            raise Misfit(f"sketches.{axis}.n", sketch.n, f"{fewest} to {int(most)}, the number of patients")
        width = AXES[axis].width
        _require_width(f"sketches.{axis}", sketch, width, 0 if profile.privacy else widths.FEWEST)
        _require_near(f"sketches.{axis}", sketch, _reach(profile, axis))
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


def _reach(profile: "Profile", axis: str) -> float:
    """The norm that no patient's coordinates exceed: vectors are clipped to eight robust deviations."""
    bases, digest = load_basis()
    fitted = AXES[axis].question != "features" or profile.recipe.extractor == DEFAULT
    if not fitted or profile.recipe.basis_sha256 != digest:
        return _FARTHEST
    known = bases[axis] if axis in bases else bases[f"features_{axis.rsplit('_', 1)[1]}"]
    return 8.0 * sqrt(len(known.directions))


def _require_near(key: str, sketch: Sketch, reach: float) -> None:
    """Mean squared norm of the patients, from mean and covariance."""
    centre = float(np.linalg.norm(sketch.mean))
    if centre > reach * (1 + _ROUNDING):
        raise Misfit(f"{key}.mean", float(f"{centre:.4g}"), f"coordinates within {reach:.4g} of the public centre")
    spread = float(np.trace(sketch.moments.cov)) * (sketch.n - 1) / sketch.n
    if sqrt(centre**2 + spread) > reach * (1 + _ROUNDING):
        most = max(reach**2 - centre**2, 0.0)
        raise Misfit(
            f"{key}.cov", float(f"{spread:.4g}"), f"variances of {most:.4g} at the most in all beside this mean"
        )


def _require_area_of_all(profile: "Profile", axis: str, sketch: Sketch) -> None:
    """The area is published where every patient has one: the first coordinate of the morphology."""
    area, key = sketch.area, f"sketches.{axis}.area"
    if area is None or AXES[axis].holds_area:
        raise Misfit(key, f"{area}", "null, for this axis holds the area itself")
    if sketch.n != profile.patients:
        raise Misfit(f"sketches.{axis}.n", sketch.n, f"{profile.patients}, since it has an area of all patients")
    for size in (profile.sketches.get("morphology"), profile.sketches.get("morphology_3d")):
        if size is not None and size.n == profile.patients:
            for name, here, there in (("mean", area.mean, size.mean[0]), ("var", area.var, size.cov[0])):
                if abs(here - there) > _ROUNDING * (abs(here) + abs(there) + _ROUNDING):
                    raise Misfit(f"{key}.{name}", here, f"{there:.6g}, as the morphology has it")


def _within_classes(profile: "Profile") -> None:
    """Classes are parts of the whole: their patients, sums and squares leave something that patients can have."""
    for label, axes in profile.by_class.items():
        told = profile.labels.get(label)
        if not isinstance(told, int):
            raise Misfit("by_class", label, "classes whose number of patients is published in labels")
        for axis, part in axes.items():
            key, whole = f"by_class.{label}.{axis}", profile.sketches.get(axis)
            if whole is None or whole.n < 2 * widths.FEWEST:
                expected = f"no sketch where the whole site has none of {2 * widths.FEWEST} patients or more"
                raise Misfit(f"{key}.n", part.n, expected)
            if not CELL <= part.n <= min(told, whole.n):
                raise Misfit(f"{key}.n", part.n, f"{CELL} to {min(told, whole.n)}, the patients of the class")
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
    if least < -_ROUNDING or (not rest and least_eigenvalue(-left, scale) < -_ROUNDING):
        expected = "classes that are a part of the whole site: no negative sum of squares for the rest"
        raise Misfit(f"by_class.*.{axis}", float(f"{least:.3g}"), expected)


def _squares(moments: Moments) -> np.ndarray:
    """Sum over patients of the outer product of (1, coordinates) with itself: (d + 1, d + 1)."""
    row = np.append(1.0, moments.mean)
    out = moments.n * np.outer(row, row)
    out[1:, 1:] += (moments.n - 1) * moments.cov
    return np.asarray(out)


def _measures(profile: "Profile") -> None:
    """Measures that this version knows, on their public grid."""
    for name, item in profile.measures.items():
        key = f"measures.{name}"
        if name not in MEASURES:
            raise Misfit(
                "measures", name, f"measures that this version knows; the file is of version {profile.version}"
            )
        if item.unit != MEASURES[name].unit:
            raise Misfit(f"{key}.unit", item.unit, f"{MEASURES[name].unit!r}")
        fewest = CELL if profile.privacy is None else 1
        if not fewest <= item.n <= profile.patients + _slack(profile):
            raise Misfit(f"{key}.n", item.n, f"{fewest} to {profile.patients}, the number of patients")
        if min(item.counts) < fewest:
            raise Misfit(f"{key}.counts", min(item.counts), f"cells of {fewest} patients or more")
        _require_on_grid(key, item, MEASURES[name].range)
        _require_spread(key, item)


def _require_on_grid(key: str, item: Summary, ends: tuple[float, float]) -> None:
    grid = np.linspace(*ends, GRID + 1)
    near = _ROUNDING * (ends[1] - ends[0])
    for place, edge in enumerate(item.edges):
        if np.min(np.abs(grid - edge)) > near:
            raise Misfit(f"{key}.edges", edge, f"edges of the {GRID} cells from {ends[0]:g} to {ends[1]:g}")
        if place in (0, len(item.edges) - 1) and abs(edge - ends[place > 0]) > near:
            raise Misfit(f"{key}.edges", edge, f"{ends[place > 0]:g} at this end")
    if not ends[0] - _SPANS * (ends[1] - ends[0]) <= item.mean <= ends[1] + _SPANS * (ends[1] - ends[0]):
        raise Misfit(f"{key}.mean", item.mean, f"a mean near {ends[0]:g} to {ends[1]:g}")


def _require_spread(key: str, item: Summary) -> None:
    """The cells force a distance from the mean on their patients; values beyond the range count in the end cells."""
    lows, highs = np.array(item.edges[:-1]), np.array(item.edges[1:])
    span = highs[-1] - lows[0]
    lows[0], highs[-1] = -np.inf, np.inf
    away = np.maximum(np.maximum(lows - item.mean, item.mean - highs) - _ROUNDING * span, 0.0)
    least = sqrt(float(away**2 @ np.array(item.counts)) / max(item.n - 1, 1))
    if item.sd < least * (1 - _ROUNDING):
        raise Misfit(f"{key}.sd", item.sd, f"{least:.6g} or more, with this mean and these cells")


def _curves(profile: "Profile") -> None:
    """Mean quantiles that rise from 0 to 1, and amplitudes."""
    for key, curve, length in (("quantiles", profile.quantiles, len(LEVELS)), ("spectrum", profile.spectrum, RADII)):
        if curve is None:
            continue
        if profile.patients < CELL:
            raise Misfit(key, "numbers", f"null below {CELL} patients")
        if curve.shape != (length,):
            raise Misfit(key, curve.shape, f"{length} numbers")
        low, high = (float(curve.min()), float(curve.max()))
        most = 1.0 if key == "quantiles" else _LOUDEST
        if low < 0 or high > most:
            raise Misfit(key, low if low < 0 else high, f"numbers from 0 to {most:g}")
    if profile.quantiles is not None:
        for before, after in pairwise(profile.quantiles.tolist()):
            if after < before * (1 - _ROUNDING):
                raise Misfit("quantiles", [before, after], "quantiles that rise")


def _promise(profile: "Profile") -> None:
    """A private profile says nothing beside its noisy sums."""
    if profile.privacy is None:
        return
    for key in ("by_class", "acquisition", "excluded"):
        if told := getattr(profile, key):
            raise Misfit(key, told, "nothing under differential privacy")
    for key in ("quantiles", "spectrum"):
        if (curve := getattr(profile, key)) is not None:
            raise Misfit(key, curve.tolist(), "null under differential privacy")
    if profile.fingerprint != "withheld":
        raise Misfit("fingerprint", profile.fingerprint, "'withheld' under differential privacy")
    axes = {axis for axis, sketch in profile.sketches.items() if sketch is not None}
    if profile.privacy.clipped.keys() != axes:
        raise Misfit(
            "privacy.clipped", sorted(profile.privacy.clipped), f"the axes that are told: {', '.join(sorted(axes))}"
        )
    if profile.privacy.count_noise**2 > profile.patients:
        expected = f"{sqrt(profile.patients):.4g} at the most: with more, {profile.patients} patients drown in it"
        raise Misfit("privacy.count_noise", profile.privacy.count_noise, expected)


def _slack(profile: "Profile") -> float:
    """How far two counts of patients may be apart through noise."""
    return 0.0 if profile.privacy is None else _DEVIATIONS * sqrt(2.0) * profile.privacy.count_noise


_CHECKS: tuple[Callable[["Profile"], None], ...] = (
    _promise,
    _counts,
    _classes,
    _tags,
    _axes,
    _sketches,
    _within_classes,
    _measures,
    _curves,
)

"""Counts of patients: none larger than what it is a part of, and what a private profile must leave out."""

from collections.abc import Iterable
from math import sqrt
from typing import TYPE_CHECKING

from shiftscope.errors import REASONS
from shiftscope.profiles.consistency.tolerances import DEVIATIONS, slack
from shiftscope.profiles.widths import CELL
from shiftscope.records import Misfit

if TYPE_CHECKING:
    from shiftscope.profiles.profile_document import Profile

__all__ = ["MARKS", "require_classes", "require_counts", "require_privacy", "require_tags"]

MARKS = (f"<{CELL}", "hidden")
"""Instead of a count."""


def require_counts(profile: "Profile") -> None:
    """Patients, cases, masks and files left out."""
    if profile.cases < profile.patients:
        raise Misfit("cases", profile.cases, f"{profile.patients} or more, one for each patient")
    if profile.masks > profile.cases + slack(profile):
        raise Misfit("masks", profile.masks, f"{profile.cases} at the most, the number of cases")
    for reason in profile.excluded:
        if reason not in REASONS:
            raise Misfit("excluded", reason, f"reasons that this version knows: {', '.join(REASONS)}")


def require_classes(profile: "Profile") -> None:
    """Patients by class."""
    noise = 0.0 if profile.privacy is None else profile.privacy.label_noise * sqrt(len(profile.labels))
    if profile.labelled > profile.patients + slack(profile) + DEVIATIONS * noise:
        raise Misfit("labelled", profile.labelled, f"{profile.patients} at the most, the number of patients")
    least, most = _ends(profile.labels.values())
    if not least <= profile.labelled or (most is not None and profile.labelled > most):
        ends = f"{least}" if most == least else f"{least} to {most}" if most is not None else f"{least} or more"
        raise Misfit("labelled", profile.labelled, f"{ends}, the sum of the labels")
    several, _ = _ends([profile.several_classes])
    if profile.privacy is None and several > profile.patients - profile.labelled:
        rest = profile.patients - profile.labelled
        raise Misfit("several_classes", profile.several_classes, f"{rest} at the most, the patients without one class")


def require_tags(profile: "Profile") -> None:
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


def require_privacy(profile: "Profile") -> None:
    """A private profile says nothing apart from its noisy sums."""
    if profile.privacy is None:
        return
    for key in ("by_class", "acquisition", "excluded"):
        if published := getattr(profile, key):
            raise Misfit(key, published, "nothing under differential privacy")
    for key in ("quantiles", "spectrum"):
        if (curve := getattr(profile, key)) is not None:
            raise Misfit(key, curve.tolist(), "null under differential privacy")
    if profile.fingerprint != "withheld":
        raise Misfit("fingerprint", profile.fingerprint, "'withheld' under differential privacy")
    axes = {axis for axis, sketch in profile.sketches.items() if sketch is not None}
    if profile.privacy.clipped.keys() != axes:
        raise Misfit(
            "privacy.clipped",
            sorted(profile.privacy.clipped),
            f"the axes that are published: {', '.join(sorted(axes))}",
        )
    if profile.privacy.count_noise**2 > profile.patients:
        expected = f"{sqrt(profile.patients):.4g} at the most: with more, {profile.patients} patients drown in it"
        raise Misfit("privacy.count_noise", profile.privacy.count_noise, expected)

"""What the sums of a site say of one another: a part that was damaged or forged does not keep it."""

from typing import TYPE_CHECKING

from shiftscope.measures import AXES, HARMONIZED
from shiftscope.measures.appearance.intensity import LEVELS
from shiftscope.measures.appearance.texture import RADII
from shiftscope.profiles.privacy import WIDTH
from shiftscope.profiles.sums.moment_sums import MomentSums
from shiftscope.records import Misfit

if TYPE_CHECKING:
    from shiftscope.profiles.sums.site_accumulator import SiteAccumulator

__all__ = ["CURVES", "require_consistent_sums"]

CURVES = {"quantiles": len(LEVELS), "amplitude": RADII}
"""Curve -> its length."""

_DEPTHS = frozenset({"2-D", "3-D"})


def require_consistent_sums(site: "SiteAccumulator") -> None:
    """Check that sums that belong together are over the same coordinates, and over some of the patients.

    Raises:
        Misfit: naming the key, what it holds and what was expected.
        ValueError: cases are fewer than patients or masks.
    """
    if not site.patients <= site.cases or not site.masks <= site.cases:
        raise ValueError(f"{site.patients} patients with {site.cases} cases and {site.masks} masks")
    for key, counts in {"labels": site.labels, **site.acquisition}.items():
        if counts.total() > site.patients:
            raise Misfit(key, dict(counts), f"counts of {site.patients} at the most in all, the patients")
    if not site.depths.keys() <= _DEPTHS or max(site.depths.values(), default=0) > site.patients:
        raise Misfit("depths", dict(site.depths), f"2-D and 3-D, {site.patients} each at the most, the patients")
    for key, count in (("coloured", site.coloured), ("several_classes", site.several_classes)):
        if count > site.patients:
            raise Misfit(key, count, f"{site.patients} at the most, the patients")
    _require_curves(site)
    classes = {f"by_class.{label}": axes for label, axes in site.by_class.items()}
    for group, axes in {"plain": site.plain, "joint": site.joint, "clipped": site.clipped, **classes}.items():
        for axis, sums in axes.items():
            _require_some(site, f"{group}.{axis}", axis, sums, group)
    measured = sum(bool(patient.coordinates) for patient in site.sample.patients)
    if measured > site.patients:
        raise Misfit("sample.patients", measured, f"{site.patients} at the most, the patients")
    if site.sample.limit is not None and not HARMONIZED.isdisjoint(site.plain):
        raise Misfit("sample.limit", site.sample.limit, "none, where harmonizers were measured on all patients")
    for name, histogram in site.histograms.items():
        if histogram.n > site.patients:
            raise Misfit(f"histograms.{name}.n", histogram.n, f"{site.patients} at the most, the patients")


def _require_curves(site: "SiteAccumulator") -> None:
    if site.curves.keys() != CURVES.keys():
        raise Misfit("curves", sorted(site.curves), f"the curves {', '.join(CURVES)}")
    for name, sums in site.curves.items():
        if sums.n > site.patients:
            raise Misfit(f"curves.{name}.n", sums.n, f"{site.patients} at the most, the patients")
        if sums.n and sums.width != CURVES[name]:
            raise Misfit(f"curves.{name}.total", f"{sums.width} numbers", f"{CURVES[name]} numbers")


def _require_some(site: "SiteAccumulator", key: str, axis: str, sums: MomentSums, group: str) -> None:
    if axis not in AXES:
        raise Misfit(key, axis, "axes that this version knows")
    if sums.n > site.patients:
        raise Misfit(f"{key}.n", sums.n, f"{site.patients} at the most, the patients")
    plain = site.plain.get(axis)
    d = WIDTH if group == "clipped" else plain.width if plain else 0
    width = d + (group == "joint")
    if sums.n and (not d or sums.width != width):
        raise Misfit(f"{key}.total", f"{sums.width} numbers", f"{width if d else 'none, without the plain sums'}")

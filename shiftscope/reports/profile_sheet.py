"""One site's profile, and what was found before profiling, as sheets."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shiftscope.measures import AXES
from shiftscope.profiles import Profile
from shiftscope.reports.sheet import Grid, Lines, Sheet

if TYPE_CHECKING:
    from shiftscope.sites import Site

__all__ = ["profile_sheet", "site_sheet"]

_SOURCES = {
    "dicom": "DICOM PatientID",
    "manifest": "the manifest",
    "regex": "--patient-regex",
    "file": "no information: each file counts as a patient, which makes intervals too narrow if one person has several",
}


def profile_sheet(profile: Profile, where: str) -> Sheet:
    """What was measured, what was left out, and what the file holds."""
    labels = ", ".join(f"{label} {count}" for label, count in profile.labels.items()) or "none"
    sketches = {axis: sketch for axis, sketch in profile.sketches.items() if sketch is not None}
    rows = [(axis, str(sketch.n), str(len(sketch.mean)), AXES[axis].says) for axis, sketch in sketches.items()]
    blocks: list[Lines | Grid] = [
        Lines(
            f"site {profile.site}",
            [
                f"{profile.cases} cases of {profile.patients} patients, {profile.masks} with a mask, {profile.depth},"
                f" {'colour' if profile.colour else 'grey'}, layout {profile.layout}",
                f"patients from {_SOURCES[profile.patient_source]}",
                f"labels: {labels}",
                f"features: {profile.recipe.extractor}",
                where,
            ],
        )
    ]
    if rows:
        blocks.append(Grid("axes measured", ("axis", "patients#", "coordinates#", "what it is"), rows))
    if profile.excluded:
        counts = Counter(profile.excluded)
        blocks.append(Grid("left out", ("reason", "files#"), [(key, str(n)) for key, n in counts.most_common()]))
    return blocks


def site_sheet(site: "Site", first: Mapping[str, str]) -> tuple[dict[str, Any], Sheet]:
    """The layout found before anything is measured, as plain values and as a sheet.

    Args:
        site: what was found.
        first: what reading the first few cases gave, by name.
    """
    patients = len({case.patient for case in site.cases})
    masks = sum(case.mask is not None for case in site.cases)
    labels = Counter(case.label for case in site.cases if case.label is not None)
    splits = Counter(case.split for case in site.cases if case.split is not None)
    excluded = {reason: len(paths) for reason, paths in site.excluded.items() if paths}
    values = {
        "site": site.name,
        "layout": site.layout,
        "cases": len(site.cases),
        "patients": patients,
        "patient_source": site.patient_source,
        "masks": masks,
        "labels": dict(sorted(labels.items())),
        "splits": dict(sorted(splits.items())),
        "excluded": excluded,
        "first": dict(first),
    }
    counts = [
        ("layout", site.layout),
        ("cases", str(len(site.cases))),
        ("patients", f"{patients}, from {_SOURCES[site.patient_source]}"),
        ("masks", str(masks)),
        ("labels", ", ".join(f"{label} {n}" for label, n in sorted(labels.items())) or "none"),
        ("split", ", ".join(f"{split} {n}" for split, n in sorted(splits.items())) or "none: patients are divided"),
        ("left out", ", ".join(f"{reason} {n}" for reason, n in excluded.items()) or "nothing so far"),
    ]
    sheet: list[Lines | Grid] = [Grid(f"site {site.name}, nothing measured yet", ("what", "found"), counts)]
    if first:
        sheet.append(Grid("the first cases", ("case", "found"), list(first.items())))
    return values, sheet

"""One site's profile, and what was found before profiling, as sheets."""

import shlex
from collections import Counter
from collections.abc import Mapping
from typing import Any

from shiftscope.measures import AXES
from shiftscope.profiles import Profile
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["SOURCES", "profile_sheet", "reading_sheet", "site_sheet"]

SOURCES = {
    "dicom": "told apart by DICOM PatientID",
    "manifest": "told apart by the manifest or table",
    "regex": "told apart by names of files or folders",
    "one_file_per_patient": "told apart by file: each is another's, says the owner",
    "file": "not told apart: each file counts as one",
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
                f"{profile.cases} {'case' if profile.cases == 1 else 'cases'} of {profile.patients}"
                f" {'patient' if profile.patients == 1 else 'patients'}, {profile.masks} with a mask, {profile.depth},"
                f" {'colour' if profile.colour else 'grey'}, layout {profile.layout}",
                f"patients {SOURCES[profile.patient_source]}",
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


def site_sheet(found: Mapping[str, Any]) -> Sheet:
    """The layout found before anything is measured, from `sites.readings.overview`."""

    def counts(key: str, otherwise: str) -> str:
        return ", ".join(f"{name} {n}" for name, n in found[key].items()) or otherwise

    rows = [
        ("layout", str(found["layout"])),
        ("as a template", _template(found)),
        ("cases", str(found["cases"])),
        ("patients", f"{found['patients']}, {SOURCES[found['patient_source']]}"),
        ("masks", str(found["masks"])),
        ("labels", counts("labels", "none")),
        ("split", counts("splits", "none: patients will be divided by the plan")),
        ("left out", _left_out(found)),
    ]
    sheet: list[Lines | Grid] = [Grid(f"site {found['site']}, nothing measured yet", ("what", "found"), rows)]
    if found["first"]:
        sheet.append(Grid("some cases", ("case", "found"), list(found["first"].items())))
    return [*sheet, *reading_sheet(found["reading"])]


def reading_sheet(reading: Mapping[str, Any]) -> Sheet:
    """What reading the cases gave, from `sites.SiteReading`."""
    sheet: list[Lines | Grid] = [Grid("what was read", ("what", "found"), list(reading["found"].items()))]
    if reading["odd"]:
        numbered = [(str(number), sentence) for number, sentence in enumerate(reading["odd"], start=1)]
        sheet.append(Grid("what looks odd, most suspicious first", ("#", "told"), numbered))
    return sheet


def _left_out(found: Mapping[str, Any]) -> str:
    """How many files by reason, and the first of each."""
    firsts = found["first_excluded"]
    return "; ".join(f"{reason} {n}, first {firsts[reason]}" for reason, n in found["excluded"].items()) or (
        "nothing so far"
    )


def _template(found: Mapping[str, Any]) -> str:
    """The options that say what was recognised."""
    if found["template"] is None:
        return "none says the same"
    mask = f" --mask {shlex.quote(found['mask_template'])}" if found["mask_template"] else ""
    return f"--layout {shlex.quote(found['template'])}{mask}"

"""Who took part, and what was left out and why."""

from collections.abc import Sequence

from shiftscope.errors import REASONS
from shiftscope.plans import RunResult
from shiftscope.profiles import Profile
from shiftscope.profiles.profile_document import Count
from shiftscope.reports.html.material import Material
from shiftscope.reports.sheet import Grid
from shiftscope.reports.sheets.profile_sheet import SOURCES

__all__ = ["excluded", "sites"]


def sites(profiles: Sequence[Profile]) -> Grid:
    """A row for each site."""
    return Grid(
        "The sites",
        ("site", "patients (n)#", "images#", "with a mask#", "kind", "classes", "scanners", "patients are"),
        [
            (
                item.site,
                str(item.patients),
                str(item.cases),
                str(item.masks),
                f"{item.depth}, {'colour' if item.colour else 'grey'}",
                _counts(item.labels) or "none",
                _counts(item.acquisition.get("scanner", {})) or "not stated",
                SOURCES[item.patient_source],
            )
            for item in profiles
        ],
    )


def excluded(material: Material) -> Grid:
    """Files and sites that are not in the numbers; no rows where everything is."""
    rows = [
        (profile.site, f"{count} {'file' if count == 1 else 'files'}", "profile", _reason(reason))
        for profile in material.profiles
        for reason, count in profile.excluded.items()
    ]
    rows += [
        (profile.site, "the site", "comparison", f"too few patients: {profile.patients}")
        for profile in material.profiles
        if profile.site in material.left_out
    ]
    if material.result is not None:
        rows += _of_run(material.result)
    return Grid("What was left out", ("site", "what", "of", "why"), rows)


def _of_run(result: RunResult) -> list[tuple[str, str, str, str]]:
    return [
        (site, f"{count} {'case' if count == 1 else 'cases'}", "training", _reason(reason))
        for site, scores in result.sites.items()
        for reason, count in scores.left_out.items()
    ]


def _reason(code: str) -> str:
    return REASONS.get(code, code)


def _counts(counted: dict[str, Count]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items())

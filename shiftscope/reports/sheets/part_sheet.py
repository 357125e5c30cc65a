"""A part of a site, as its own people see it: exact counts, for the site only."""

from shiftscope.profiles import Part
from shiftscope.reports.sheet import Lines, Sheet

__all__ = ["part_sheet"]


def part_sheet(part: Part, where: str) -> Sheet:
    """What was measured, and what to do with the file."""
    sums, origin = part.tally, part.origin
    classes = ", ".join(f"{label} {count}" for label, count in sorted(sums.labels.items())) or "none"
    left_out = ", ".join(f"{reason} {count}" for reason, count in origin.excluded.items()) or "nothing"
    return [
        Lines(
            f"a part of site {origin.site}, not to be shared",
            [
                f"{sums.cases} {'case' if sums.cases == 1 else 'cases'} of {sums.patients}"
                f" {'patient' if sums.patients == 1 else 'patients'}, {sums.masks} with a mask",
                f"classes: {classes}",
                f"left out: {left_out}",
                where,
            ],
        )
    ]

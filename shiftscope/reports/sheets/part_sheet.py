"""A part of a site, as its own people see it: exact counts, for the site only."""

from shiftscope.profiles import Part
from shiftscope.reports.sheet import Lines, Sheet

__all__ = ["part_sheet"]


def part_sheet(part: Part, where: str) -> Sheet:
    """What was measured, and what to do with the file."""
    tally, origin = part.tally, part.origin
    labels = ", ".join(f"{label} {count}" for label, count in sorted(tally.labels.items())) or "none"
    left_out = ", ".join(f"{reason} {count}" for reason, count in origin.excluded.items()) or "nothing"
    return [
        Lines(
            f"a part of site {origin.site}, not to be shared",
            [
                f"{tally.cases} {'case' if tally.cases == 1 else 'cases'} of {tally.patients}"
                f" {'patient' if tally.patients == 1 else 'patients'}, {tally.masks} with a mask",
                f"labels: {labels}",
                f"left out: {left_out}",
                where,
            ],
        )
    ]

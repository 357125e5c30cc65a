"""Writing a profile: the file, what lowers its worth, and what it holds; for `profile` and `merge` alike."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.cli.console import answer, warn
from shiftscope.cli.options import Format

if TYPE_CHECKING:
    from shiftscope.profiles import Profile

__all__ = ["caution_files", "publish"]


def publish(made: "Profile", target: Path, form: Format, show: bool) -> None:
    """Write `made` to `target`; answer with a summary, or with the exact bytes where `show` asks for them."""
    from shiftscope.reports.profile_sheet import profile_sheet

    made.write(target)
    _caution(made)
    if show:
        sys.stdout.write(made.to_json() + "\n")
    else:
        answer(form, made.to_dict(), profile_sheet(made, f"written to {target}, {target.stat().st_size / 1024:.1f} KB"))


def caution_files(patient_source: str) -> None:
    """Say what it costs that nothing but the file tells patients apart."""
    if patient_source == "file":
        warn(
            "each file counts as a patient; if one person has several images the intervals come out too narrow:"
            " give --patient-regex or a manifest with a patient column"
        )


def _caution(made: "Profile") -> None:
    """Say what lowers the worth of this profile."""
    caution_files(made.patient_source)
    if made.patients < 10:
        warn(f"fewer than 10 patients ({made.patients}): only counts are exported, and the site is not diagnosed")
    elif made.patients < 20:
        warn(f"fewer than 20 patients ({made.patients}): the site will not be diagnosed")

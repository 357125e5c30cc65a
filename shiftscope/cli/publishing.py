"""Writing a profile: the file, what lowers its worth, and what it holds; for `profile` and `merge` alike."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.cli.console import answer, say, warn
from shiftscope.cli.options import Format
from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope.profiles import Profile
    from shiftscope.sites import Declarations

__all__ = ["caution_files", "publish", "target_for"]


def target_for(site: str, output: Path | None) -> Path:
    """Where the profile goes: `output`, else here, called after its site.

    Raises:
        UsageError: the site's name is a path, and would lead elsewhere; or `output` is named as a part or a key.
    """
    if output is not None:
        if output.name.endswith((".part.json", ".key")):
            raise UsageError(f"-o {output}: expected a name for a profile, and this is one of a part or a key")
        return output
    if set(site) & set("/\\:") or site.startswith("."):
        raise UsageError(f"the site is called {site!r}, which is no name for a file: say with -o where to write it")
    return Path(f"{site}.profile.json")


def publish(made: "Profile", target: Path, form: Format, show: bool, declared: "Declarations") -> None:
    """Write `made` to `target`; answer with a summary, or, where `show` asks for them, with the exact bytes.

    Beside the bytes it is said what each text in them is, for the eyes of the site.
    """
    from shiftscope.reports.sheets.profile_sheet import profile_sheet

    made.write(target)
    _caution(made)
    if show:
        sys.stdout.write(made.to_json() + "\n")
        _explain_texts(made, declared)
    else:
        answer(form, made.to_dict(), profile_sheet(made, f"written to {target}, {target.stat().st_size / 1024:.1f} KB"))


def _explain_texts(made: "Profile", declared: "Declarations") -> None:
    from shiftscope.profiles import texts_of

    say("texts in it, and where each came from:")
    for field, text, says in texts_of(made, declared):
        say(f"  {field}: {text!r}, {says}")
    say("  all else: numbers, and names of fields, axes, measures, units and reasons, alike in every profile")


def caution_files(patient_source: str) -> None:
    """Say what it costs that nothing but the file tells patients apart."""
    if patient_source == "file":
        warn(
            "each file counts as a patient, because nobody said who is one: classes are not described, and if one"
            " person has several images the intervals come out too narrow; give --patient-regex, a manifest with a"
            " patient column, or --one-file-per-patient where that is so"
        )


def _caution(made: "Profile") -> None:
    """Say what lowers the worth of this profile."""
    caution_files(made.patient_source)
    if made.several_classes and made.privacy is None:
        told = "fewer than 10" if made.several_classes == "<10" else made.several_classes
        warn(f"images of one patient differ in class, for {told} patients: they are counted in no class")
    if made.patients < 10:
        warn(f"fewer than 10 patients ({made.patients}): only counts are exported, and the site is not diagnosed")
    elif made.patients < 20:
        warn(f"fewer than 20 patients ({made.patients}): the site will not be diagnosed")

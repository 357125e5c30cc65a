"""Where a profile is written, and what is said of it; for `profile` and `merge` alike."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.cli.console import answer, say
from shiftscope.cli.options import Format, in_full
from shiftscope.errors import UsageError

if TYPE_CHECKING:
    from shiftscope import Profile
    from shiftscope.api.site_listing import Declarations

__all__ = ["AnswerStyle", "part_for", "publish", "target_for"]


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """How the answer is shown.

    Attributes:
        form: how it is written to stdout.
        verbose: with the evidence.
        exact: the bytes that leave the site, and nothing else.
    """

    form: Format
    verbose: bool = False
    exact: bool = False

    @property
    def in_full(self) -> bool:
        """Whether the answer holds its evidence too."""
        return in_full(self.verbose, self.form)


def target_for(site: str, output: Path | None) -> Path:
    """Where the profile goes: `output`, else here, called after its site.

    Raises:
        UsageError: the site's name is a path, and would lead elsewhere; or `output` is named as a part or a key.
    """
    if output is not None:
        if output.name.endswith((".part.json", ".key")):
            raise UsageError(f"-o {output}: expected a name for a profile, and this is one of a part or a key")
        return output
    return Path(f"{_file_name(site, 'say with -o where to write it')}.profile.json")


def part_for(site: str, share: str) -> Path:
    """Where the i-th of n parts of a site goes, "i/n": here, called after both.

    Raises:
        UsageError: the site's name is a path.
    """
    part, _, parts = share.partition("/")
    return Path(f"{_file_name(site, 'give another with --site')}.{int(part)}-of-{int(parts)}.part.json")


def _file_name(site: str, remedy: str) -> str:
    if set(site) & set("/\\:") or site.startswith("."):
        raise UsageError(f"the site is called {site!r}, which is no name for a file: {remedy}")
    return site


def publish(made: "Profile", target: Path, shown: AnswerStyle, declared: "Declarations") -> None:
    """Answer with a summary of a profile that was written, or, where they are asked for, with its exact bytes.

    Beside the bytes it is said what each text in them is, for the eyes of the site.
    """
    from shiftscope.reports.sheets.profile_sheet import profile_sheet

    if shown.exact:
        sys.stdout.write(made.to_json() + "\n")
        _explain_texts(made, declared)
    else:
        where = f"written to {target}, {target.stat().st_size / 1024:.1f} KB"
        answer(shown.form, made.to_dict(), profile_sheet(made, where, verbose=shown.in_full))


def _explain_texts(made: "Profile", declared: "Declarations") -> None:
    from shiftscope.api.profiling import texts_of

    say("texts in it, and where each came from:")
    for field, text, says in texts_of(made, declared):
        say(f"  {field}: {text!r}, {says}")
    say("  all else: numbers, and names of fields, axes, measures, units and reasons, alike in every profile")

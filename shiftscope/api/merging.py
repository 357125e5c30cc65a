"""`merge`: at a site, its parts in, one profile out."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from shiftscope.api.documents import AnyPath, paths_of
from shiftscope.api.profiling import caution_profile
from shiftscope.errors import ProfileError
from shiftscope.profiles import Part, Profile
from shiftscope.profiles import merge as merge_parts

__all__ = ["merge", "merged", "read_parts"]


def merge(parts: Iterable[AnyPath], *, output: AnyPath | None = None, epsilon: float | None = None) -> Profile:
    """One profile of the parts of a site, which hold different patients. The parts stay at the site.

    Args:
        parts: files made with `shiftscope profile --part`.
        output: the profile is written here too.
        epsilon: for a profile under differential privacy.

    Raises:
        ProfileError: no part, or parts that share patients or are of different sites.
        NotComparable: parts measured in different ways.
    """
    return merged(read_parts(parts), output=output, epsilon=epsilon)


def merged(
    parts: Sequence[tuple[str, Part]], *, output: AnyPath | None = None, epsilon: float | None = None
) -> Profile:
    """The same of parts that were read already, each with its name for errors."""
    made = merge_parts(parts, epsilon)
    if output is not None:
        made.write(Path(output))
    caution_profile(made)
    return made


def read_parts(parts: Iterable[AnyPath]) -> list[tuple[str, Part]]:
    """Each part with the name of its file.

    Raises:
        ProfileError: a file is missing, or no part.
    """
    return [(str(path), Part.read(path, ProfileError)) for path in paths_of("parts", parts)]

"""Several images of one case that differ in channel: one channel of all cases is read."""

from collections import Counter
from dataclasses import replace

from shiftscope.errors import InputError
from shiftscope.printable_text import shown
from shiftscope.sites.layouts.folder_names import mask_kind
from shiftscope.sites.layouts.found_cases import FoundCases

__all__ = ["choose_channel"]

_LISTED = 8


def choose_channel(found: FoundCases, wanted: str | None) -> None:
    """Give every case the files of one channel; cases that lack it are no longer cases, which a note says.

    Args:
        found: changed in place.
        wanted: the channel; None for the first, by name, of those that most cases have and that are no masks.

    Raises:
        InputError: there are no channels, or none of that name.
    """
    counts = Counter(channel for files in found.channels.values() for channel in files)
    if not counts:
        if wanted is not None:
            raise InputError(
                f"the channel {shown(wanted)} is asked for, and no case of this folder has several; leave channel out,"
                " or say with --layout where in the names the {channel} stands"
            )
        return
    names = sorted(counts)
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    if wanted is not None and wanted not in counts:
        raise InputError(f"no case has the channel {shown(wanted)}; expected one of {listed}")
    images = [name for name in names if mask_kind(name) is None] or names
    channel = wanted or min(images, key=lambda name: (-counts[name], name))
    if len(names) > 1:
        found.note(f"of {len(names)} channels ({listed}) {channel} is read; --channel NAME reads another")
    lacking = [name for name, files in found.channels.items() if channel not in files]
    if lacking:
        found.note(f"{len(lacking)} cases lack the channel {channel} and are not read, the first is {min(lacking)}")
    without = set(lacking)
    found.cases = [
        replace(case, images=found.channels[case.name][channel]) if case.name in found.channels else case
        for case in found.cases
        if case.name not in without
    ]

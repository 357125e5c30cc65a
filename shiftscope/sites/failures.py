"""Files that could not be used, and how many of them a run may meet."""

from collections.abc import Sequence

from shiftscope.errors import NO_FAULTS, TooManyFailures, Unreadable

__all__ = ["refuse_too_many"]


def refuse_too_many(failures: Sequence[Unreadable], limit: int | None) -> None:
    """Stop a run that met more unreadable files than allowed; objects that lie beside the images are not counted.

    Args:
        failures: all files that were left out so far.
        limit: how many may be; None for any number.

    Raises:
        TooManyFailures: there are more.
    """
    if limit is None:
        return
    faults = [failure for failure in failures if failure.reason not in NO_FAULTS]
    if len(faults) > limit:
        raise TooManyFailures(f"{len(faults)} unreadable files, --max-failures allows {limit}; the last: {faults[-1]}")

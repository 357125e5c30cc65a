"""Which part of how many: as said, or as a scheduler numbers the tasks of an array job."""

import re
from collections.abc import Mapping

from shiftscope.errors import UsageError

__all__ = ["MOST_PARTS", "share_of", "share_of_task"]

MOST_PARTS = 10_000

_SCHEDULERS = (
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP"),
    ("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE"),
    ("LSB_JOBINDEX", "", "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP"),
)
"""Names of a task's number, of the first (1 where none is named), the last and the step: Slurm, Grid Engine, LSF."""

_NUMBER = re.compile("[0-9]{1,9}")
_BY_HAND = ", or, to make single parts of a larger job again, give them by hand, such as --part 3/16"
_SLURM_COUNT = "SLURM_ARRAY_TASK_COUNT"
_AWS = ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE")  # numbered from 0 on


def share_of(given: str) -> tuple[int, int]:
    """(i, n) of "i/n", the i-th of n parts, from "1/1" on.

    Raises:
        UsageError: anything else.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", given)
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts <= MOST_PARTS:
        raise UsageError(f"{given!r}: expected i/n, the i-th of n parts, such as 1/8, with {MOST_PARTS} at the most")
    return part, parts


def share_of_task(environment: Mapping[str, str]) -> str:
    """The "i/n" of the task that these environment variables are of.

    Raises:
        UsageError: they are of no array job that says how many tasks it has, or of some tasks of a larger one.
    """
    numbers = {name: int(text) for name, text in environment.items() if _NUMBER.fullmatch(text)}
    for own, first, last, step in _SCHEDULERS:
        if own in numbers and last in numbers:
            begin, stride = numbers.get(first, 1), numbers.get(step, 1) or 1
            parts = (numbers[last] - begin) // stride + 1
            if numbers.get(_SLURM_COUNT, parts) != parts:
                raise UsageError(
                    f"--part array: the array job's tasks have gaps: {numbers[_SLURM_COUNT]} of {parts} numbers are"
                    f" used; number them from 1 on, such as --array=1-16{_BY_HAND}"
                )
            if begin > 1:
                raise UsageError(
                    f"--part array: the array job's first task is number {begin}; number them from 1 on, such as"
                    f" --array=1-16{_BY_HAND}"
                )
            return f"{(numbers[own] - begin) // stride + 1}/{parts}"
    if all(name in numbers for name in _AWS):
        return f"{numbers[_AWS[0]] + 1}/{numbers[_AWS[1]]}"
    raise UsageError(
        "--part array: no array job of Slurm, Grid Engine, LSF or AWS Batch is running here that says how many tasks it"
        " has; give --part i/n, for example --part $PBS_ARRAY_INDEX/16"
    )

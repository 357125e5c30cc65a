"""Which part of how many a task is."""

import pytest

from shiftscope.errors import UsageError
from shiftscope.profiles import share_of, share_of_task


@pytest.mark.parametrize(
    ("environment", "share"),
    [
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_MAX": "16"}, "3/16"),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "15"}, "1/16"),
        (
            {
                "SLURM_ARRAY_TASK_ID": "9",
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_MAX": "13",
                "SLURM_ARRAY_TASK_STEP": "4",
                "SLURM_ARRAY_TASK_COUNT": "4",
            },
            "3/4",
        ),
        ({"SGE_TASK_ID": "2", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "8", "SGE_TASK_STEPSIZE": "1"}, "2/8"),
        ({"LSB_JOBINDEX": "8", "LSB_JOBINDEX_END": "8", "LSB_JOBINDEX_STEP": "1"}, "8/8"),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "5"}, "1/5"),
    ],
)
def test_a_task_knows_its_place(environment: dict[str, str], share: str) -> None:
    assert share_of_task({"HOME": "/", **environment}) == share


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "no array job of Slurm"),
        ({"SGE_TASK_ID": "undefined", "SGE_TASK_LAST": "undefined"}, "no array job of Slurm"),
        ({"PBS_ARRAY_INDEX": "3"}, r"--part \$PBS_ARRAY_INDEX/16"),
        (
            {
                "SLURM_ARRAY_TASK_ID": "7",
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_MAX": "9",
                "SLURM_ARRAY_TASK_COUNT": "3",
            },
            "gaps: 3 of 9 numbers",
        ),
        (
            {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_MAX": "3"},
            "first task is number 3; number them from 1 on, .* by hand, such as --part 3/16",
        ),
        ({"SGE_TASK_ID": "9", "SGE_TASK_FIRST": "9", "SGE_TASK_LAST": "16"}, "first task is number 9"),
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MAX": "9" * 5000}, "no array job of Slurm"),
    ],
)
def test_what_is_no_whole_array_job_is_refused(environment: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        share_of_task(environment)


def test_a_share_is_a_part_of_several() -> None:
    assert share_of("3/16") == (3, 16)
    for wrong in ("0/4", "5/4", "1", "1/", "/2", "-1/2", "1/2/3", "1/20000", "a/b", "٣/٤"):
        with pytest.raises(UsageError, match="expected i/n"):
            share_of(wrong)

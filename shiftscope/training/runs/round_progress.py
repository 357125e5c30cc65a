"""How far a run has come, round by round: numbers for a bar, and a line for a log."""

from collections.abc import Sequence

from shiftscope.plans import RoundEntry
from shiftscope.progress import Progress
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.runs.jobs import Arm, Job

__all__ = ["federated_rounds", "round_progress"]


def federated_rounds(arms: Sequence[Arm], seeds: int) -> int:
    """Rounds of all strategies and seeds in which the sites train together; tuning at a site's end is none of them."""
    return seeds * sum(find_algorithm(arm.algorithm).federated(arm.rounds) for arm in arms)


def round_progress(entry: RoundEntry, job: Job, done: int) -> Progress:
    """The round of `entry` has ended, the `done`-th of the run; a resumed run counts those before as well.

    Counted are the seeds up to the next look at the result: whether there will be others is not known before.
    """
    if job.questions:
        return Progress(doing=entry.arm, done=done, total=job.questions, unit="questions", line=_line(entry, job))
    trained = job.plan.every_seed.index(entry.seed) + 1
    seeds = next(analysis.seeds for analysis in job.plan.analyses if analysis.seeds >= trained)
    return Progress(
        doing=f"{entry.arm}, seed {entry.seed}",
        done=done,
        total=federated_rounds(job.arms, seeds),
        unit="rounds",
        line=_line(entry, job),
    )


def _line(entry: RoundEntry, job: Job) -> str:
    """A round in one line, counted among its own strategy's."""
    failed = [f"{site} {reply}" for site, reply in entry.replies.items() if reply != "ok"]
    if job.questions:
        return "; ".join([f"{entry.arm}: {len(entry.replies) - len(failed)} of {len(entry.replies)} sites", *failed])
    rounds = job.arm(entry.arm).rounds
    loss = "no loss" if entry.loss is None else f"loss {entry.loss:.3f}"
    counts = f"{len(entry.replies) - len(failed)} of {len(entry.replies)} sites"
    head = f"{entry.arm}, seed {entry.seed}, round {entry.round} of {rounds}: {loss}, {counts}, {entry.seconds:.1f} s"
    return "; ".join([head, *failed])

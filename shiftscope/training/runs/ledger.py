"""What a strategy was expected to take, beside what it took."""

from collections.abc import Sequence

from shiftscope.plans import Forecast, Ledger, SiteRound, Spending
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import Checkpoint

__all__ = ["forecast_line", "ledger_of", "of_seeds", "spending"]


def ledger_of(job: Job, arm: str, runs: Sequence[Checkpoint]) -> Ledger:
    """Predicted and measured, both over the seeds that were trained: a run may stop before the last of its plan's."""
    predicted = job.forecast.get(arm)
    if predicted is not None and len(runs) < len(job.plan.every_seed):
        predicted = Forecast(total=spending(of_seeds(predicted, len(runs))), rounds=predicted.rounds)
    rounds = [spent for run in runs for entry in run.entries for spent in entry.sites.values()]
    ends = [answer.spent for run in runs for answer in run.evaluation.values()]
    return Ledger(predicted=predicted, measured=spending([*rounds, *ends]))


def forecast_line(arm: str, expected: Forecast) -> str:
    """A prediction in one line."""
    total = expected.total
    memory = "" if total.peak_bytes is None else f", {total.peak_bytes / 1e9:.1f} GB of memory at a site"
    return (
        f"{arm}: about {total.bytes_down / 1e6:.1f} MB to the sites, {total.bytes_up / 1e6:.1f} MB back,"
        f" {total.seconds:.0f} s of computing over all sites{memory}"
    )


def of_seeds(expected: Forecast, count: int) -> list[SiteRound]:
    """Every round of so many seeds, each as the first."""
    return [spent for spents in expected.rounds.values() for spent in spents] * count


def spending(spents: Sequence[SiteRound]) -> Spending:
    """Rounds of any sites and seeds, added up; the highest peak."""
    peaks = [spent.peak_bytes for spent in spents if spent.peak_bytes is not None]
    return Spending(
        bytes_up=sum(spent.up for spent in spents),
        bytes_down=sum(spent.down for spent in spents),
        passes=sum(spent.passes for spent in spents),
        seconds=sum(spent.seconds for spent in spents),
        peak_bytes=max(peaks, default=None),
    )

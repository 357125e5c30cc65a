"""How many seeds a run of `seeds = "auto"` trains before it looks at its result, and what each analysis may spend.

An analysis that is repeated until something is found finds something by chance: with three analyses at .05 each, .05 to
.16 of simulated runs without any difference were called. The shares below add up to .05 (a union bound), so that the
whole run errs no more often than one analysis would.
"""

from dataclasses import dataclass

__all__ = ["ERROR_RATE", "SCHEDULE", "Analysis", "schedule"]

ERROR_RATE = 0.05


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis of a run under way.

    Attributes:
        seeds: how many have been trained by then.
        level: confidence of its interval, 1 minus the share of the error rate that it spends.
    """

    seeds: int
    level: float


SCHEDULE = ((3, 0.01), (5, 0.015), (10, 0.025))
"""(seeds, share of the error rate)."""


def schedule(folds: int) -> tuple[Analysis, ...]:
    """The analyses of a run of so many folds: those at which every fold has been trained equally often.

    What the others would spend is spent on these, in proportion; none where no number of seeds fits.
    """
    fitting = [(seeds, share) for seeds, share in SCHEDULE if seeds % folds == 0]
    total = sum(share for _, share in fitting)
    return tuple(Analysis(seeds, 1 - ERROR_RATE * share / total) for seeds, share in fitting)

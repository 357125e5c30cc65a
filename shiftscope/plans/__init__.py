"""The plan of a federated job and the result of running it, as files a person can read and edit."""

from shiftscope.plans.files import read_plan, write_plan
from shiftscope.plans.plan import Plan, PlannedSite, Split, Task, propose_plan
from shiftscope.plans.results import (
    ArmResult,
    Cost,
    Difference,
    RoundEntry,
    RunResult,
    SiteRound,
    SiteScore,
    SiteScores,
    Verdict,
)

__all__ = [
    "ArmResult",
    "Cost",
    "Difference",
    "Plan",
    "PlannedSite",
    "RoundEntry",
    "RunResult",
    "SiteRound",
    "SiteScore",
    "SiteScores",
    "Split",
    "Task",
    "Verdict",
    "propose_plan",
    "read_plan",
    "write_plan",
]

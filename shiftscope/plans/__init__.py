"""The plan of a federated job and the results of running it, as files a person can read and edit.

In: advice (`propose_plan`), or what training and trials measured. Out: `Plan` as TOML; `RunResult`, `TrialResult`,
`RehearsalResult` and `CopiesResult` as JSON. Records only: nothing here trains.
"""

from shiftscope.plans.copies_results import CopiesResult, Kept
from shiftscope.plans.plan import OwnCode, Plan, PlannedGain, PlannedSite, Split, Task, network_of
from shiftscope.plans.plan_files import read_plan, write_plan
from shiftscope.plans.proposed_plans import propose_plan, with_advice
from shiftscope.plans.rehearsal_results import (
    HeadMethod,
    RehearsalBudget,
    RehearsalEncoder,
    RehearsalResult,
    RehearsalSite,
    RehearsedScore,
    RehearsedStrategy,
)
from shiftscope.plans.result_numbers import Difference, Verdict
from shiftscope.plans.run_costs import Cost, Forecast, Ledger, RoundEntry, SiteRound, Spending
from shiftscope.plans.run_results import (
    Answer,
    ArmResult,
    InterimResult,
    Needed,
    Outcome,
    RunResult,
    SiteDifference,
    SiteScore,
    SiteScores,
)
from shiftscope.plans.seed_schedule import SCHEDULE, Analysis, schedule
from shiftscope.plans.trial_results import (
    Fate,
    RehearsedFate,
    TrialCost,
    TrialEntry,
    TrialResult,
    TrialRung,
    TrialSetup,
    name_of_strategy,
)

__all__ = [
    "SCHEDULE",
    "Analysis",
    "Answer",
    "ArmResult",
    "CopiesResult",
    "Cost",
    "Difference",
    "Fate",
    "Forecast",
    "HeadMethod",
    "InterimResult",
    "Kept",
    "Ledger",
    "Needed",
    "Outcome",
    "OwnCode",
    "Plan",
    "PlannedGain",
    "PlannedSite",
    "RehearsalBudget",
    "RehearsalEncoder",
    "RehearsalResult",
    "RehearsalSite",
    "RehearsedFate",
    "RehearsedScore",
    "RehearsedStrategy",
    "RoundEntry",
    "RunResult",
    "SiteDifference",
    "SiteRound",
    "SiteScore",
    "SiteScores",
    "Spending",
    "Split",
    "Task",
    "TrialCost",
    "TrialEntry",
    "TrialResult",
    "TrialRung",
    "TrialSetup",
    "Verdict",
    "name_of_strategy",
    "network_of",
    "propose_plan",
    "read_plan",
    "schedule",
    "with_advice",
    "write_plan",
]

"""Many strategies on a part of a plan's budget, and the one that is worth the whole.

In: a `Plan` and names of strategies (`prepared_trials.prepare_trial`). Out: `trial_runs.run_trial -> TrialResult`, by
successive `halving` from rung to rung (`rungs`), and the winner as a plan for the whole budget (`winners`).
"""

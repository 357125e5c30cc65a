"""Many strategies on a part of a plan's budget, and the one that is worth the whole.

In: a `Plan` and names of strategies. Out: `trial_runs.run_trial -> TrialResult`, by successive halving.
"""

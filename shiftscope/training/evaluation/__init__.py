"""How good a model is, how sure that is, and whether it was a fair comparison.

In: models and cases at a site; scores at the coordinator. Out: per-case `scores`, `patient_spreads`, `estimates`,
the gates (`gate`, `leaks`), and `run_summaries.summarise -> RunResult` after `fairness.refuse_unequal`.
"""

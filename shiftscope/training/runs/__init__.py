"""What a run is, what it keeps on disk, and what it takes.

In: a plan and its strategies. Out: `jobs.Job`, checkpoints (`states`), what the sites agreed on (`kept_references`),
and the forecast of bytes, seconds and memory beside what was measured (`forecasts`, `ledger`).
"""

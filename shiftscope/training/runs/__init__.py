"""What a run is, how far it has come, what it keeps on disk, and what it takes.

In: a plan and its strategies. Out: `jobs.Job`; checkpoints (`states`) and references (`kept_references`) in files
(`array_files`); `round_progress`; the forecast of bytes, seconds and memory beside what was measured (`forecasts`,
`ledger`). Nothing here knows the engine.
"""

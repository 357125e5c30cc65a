"""Run a plan: the advice beside its baseline, on one budget, as a federated job.

In: a `Plan` and one folder a site. Out: `launch.train -> RunResult`, with checkpoints and every site's model on disk.
Rooms, each above those it uses: `data`, `models`, `algorithms`, `runs`, `evaluation`, `federation`; `run_options`,
`plan_checks`, `arms` (the strategies of a run), `launch`; `trials`.
What leaves a site are tensors, shares of harmonizers and scores.
"""

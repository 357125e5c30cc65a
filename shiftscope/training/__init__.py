"""Run a plan: the advice beside its baseline, on one budget, as a federated job.

In: a `Plan`, one folder a site, and `run_options.RunOptions`. Out: `launch.train -> RunResult`, with checkpoints and
every site's model on disk; what leaves a site are tensors, shares of harmonizers and scores.
Each of these uses those before it: `data`, `models`, `algorithms`, `runs`, `evaluation`, `federation`; `run_options`,
`plan_checks`, `arms` (the strategies of a run), `launch`, `trials`.
"""

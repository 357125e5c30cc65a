"""Run a plan: the advice beside its baseline, on one budget, as a federated job.

`launch.train` is the door. What an algorithm is stands in `personalize`, what happens at a site in `participants`,
what is made of the sites' answers in `results`; only `flower` knows the engine.
"""

"""The sites and the coordinator of a run, and the engine between them.

In: a `Job`. Out: messages of tensors and figures. `participants.Participant` is one site: it trains and judges at home
on its `site_data`, compares strategies by its `kept_scores`, and knows no engine; `starting_models` are the same at
all sites. Only `flower` knows Flower; the same apps run in its simulation and in this process.
"""

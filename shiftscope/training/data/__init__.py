"""A site's cases as batches that a network learns from.

In: a `Site` and a `Plan`. Out: a `model_inputs.Sample` a case (arrays of one size), `splits.divide` by patient, and
endless `batches`. Random numbers depend on (seed, site, round) and on nothing else (`randomness`).
"""

"""Where a distribution function reaches a level, for many distributions at once.

For: ends of intervals and power in `effect_distributions`. In: a function that rises and passes 0, or degrees of
freedom. Out: arrays. `confidence_roots` finds where scores pass 0; `f_quantiles` has the scores of F distributions.
"""

"""Comparisons of more pairs than there can be objects of.

For: a federation of hundreds of sites. In: sites that are ready to be compared (`adjustments.adjusted_axes`). Out:
`axis_effects.AxisEffects`, arrays over comparisons; `pair_blocks` take all pairs a block at a time and sum up what each
site is against all others; `many_deletions` leaves each site out without leaving it out of every pair.
"""

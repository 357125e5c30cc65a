"""Sites that are too many for a table of pairs: what differs is mapped, in groups, the odd ones first.

In: statistics of sites and their diagnosis. Out: an `Overview`, and from it drawings and tables whose length follows
the number of sites and not that of pairs. `pair_effects` compares all pairs in blocks of arrays, `sorted_sites` finds
who stands alone and who belongs together, `heat_maps` draw it, `group_map` places it, `neighbours` list it.
"""

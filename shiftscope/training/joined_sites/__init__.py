"""A site that joined a federation, as it follows orders.

In: a question under a signed order, whatever carries it. Out: what leaves, through the gate of `disclosure`. The order
is opened and judged in `ordered_sites`; whatever touches images or runs a plan's code (`site_computing`) does so in a
process of its own, which stays warm between questions and is ended where it takes too long (`warm_processes`).
"""

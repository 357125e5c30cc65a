"""Sums over a site's patients, the same to the last digit whatever the order in which they are added up.

In: patients. Out: `SiteAccumulator`, which parts, blocks and processes merge, and `export` closes into a profile.
"""

"""Profiles of a site whose images cannot lie in one folder: raw sums that stay there, and one profile of them.

In: cases of a part, and the site's secret key. Out: `part_files.Part`; `merges.merge` makes the `Profile` of several,
and refuses to count a patient twice.
"""

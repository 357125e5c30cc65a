"""What reading a site's cases gave, for the people there.

In: cases as they are read. Out: a table, what looks odd in it, and a few slices to look at.
"""

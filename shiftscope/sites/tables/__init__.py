"""Tables of owners: manifests, and those that are joined to the cases of a folder.

In: CSV or TSV as hospitals save them. Out: cases, or cases with their labels, patients, splits and months.
"""

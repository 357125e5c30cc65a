"""The drawings of the report.

In: profiles, verdicts on pairs, numbers with their intervals. Out: a `Figure`: an SVG that takes its colours from the
page, a title, a description for those who do not see it, and a table of all numbers in it. The same values give the
same drawing to the byte. matplotlib is imported inside functions.
"""

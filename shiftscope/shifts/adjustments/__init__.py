"""What is left of a difference when a simpler cause is held equal at both sites.

For: a shift that prevalence, lesion area or an annotator's habit explains must not be called another one. In:
statistics of sites, pairs, and the sites whose patients make the unit. Out: `axis_differences.AxisDifferences` of every
axis, with what was held equal and how much that explained. The order is in `adjusted_axes`; each cause has a file.
"""

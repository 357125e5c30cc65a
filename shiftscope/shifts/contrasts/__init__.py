"""How the classes of sites lie apart: do images that look alike carry other labels?

For: concept shift, which no axis of its own shows. In: statistics of sites that know two classes or more. Out: an
`effects.ClassContrast` for every axis and every two classes, of pairs of sites and of each site against all others.
`class_tables` tells the classes of all sites in one unit.
"""

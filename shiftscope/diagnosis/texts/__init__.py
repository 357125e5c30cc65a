"""What was found, in sentences for people.

For: the evidence and the caveats of a diagnosis, a check and a watch. In: their numbers. Out: whole sentences, the most
important first. `phrases` has what all sentences share: numbers with two significant digits, names of sites, counts.
"""

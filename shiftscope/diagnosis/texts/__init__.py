"""What was found, in sentences for people.

In: numbers of a diagnosis. Out: whole sentences with two significant digits; the most important words first.
"""

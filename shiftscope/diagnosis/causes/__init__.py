"""Why a verdict: which measures differ, which scanners, which site stands apart.

In: profiles and the verdicts of their pairs. Out: `evidence.Evidence`, each finding once, with the numbers in it.
"""

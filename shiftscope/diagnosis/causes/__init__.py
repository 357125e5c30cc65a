"""Why a verdict: which measures differ, which scanners, which site stands apart.

For: the evidence of a diagnosis, a check and a watch. In: profiles and the verdicts of their pairs
(`judged_pairs.Comparisons`). Out: `evidence.Evidence`, each finding once, with the numbers in it. `attribution` is the
way in; `measure_differences` and `scanners` find what differs, `outlying_sites` whom to name.
"""

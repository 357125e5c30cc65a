"""Who is a patient, and what may be said of whom.

In: cases. Out: cases with patients and where those are from, or a question to the owner of the site.
"""

"""Which of the known layouts a folder has, and the cases it then holds.

In: a folder. Out: `recognised.find_cases -> Found`, or why nothing was found, with what would settle it.
"""

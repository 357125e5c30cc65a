"""Which of the known layouts a folder has, and the cases it then holds.

In: a folder. Out: `known_layouts.find_cases -> FoundCases`, or why nothing was found, with what would settle it.
"""

"""Templates such as `{class}/{patient}/{case}.png`: what owners write, and what recognition proposes.

In: a template and the files of a folder. Out: `template_cases.cases_of -> FoundCases`; `proposals` for a folder.
"""

"""How a sheet or a check is written: terminal, Markdown, JUnit, SARIF, GitHub's annotations.

In: a `Sheet`, or a `CheckResult`. Out: text. Names from elsewhere are escaped here, once for each format.
"""

"""How a sheet or a check is written: for a terminal, as Markdown, JUnit, SARIF or GitHub's annotations.

In: a `Sheet`, or a `CheckResult`. Out: text. Names from elsewhere are escaped here, once for each format. In a terminal
lines end at spaces only: numbers with their units, intervals and names stay whole.
"""

"""What is unusual in a file, although it was read: told at the site, so that somebody looks."""

__all__ = ["ODDITIES"]

ODDITIES: dict[str, str] = {}
"""Code -> what was found and how it was read, after "in n of m cases: "."""

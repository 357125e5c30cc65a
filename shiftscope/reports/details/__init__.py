"""What stands behind a first screen: the blocks that --verbose, Markdown and the report add to it.

In: the same frozen document as the sheet of that name gets. Out: lines and tables of text, the most general first. No
block repeats what the first screen says, but for tables that it shortens.
"""

"""What people read: the documents of all other packages as text, tables, pages and files for CI servers.

In: one frozen document (advice, result, check, watch, profile), for the report several of them. Out: a `Sheet` of lines
and tables (sheets/, the most important on one screen; details/, the evidence behind it), which formats/ writes for a
terminal or as Markdown; JUnit, SARIF and annotations of a check (formats/); one HTML page (html/).
Nothing here measures, compares or decides, and nothing reads an image.
"""

"""What lies in folders, looked at once: files as text, folders, and what is listed and not there.

In: a folder. Out: `folder_listings.walk` and its like; `file_paths` for paths that are kept as text.
"""

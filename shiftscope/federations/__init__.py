"""Who belongs to a federation, and what its coordinator asks of whom.

In come names, an address, plans and documents that people send each other; out go keys, certificates, invitations,
requests, admissions, the folders they lie in with their pages and unit files, and signed orders, which a site opens
with the key that it pinned when it joined. Nothing here knows of images or of training. docs/federation.md tells it as
a whole.
"""

"""`federation`: who belongs to a federation of hospitals, from an invitation to a site that is let in.

Each module is one place: what a coordinator does, what a site does, and what either examines.
"""

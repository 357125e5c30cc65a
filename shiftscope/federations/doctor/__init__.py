"""What is wrong with a federation, seen from a site or from its coordinator, and what mends it.

In come folders; out go findings. Nothing is changed, and nothing that a site keeps is sent.
"""

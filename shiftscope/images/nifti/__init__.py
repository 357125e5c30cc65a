"""NIfTI and MGH volumes: their numbers, their places, and what stands beside them.

In: a path and its format. Out: `volumes.read_volume -> Image`, `volumes.stored_volume` for masks.
"""

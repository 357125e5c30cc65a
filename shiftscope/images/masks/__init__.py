"""Masks of every format as labels on the grid of their image.

In: paths, and the image that they belong to. Out: `mask_files.read_mask -> LabelMap`, with what is odd about it.
"""

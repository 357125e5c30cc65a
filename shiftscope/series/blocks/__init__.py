"""A series cut in two at any month: who was there before it, the baseline among them, and who came since.

For: interim analyses and change points. In: statistics of a baseline and of its months. Out: `Blocks`, a `Shift` for
every cut. `series_blocks` are all patients, `class_blocks` those of two classes; both blocks of a cut are taken to vary
as patients do within all months so far (`common_spreads`).
"""

from shiftscope.series.blocks.series_blocks import Blocks, cuts, growing

__all__ = ["Blocks", "cuts", "growing"]

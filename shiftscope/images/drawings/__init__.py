"""Pictures for people: cases before and after harmonization, drawn with Pillow alone.

In: slices, masks and curves as arrays. Out: a PNG that stays at the hospital.
"""

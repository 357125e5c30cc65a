"""What networks and fixed filters make of an image, whole or layout alone.

In: canvases (n, c, h, w) in [0, 1]. Out: features as one vector per canvas, from an extractor named in the profile.
Files of weights are read so that nothing in them can run.
"""

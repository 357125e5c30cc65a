"""What a scanner or a protocol changes: brightness, colour, texture, noise.

In: canvases (n, c, h, w) in [0, 1] on the device, or their luminance. Out: one vector per canvas and axis, and the
figures that a person can read. None of them looks at a mask, but to leave the lesion out.
"""

"""What masks say: shape and place of lesions, how their contours are drawn, and crops around them.

In: a mask on its native grid with its spacing in mm, and for the contours the image. Out: one vector per case and axis.
"""

"""PNG, JPEG, TIFF and other pictures.

In: a path and its format. Out: `raster.read_raster -> Image`, `raster.decode` for masks.
"""

"""What is unusual in a file, although it was read: told at the site, so that somebody looks."""

__all__ = ["ODDITIES"]

ODDITIES: dict[str, str] = {
    "mask_empty": "nothing is drawn in the mask",
    "mask_full": "the mask covers more than 95 % of the image",
    "mask_reversed": "what is drawn in the mask surrounds what is not: it may be drawn in reverse; read as it is",
    "mask_outline": "the mask is a thin line around something, which is not filled; read as it is",
    "mask_one_grey": "the mask has one grey level beside background, not white: read as foreground; if grey levels"
    " stand for classes, write class numbers",
    "mask_levels": "the mask holds grey levels or numbers above 31 in areas: each is a label of its own",
    "mask_noisy_levels": "the mask holds several grey levels with noise between them, as of JPEG: each pixel got the"
    " nearest",
    "mask_ragged": "the mask holds class numbers that lie on edges alone, as after interpolation or lossy compression:"
    " read as they are",
    "mask_soft": "the mask holds grey levels at its edges, or is no mask: foreground from half of white up",
    "mask_soft_colours": "the mask holds colours that blend into one another: read as one foreground",
    "mask_faint": "the mask is a JPEG that is nearly black: class numbers do not survive JPEG; read as empty",
    "mask_void": "the mask holds 255 beside class numbers: read as void, which is background",
    "mask_colours": "the mask holds several colours: each is a label of its own",
    "mask_no_ground": "the mask holds colours, but neither black nor white as background: all is foreground",
    "mask_black_opaque": "the mask holds black that is drawn on a transparent ground: read as background",
    "mask_layers": "the mask holds several layers, pages or volumes: read as one map of classes",
    "mask_interpolated": "the mask holds fractions between class numbers, as after interpolation: rounded",
    "mask_overlap": "labels of the mask overlap: the larger number stands",
    "mask_mixed": "the image has masks of class numbers and of one foreground: joined, class numbers standing",
    "mask_part": "the mask covers a part of its image, on the same grid: the rest is background",
    "mask_shifted": "the mask lies up to half a voxel beside its image: read voxel by voxel",
    "mask_without_place": "the mask or its image does not say how it lies, or only by default: read voxel by voxel as"
    " stored",
    "mask_cut": "the mask is larger than the region of the picture that is measured: cut alike",
    "mask_unturned": "the photograph is turned by its EXIF tag, and its mask has none: read as drawn on the turned one",
    "mask_of_other_series": "the segmentation names another series than that of its image",
}
"""Code -> what was found and how it was read, as the end of the sentence "in n of m cases ..."."""

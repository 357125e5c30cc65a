"""What is unusual in a file although it was read: reported at the site, so that somebody looks at it."""

__all__ = ["ODDITIES"]

ODDITIES: dict[str, str] = {
    # masks
    "mask_empty": "nothing is drawn in the mask",
    "mask_full": "the mask covers more than 95 % of the image",
    "mask_reversed": "what is drawn in the mask surrounds what is not: it may be drawn in reverse; read as it is",
    "mask_outline": "the mask is a thin line around something, which is not filled; read as it is",
    "mask_one_grey": (
        "the mask has one grey level beside background, not white: read as foreground; if grey levels stand for "
        "classes, write class numbers"
    ),
    "mask_levels": "the mask holds grey levels or numbers above 31 in areas: each is a label of its own",
    "mask_ragged": (
        "the mask holds class numbers on edges alone, as after interpolation or lossy compression: read as they are"
    ),
    "mask_noisy_levels": (
        "the mask holds several grey levels with noise between them, as of JPEG: each pixel got the nearest"
    ),
    "mask_soft": "the mask holds grey levels at its edges, or is no mask: foreground from half of white up",
    "mask_soft_colours": "the mask holds colours that blend into one another: read as one foreground",
    "mask_faint": "the mask is a JPEG that is nearly black: class numbers do not survive JPEG; read as empty",
    "mask_void": "the mask holds 255 beside class numbers: read as void, which is background",
    "mask_colours": "the mask holds several colours: each is a label of its own",
    "mask_no_ground": "the mask holds colours, but neither black nor white as background: all is foreground",
    "mask_black_opaque": "the mask holds black that is drawn on a transparent ground: read as background",
    "mask_layers": "the mask holds several layers, pages or volumes: read as one map of classes",
    "mask_interpolated": "the mask holds fractions between class numbers, as after interpolation: rounded",
    "mask_overlap": "labels of the mask overlap: the larger number counts",
    "mask_mixed": "the image has masks of class numbers and of one foreground: joined, class numbers on top",
    "mask_part": "the mask covers a part of its image, on the same grid: the rest is background",
    "mask_shifted": "the mask lies up to half a voxel beside its image: read voxel by voxel",
    "mask_without_place": (
        "the mask or its image does not say how it lies, or only by default: read voxel by voxel as stored"
    ),
    "mask_cut": "the mask is larger than the region of the picture that is measured: cut alike",
    "mask_unturned": (
        "the photograph is turned by its EXIF tag, and its mask has none: read as drawn on the turned one"
    ),
    "mask_of_other_series": "the segmentation names another series than that of its image",
    # values that are not what they seem
    "sign_repaired": "samples had wrapped, for the header is wrong about their sign; they were turned back",
    "sign_doubtful": "the picture is torn where the sign of its samples changes; read with the sign the header gives",
    "wrapped_values": "negative values were stored as numbers near 65535, and got their sign back",
    "counted_from_zero": (
        "values look like CT, or are said to be, but none lies below 0: no Hounsfield units, scaled between"
        " percentiles; subtract what was added"
    ),
    "far_below_zero": (
        "values lie far below 0 without the air by which Hounsfield units are known: scaled between percentiles; if it "
        'is CT, say "Modality": "CT" in a sidecar, NAME.json'
    ),
    "ct_no_hu": (
        "a CT is not in Hounsfield units; it is scaled between percentiles, one of 8 bits as it is, and cannot be"
        " compared with CTs that are"
    ),
    "ct_too_high": "a CT holds values above 32767 HU, which no tissue has; read as the header says",
    "few_bits": "a 16-bit picture stays below a quarter of its range (10, 12 or 14 bits?); it looks dark to a model",
    "rescale_nonsense": "the rescale slope is zero, or slope or intercept is no number; taken as 1 and 0",
    "broken_scaling": "scl_slope or scl_inter mean nothing (infinite, or no slope beside an intercept): as stored",
    "fill_value": "a number such as -32768 marked what was not measured; the lowest measured value was put there",
    "padding_ignored": "nearly the whole picture lies in the range that is called padding; it was read as a picture",
    "window_ignored": "the stored window or table leaves no picture; the range was chosen from the pixels",
    "polarity": "PresentationLUTShape is INVERSE under MONOCHROME2; the picture was not inverted",
    "polarity_kept": "MONOCHROME1 in CT or PET, whose values are measured and mean the same; it was not inverted",
    "bits_kept": "samples need more bits than the header says are stored; all of their bits were kept",
    "high_bit": "HighBit says that samples are shifted, and they are not; it was ignored",
    "real_world": "a real-world value mapping stands beside unscaled values; it was not applied",
    "signed": "a picture holds values below zero; it is scaled between percentiles",
    "eight_of_sixteen": "a colour picture of 16 bits a channel was read with 8",
    "transparent": "parts of the picture are transparent; they were made black",
    "profile": "a colour profile or gamma other than sRGB is stored; it was not applied",
    "extra_channel": "a TIFF holds a channel beside grey or RGB that is no transparency; it was left out",
    "grey_as_colours": "a TIFF holds three grey samples a pixel; they were read as red, green and blue",
    "alpha_left_out": "transparency was stored beside the colours, and left out",
    # what the picture shows
    "localizer": "the file is a localizer (a scout) or bolus tracking; it was read because there is no other image",
    "screen": "the file is a screen, a dose sheet or a rendering; it was read because there is no other image",
    "capture": "the file is a secondary capture, of a screen or a film; it was read as the picture itself",
    "computed_map": "the file is a map computed from images, not an image; it was read as it is",
    "raw_film": (
        "the film is the detector's own, for processing; it was read as it is, and looks unlike processed ones"
    ),
    "burned_in": "letters, rulers or a screen's frame are likely in the picture: crop it, or export the original",
    "several_regions": (
        "an ultrasound picture shows two views or more side by side; they were measured as one picture"
    ),
    "region_ignored": "an ultrasound region is tiny or lies outside its picture; it was ignored",
    # where it lies
    "two_places": "sform and qform put voxels in different places, and the sform was taken",
    "no_orientation": (
        "the header does not say how the patient lies (sform and qform code 0): kept in the usual order"
    ),
    "broken_sform": "the sform places no voxels, and the qform was taken",
    "slices_by_name": "slices have neither positions nor numbers; they were sorted by file name",
    "slices_by_number": "slices have no positions; they were sorted by instance number",
    "slices_by_location": "slices have no positions; they were sorted by slice location",
    "missing_slices": "slices are missing in between; those that are there were stacked",
    "uneven_slices": "the distances between slices differ; they were stacked as if they were equal",
    "duplicate_slices": "files of the series are there twice; one of each was read",
    "tilted_gantry": "slices are shifted against one another (a tilted gantry); they were stacked as they are",
    "fanned_slices": "slices are not quite parallel (a fan, or discs of a spine); they were stacked as if they were",
    "sheared": "the axes of the voxels are not at right angles (a tilted gantry?), and were taken as if they were",
    "two_spacings": "the sform's steps are not the header's voxel sizes (pixdim), and were taken",
    "odd_spacing": "voxels are smaller than 5 micrometres or larger than 50 mm: is the unit right?",
    "no_spacing": "the header gives no distance between voxels",
    # what else lay there
    "first_of_several": (
        "several volumes (times, phases, echoes, gradients, channels) lie in one file or place, and the first was read"
    ),
    "unweighted_not_first": "the unweighted volume of a diffusion series was not the first, and was read",
    "beside_left_out": "a localizer, a screen or a report lies among the files of the series; it was left out",
    "hyperstack": "a TIFF holds channels or moments; the first of them was read",
    "pages_as_slices": "a TIFF calls its pages moments or channels; they were read as slices",
    "pages": "a TIFF holds pages that differ in size or type; the first alone was read",
    "pages_missing": "a TIFF describes more pages than it holds; those that are there were read",
    "film": "a file of several frames that are no slices (a film, or several views) was read as its middle frame",
    "animation": "a moving picture was read as its first frame",
    "more_than_counted": "the file goes on after the voxels that its header counts, which were read alone",
    "broken_sidecar": "a sidecar could not be read (JSON in UTF-8 of 4 MB at the most), and was left out",
}
"""Code -> what was found and how it was read, after "in n of m cases: "; the most suspicious first."""

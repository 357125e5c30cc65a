"""What is unusual in a file, although it was read: told at the site, so that somebody looks."""

__all__ = ["ODDITIES"]

ODDITIES: dict[str, str] = {
    "localizer": "the file is a localizer (a scout), or watches for contrast; it was read for want of an image",
    "screen": "the file is a screen, a dose sheet or a rendering; it was read for want of an image",
    "capture": "the file is a secondary capture, of a screen or a film; it was read as the picture itself",
    "computed_map": "the file is a map computed from images, not an image; it was read as it is",
    "raw_film": "the film is the detector's own, for processing; it was read as it is, and looks unlike processed ones",
    "beside_left_out": "a localizer, a screen or a report lies among the files of the series; it was left out",
    "first_of_several": "several volumes (times, phases, echoes, gradients) lie in one place; the first was read",
    "duplicate_slices": "files of the series are there twice; one of each was read",
    "missing_slices": "slices are missing in between; those that are there were stacked",
    "uneven_slices": "the distances between slices differ; they were stacked as if they were equal",
    "tilted_gantry": "slices are shifted against one another (a tilted gantry); they were stacked as they are",
    "slices_by_location": "slices have no positions; they were sorted by slice location",
    "slices_by_number": "slices have no positions; they were sorted by instance number",
    "slices_by_name": "slices have neither positions nor numbers; they were sorted by file name",
}
"""Code -> what was found and how it was read, as the end of the sentence "in n of m cases ..."."""

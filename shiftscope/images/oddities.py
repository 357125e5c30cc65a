"""What is unusual in a file, although it was read: told at the site, so that somebody looks."""

__all__ = ["ODDITIES"]

ODDITIES: dict[str, str] = {
    "alpha_left_out": "transparency was stored beside the colours, and left out",
    "broken_scaling": "scl_slope or scl_inter mean nothing (infinite, or no slope beside an intercept): as stored",
    "broken_sform": "the sform places no voxels, and the qform was taken",
    "broken_sidecar": "a sidecar could not be read (JSON in UTF-8 of 4 MB at the most), and was left out",
    "counted_from_zero": "values look like CT, or are said to be, but none lies below 0: no Hounsfield units, seen by"
    " percentiles; subtract what was added",
    "far_below_zero": "values lie far below 0 without the air by which Hounsfield units are known: seen by percentiles;"
    ' if it is CT, say "Modality": "CT" in a sidecar, NAME.json',
    "fill_value": "a number such as -32768 stood for nothing measured; the lowest measured value was put there",
    "first_of_several": "the file holds several volumes or channels, and the first was read",
    "more_than_counted": "the file goes on after the voxels that its header counts, which were read alone",
    "no_orientation": "the header does not say how the patient lies (sform and qform code 0): kept in the usual order",
    "no_spacing": "the header gives no distance between voxels",
    "odd_spacing": "voxels are smaller than 5 micrometres or larger than 50 mm: is the unit right?",
    "sheared": "the axes of the voxels are not at right angles (a tilted gantry?), and were taken as if they were",
    "two_places": "sform and qform put voxels in different places, and the sform was taken",
    "two_spacings": "the sform's steps are not the header's voxel sizes (pixdim), and were taken",
    "unweighted_not_first": "the unweighted volume of a diffusion series was not the first, and was read",
    "wrapped_values": "negative values were stored as numbers near 65535, and got their sign back",
}
"""Code -> what was found and how it was read, as the end of the sentence "in n of m cases ..."."""

"""What is unusual in a file, although it was read: told at the site, so that somebody looks."""

__all__ = ["ODDITIES"]

ODDITIES: dict[str, str] = {
    # DICOM: samples and values
    "bits_kept": "samples need more bits than the header says are stored; all of their bits were kept",
    "high_bit": "HighBit says that samples are shifted, and they are not; it was ignored",
    "sign_repaired": "samples had wrapped, for the header is wrong about their sign; they were turned back",
    "sign_doubtful": "the picture is torn where the sign of its samples changes; read with the sign the header gives",
    "ct_too_high": "a CT holds values above 32767 HU, which no tissue has; read as the header says",
    "ct_no_hu": "a CT is not in Hounsfield units; it is seen by percentiles, and cannot be compared with CTs that are",
    "rescale_nonsense": "the rescale slope is zero, or slope or intercept is no number; taken as 1 and 0",
    "real_world": "a real-world value mapping stands beside unscaled values; it was not applied",
    "padding_ignored": "nearly the whole picture lies in the range that is called padding; it was read as a picture",
    "window_ignored": "the stored window or table leaves no picture; the range was chosen from the pixels",
    "polarity": "PresentationLUTShape is INVERSE under MONOCHROME2; the picture was not inverted",
    # DICOM: what the picture shows
    "burned_in": "letters, rulers or a screen's frame are likely in the picture: crop it, or export the original",
    "several_regions": "an ultrasound picture shows two views or more side by side; they were measured as one picture",
    "region_ignored": "an ultrasound region is tiny or lies outside its picture; it was ignored",
    # pictures
    "few_bits": "a 16-bit picture stays below a quarter of its range (10, 12 or 14 bits?); it is seen dark",
    "eight_of_sixteen": "a colour picture of 16 bits a channel was read with 8",
    "transparent": "parts of the picture are transparent; they were made black",
    "profile": "a colour profile or gamma other than sRGB is stored; it was not applied",
    "animation": "a moving picture was read as its first frame",
    "pages": "a TIFF holds pages that differ in size or type; the first alone was read",
    "pages_missing": "a TIFF describes more pages than it holds; those that are there were read",
    "hyperstack": "a TIFF holds channels or moments; the first of them was read",
    "pages_as_slices": "a TIFF calls its pages moments or channels; they were read as slices",
    "extra_channel": "a TIFF holds a channel beside grey or RGB that is no transparency; it was left out",
    "grey_as_colours": "a TIFF holds three grey samples a pixel; they were read as red, green and blue",
    "signed": "a picture holds values below zero; it is seen by percentiles",
}
"""Code -> what was found and how it was read, as the end of the sentence "in n of m cases ..."."""

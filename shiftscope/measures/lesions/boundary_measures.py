"""The measures of how an annotator draws, as people read them; `boundary` computes them."""

from shiftscope.measures.lesions.contours import LONGER_THAN_ARC, ROUGH_WAVE, STRAIGHT
from shiftscope.measures.lesions.morphology_measures import MEASURES_2D
from shiftscope.measures.measure import Measure

__all__ = ["MEASURES", "SEARCHED", "VECTOR"]

SEARCHED = 6.0  # how far the edge is looked for on both sides of the contour

_UNDEFINED = "the mask is empty, or its contour lies on the edge of the canvas"
_EDGE = "Canny 1986, doi:10.1109/TPAMI.1986.4767851; Fisher 1936, doi:10.1111/j.1469-1809.1936.tb02137.x"

MEASURES: dict[str, Measure] = {
    item.name: item
    for item in [
        Measure(
            name="offset",
            unit="px of 256",
            sentence="How far the image's edge lies outside the contour: negative when the mask reaches beyond it.",
            formula="median over the contour, weighted by edge strength, of the place along the outward normal, within"
            f" {SEARCHED:g} px (half the width of a small lesion), where the contrast of in- and outside (Fisher's"
            " discriminant of the colours) rises most",
            range=(-SEARCHED, SEARCHED),
            direction="lower: masks drawn larger than the edge; higher: masks drawn inside it",
            undefined=f"{_UNDEFINED}, or there is no edge within reach",
            reference=_EDGE,
        ),
        Measure(
            name="offset_relative",
            unit="1",
            sentence="The offset over the radius of a disk of the same area.",
            formula="offset / sqrt(area / pi)",
            range=(-1.0, 1.0),
            direction="lower: masks drawn larger than the edge; higher: masks drawn inside it",
            undefined=f"{_UNDEFINED}, or there is no edge within reach",
            reference=_EDGE,
        ),
        Measure(
            name="offset_spread",
            unit="px of 256",
            sentence="How unsteadily the contour follows the image's edge.",
            formula="1.4826 * median|place of the edge - offset| over the contour, weighted by edge strength as the"
            " offset is",
            range=(0.0, SEARCHED),
            direction="higher: wandering, hasty or clicked outlines, or lesions with a blurred edge",
            undefined=f"{_UNDEFINED}, or there is no edge within reach",
            reference=_EDGE,
        ),
        Measure(
            name="roughness",
            unit="px of 256",
            sentence="How far the contour strays from its own smooth course.",
            formula=f"root mean square of the contour after a high-pass filter of wavelength {ROUGH_WAVE:g} px",
            range=(0.0, 2.0),
            direction="higher: jagged, shaky or coarsely rastered masks",
            undefined=_UNDEFINED,
            reference="Zahn & Roskies 1972, doi:10.1109/TC.1972.5008949",
        ),
        Measure(
            name="polygonality",
            unit="1",
            sentence="Share of the contour that lies in straight runs: near 1 for masks clicked as polygons.",
            formula=f"share of points in a run that stays within {STRAIGHT:g} px of its chord and is"
            f" {LONGER_THAN_ARC:g} times longer than such an arc of a disk of the same area over the aspect ratio",
            range=(0.0, 1.0),
            direction="higher: clicked corners joined by lines, or boxes",
            undefined=_UNDEFINED,
            reference="Ramer 1972, doi:10.1016/S0146-664X(72)80017-0",
        ),
        Measure(
            name="holes",
            unit="1",
            sentence="Share of the filled mask that is holes.",
            formula="1 - foreground pixels / foreground pixels with holes filled",
            range=(0.0, 1.0),
            direction="higher: thresholded or unfinished masks, or ring-like lesions",
            undefined="the mask is empty",
            reference="Soille 2004, doi:10.1007/978-3-662-05088-0",
        ),
        MEASURES_2D["empty"],
    ]
}
"""The measures of an annotator's hand."""

VECTOR = ("offset", "roughness", "polygonality", "offset_spread")
"""What makes the axis, the most informative first."""

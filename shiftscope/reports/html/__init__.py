"""The report: one HTML file that holds all it shows, for people who look.

Verdict first, numbers behind every drawing, nothing fetched, no program run. Drawings are matplotlib's, as SVG that
takes its colours from the page; heat maps are tables. Everything comes from profiles, advice and results given as
arguments.
"""

from shiftscope.reports.html.local_images import Gallery, gallery
from shiftscope.reports.html.material import Material, SharedFile, read_material
from shiftscope.reports.html.page import MOST_BYTES, render, write_page

__all__ = [
    "MOST_BYTES",
    "Gallery",
    "Material",
    "SharedFile",
    "gallery",
    "read_material",
    "render",
    "write_page",
]

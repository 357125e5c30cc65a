"""The report: one HTML file that holds all it shows.

In: profiles, and where there are some a plan, a result and images of one site (`Material`, `Gallery`). Out: a page with
the verdict first and the numbers behind every drawing. It fetches nothing and runs no program. Drawings are
matplotlib's, as SVG that takes its colours from the page; heat maps are tables.
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

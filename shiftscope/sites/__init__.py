"""Folders of a hospital as a list of cases: `read_site(folder) -> Site`, `load(case) -> image, mask`."""

from shiftscope.sites.loading import case_digests, fingerprint, fingerprint_of, load
from shiftscope.sites.overview import overview
from shiftscope.sites.reading import read_site
from shiftscope.sites.samples import Sample, draw_samples
from shiftscope.sites.site import Case, Site

__all__ = [
    "Case",
    "Sample",
    "Site",
    "case_digests",
    "draw_samples",
    "fingerprint",
    "fingerprint_of",
    "load",
    "overview",
    "read_site",
]

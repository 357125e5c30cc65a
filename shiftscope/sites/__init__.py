"""Folders of a hospital as a list of cases: `read_site(folder) -> Site`, `load(case) -> image, mask`."""

from shiftscope.sites.loading import fingerprint, load
from shiftscope.sites.overview import overview
from shiftscope.sites.reading import read_site
from shiftscope.sites.site import Case, Site

__all__ = ["Case", "Site", "fingerprint", "load", "overview", "read_site"]

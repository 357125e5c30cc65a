"""Folders of a hospital as a list of cases. Nothing here leaves the site.

In: a folder or a manifest, and what only its owner knows (`Declarations`, from options or `site.toml`).
Out: `read_site -> Site`, `load(case) -> image, mask`, and `SiteReading`, a table of what was read for the people there;
`require_shareable` asks the owner where it is not certain who is a patient or what is a class.
"""

from shiftscope.sites.array_cases import site_of_arrays
from shiftscope.sites.case_loading import case_digest, case_digests, fingerprint, fingerprint_of, load
from shiftscope.sites.declarations import NOTHING_SAID, SITE_FILE, Declarations, allowed_code
from shiftscope.sites.failures import refuse_too_many
from shiftscope.sites.people.shareable import ask_who_is_who, require_shareable
from shiftscope.sites.publishable_names import is_scanner_name
from shiftscope.sites.reading import read_site
from shiftscope.sites.readings.case_readings import CaseReading
from shiftscope.sites.readings.drawn_samples import DrawnSample, draw_samples
from shiftscope.sites.readings.overview import overview
from shiftscope.sites.readings.reading_states import restore_reading, state_of_reading
from shiftscope.sites.readings.site_readings import SiteReading
from shiftscope.sites.site import ONE_FILE, Case, Site
from shiftscope.sites.vocabularies import class_words

__all__ = [
    "NOTHING_SAID",
    "ONE_FILE",
    "SITE_FILE",
    "Case",
    "CaseReading",
    "Declarations",
    "DrawnSample",
    "Site",
    "SiteReading",
    "allowed_code",
    "ask_who_is_who",
    "case_digest",
    "case_digests",
    "class_words",
    "draw_samples",
    "fingerprint",
    "fingerprint_of",
    "is_scanner_name",
    "load",
    "overview",
    "read_site",
    "refuse_too_many",
    "require_shareable",
    "restore_reading",
    "site_of_arrays",
    "state_of_reading",
]

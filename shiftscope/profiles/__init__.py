"""A site measured: images in, one small file of aggregates out.

In: a `Site` and a feature extractor. Out: `profile_site -> Profile`, all that leaves a site; `part_of_site -> Part`,
sums that stay there until `merge` adds them up. `export` holds the rules of what may leave, `privacy` the noise,
`consistency` what every honest profile keeps.
"""

from shiftscope.profiles.different_sites import require_different_sites, require_few_classes
from shiftscope.profiles.parts.array_jobs import share_of, share_of_task
from shiftscope.profiles.parts.keys import KEY_FILE, Key
from shiftscope.profiles.parts.merges import merge
from shiftscope.profiles.parts.part_files import Part, read_fit
from shiftscope.profiles.patients.patient_averages import Patient
from shiftscope.profiles.privacy import calibrated, require_declared
from shiftscope.profiles.profile_document import Profile, Recipe, Sketch, Summary
from shiftscope.profiles.profile_options import SAMPLE, Options
from shiftscope.profiles.profile_texts import texts_of
from shiftscope.profiles.site_blocks.block_order import expected_canvases
from shiftscope.profiles.site_blocks.patient_stream import patients_of
from shiftscope.profiles.site_blocks.unfinished_runs import UnfinishedRun
from shiftscope.profiles.site_profiling import part_of_site, profile_site
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator

__all__ = [
    "KEY_FILE",
    "SAMPLE",
    "Key",
    "Options",
    "Part",
    "Patient",
    "Profile",
    "Recipe",
    "SiteAccumulator",
    "Sketch",
    "Summary",
    "UnfinishedRun",
    "calibrated",
    "expected_canvases",
    "merge",
    "part_of_site",
    "patients_of",
    "profile_site",
    "read_fit",
    "require_declared",
    "require_different_sites",
    "require_few_classes",
    "share_of",
    "share_of_task",
    "texts_of",
]

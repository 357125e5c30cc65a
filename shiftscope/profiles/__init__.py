"""Images in, one small shareable file out."""

from shiftscope.profiles.collect import part_of_site, profile_site
from shiftscope.profiles.different_sites import require_different_sites, require_few_classes
from shiftscope.profiles.keys import KEY_FILE, Key
from shiftscope.profiles.merges import merge
from shiftscope.profiles.parts import Part, read_fit
from shiftscope.profiles.patients import Options, Patient, patients_of
from shiftscope.profiles.privacy import calibrated, require_declared
from shiftscope.profiles.profile import Profile, Recipe, Sketch, Summary
from shiftscope.profiles.tally import Tally
from shiftscope.profiles.texts import texts_of

__all__ = [
    "KEY_FILE",
    "Key",
    "Options",
    "Part",
    "Patient",
    "Profile",
    "Recipe",
    "Sketch",
    "Summary",
    "Tally",
    "calibrated",
    "merge",
    "part_of_site",
    "patients_of",
    "profile_site",
    "read_fit",
    "require_declared",
    "require_different_sites",
    "require_few_classes",
    "texts_of",
]

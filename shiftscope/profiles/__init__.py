"""Images in, one small shareable file out."""

from shiftscope.profiles.collect import part_of_site, profile_site
from shiftscope.profiles.merges import merge
from shiftscope.profiles.parts import Part, read_fit
from shiftscope.profiles.patients import Options, Patient, patients_of
from shiftscope.profiles.privacy import calibrated
from shiftscope.profiles.profile import Profile, Recipe, Sketch, Summary
from shiftscope.profiles.tally import Tally

__all__ = [
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
]

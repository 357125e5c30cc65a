"""Images in, one small shareable file out."""

from shiftscope.profiles.collect import profile_site
from shiftscope.profiles.patients import Options, Patient, patients_of
from shiftscope.profiles.profile import Profile, Recipe, Sketch, Summary
from shiftscope.profiles.tally import Tally

__all__ = ["Options", "Patient", "Profile", "Recipe", "Sketch", "Summary", "Tally", "patients_of", "profile_site"]

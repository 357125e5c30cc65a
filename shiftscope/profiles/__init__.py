"""Images in, one small shareable file out."""

from shiftscope.profiles.collect import Options, profile_site
from shiftscope.profiles.profile import Profile, Recipe, Sketch, Summary

__all__ = ["Options", "Profile", "Recipe", "Sketch", "Summary", "profile_site"]

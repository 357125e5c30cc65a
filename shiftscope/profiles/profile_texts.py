"""Every text in a profile that is not the same in all profiles: what it is, and where it came from."""

from collections.abc import Iterator

from shiftscope.profiles.export import TEXTS
from shiftscope.profiles.profile_document import OTHER, SEVERAL, WITHHELD, Profile
from shiftscope.sites import Declarations

__all__ = ["texts_of"]

_FIXED = "a word of shiftscope"


def texts_of(profile: Profile, declared: Declarations) -> Iterator[tuple[str, str, str]]:
    """Each such text as (field, text, what it is and whence), in the order of the file.

    All other texts of a profile are names of fields, axes, measures, units and reasons, which every profile of its
    version has in common.

    Args:
        declared: what the site's owner said.
    """
    yield "site", profile.site, "the site's name: from --site, else the folder's"
    yield "version", profile.version, "the version of shiftscope"
    yield "patient_source", profile.patient_source, f"how patients were identified, {_FIXED}"
    yield "layout", profile.layout, f"how the folder is laid out, {_FIXED}"
    mark = "withheld" if profile.fingerprint == WITHHELD else "SHA-256 over the contents of all files"
    yield "fingerprint", profile.fingerprint, mark
    for key, value in profile.recipe:
        if isinstance(value, str):
            yield f"recipe.{key}", value, "how this version measures; --features and --weights change it"
    for name in profile.labels:
        origin = "named by the site's owner" if name in (declared.classes or ()) else "made of shipped class words"
        yield "labels", name, f"a class, {origin}"
    for tag, counts in profile.acquisition.items():
        for value in counts:
            yield f"acquisition.{tag}", value, _of_tag(tag, value)
    if profile.privacy is not None:
        yield "privacy.mechanism", profile.privacy.mechanism, _FIXED


def _of_tag(tag: str, value: str) -> str:
    if value in (OTHER, SEVERAL):
        return _FIXED
    if tag in TEXTS:
        return "a scanner of 10 patients or more, made of shipped words and short codes"
    return f"a {'month' if tag == 'month' else 'number'} of the headers of 10 patients or more"
